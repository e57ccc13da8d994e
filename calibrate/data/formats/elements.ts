/**
 * Elements of arrays as NumPy stores them: from bytes of either byte order to what memory holds.
 * Where memory holds them just so, they are a view of the file and take nothing.
 */
import { fail } from "../../../ir/diagnostic.ts";
import { type TensorData, allocate, decodeFloat16 } from "../../../ir/tensor.ts";
import { type DType, bytesOf } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";

/** NumPy's names of element types, without the mark of byte order. */
export const dtypeByCode: ReadonlyMap<string, DType> = new Map([
  ["b1", "bool"],
  ["i1", "i8"],
  ["i2", "i16"],
  ["i4", "i32"],
  ["i8", "i64"],
  ["u1", "u8"],
  ["u2", "u16"],
  ["u4", "u32"],
  ["u8", "u64"],
  ["f2", "f16"],
  ["f4", "f32"],
  ["f8", "f64"],
]);

/** Axes that an array may have, as in NumPy. */
const mostAxes = 64;

/** What is wrong with the shape of an array, in words that follow "its shape"; null for nothing. */
export function faultOf(shape: readonly number[]): string | null {
  if (shape.length > mostAxes) return `has ${shape.length} axes`;
  let size = 1;
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) return `has the extent ${extent}`;
    // Zero makes no elements, but the other extents must still be countable.
    size *= Math.max(1, extent);
  }
  return size > Number.MAX_SAFE_INTEGER ? "has more elements than can be counted" : null;
}

/** Bytes that elements take in memory, where 64-bit integers are doubles and halves are singles. */
export function memoryBytes(dtype: DType, count: number): number {
  return count * (dtype === "f16" || dtype === "bf16" ? 4 : bytesOf(dtype));
}

/** True where no array in memory has such elements, so that they are never a view of the file. */
export function isHeldOtherwise(dtype: DType): boolean {
  return viewOf(dtype, new Uint8Array(0)) === null;
}

/** The elements that `bytes` hold, which are a whole number of them. */
export function elementsOf(
  dtype: DType,
  bytes: Uint8Array,
  littleEndian: boolean,
  file: string,
  budget: Budget,
): TensorData {
  const count = bytes.length / bytesOf(dtype);
  const view = littleEndian || bytesOf(dtype) === 1 ? viewOf(dtype, bytes) : null;
  if (view !== null) return view;
  budget.take(memoryBytes(dtype, count), file);
  const data = allocate(dtype, count);
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readerOf(dtype, from, littleEndian, file);
  const width = bytesOf(dtype);
  for (let i = 0; i < count; i++) data[i] = read(i * width);
  return data;
}

/** The elements as a view, where they are aligned and memory has such elements; else null. */
function viewOf(dtype: DType, bytes: Uint8Array): TensorData | null {
  const { buffer, byteOffset } = bytes;
  if (byteOffset % bytesOf(dtype) !== 0) return null;
  const count = bytes.length / bytesOf(dtype);
  switch (dtype) {
    case "u8":
      return bytes;
    case "i8":
      return new Int8Array(buffer, byteOffset, count);
    case "u16":
      return new Uint16Array(buffer, byteOffset, count);
    case "i16":
      return new Int16Array(buffer, byteOffset, count);
    case "u32":
      return new Uint32Array(buffer, byteOffset, count);
    case "i32":
      return new Int32Array(buffer, byteOffset, count);
    case "f32":
      return new Float32Array(buffer, byteOffset, count);
    case "f64":
      return new Float64Array(buffer, byteOffset, count);
    // A byte of a truth value may be anything but zero, the others have no such array.
    case "bool":
    case "f16":
    case "bf16":
    case "i64":
    case "u64":
      return null;
  }
}

function readerOf(
  dtype: DType,
  view: DataView,
  little: boolean,
  file: string,
): (at: number) => number {
  switch (dtype) {
    case "bool":
      return (at) => (view.getUint8(at) === 0 ? 0 : 1);
    case "u8":
      return (at) => view.getUint8(at);
    case "i8":
      return (at) => view.getInt8(at);
    case "u16":
      return (at) => view.getUint16(at, little);
    case "i16":
      return (at) => view.getInt16(at, little);
    case "u32":
      return (at) => view.getUint32(at, little);
    case "i32":
      return (at) => view.getInt32(at, little);
    case "u64":
      return (at) => exactly(view.getBigUint64(at, little), file);
    case "i64":
      return (at) => exactly(view.getBigInt64(at, little), file);
    case "f16":
      return (at) => decodeFloat16(view.getUint16(at, little));
    // NumPy has no bfloat16.
    case "bf16":
    case "f32":
      return (at) => view.getFloat32(at, little);
    case "f64":
      return (at) => view.getFloat64(at, little);
  }
}

function exactly(value: bigint, file: string): number {
  const number = Number(value);
  if (Math.abs(number) > 2 ** 53) {
    fail(diagnose("data-integer-range", null, { file, value: value.toString() }));
  }
  return number;
}

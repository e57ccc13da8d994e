/** The part of numpy that a pickled array needs: element types by code, and arrays from bytes. */
import { type Result, no, ok } from "../../ir/diagnostic.ts";
import { type Tensor, allocate, decodeFloat16, tensor } from "../../ir/tensor.ts";
import { type DType, bytesOf, elementCount } from "../../ir/type.ts";
import { fromFortranOrder } from "./npy.ts";

/** A numpy element type; its byte order arrives after it was made, as numpy pickles it. */
export interface Dtype {
  readonly kind: "dtype";
  readonly code: string;
  bigEndian: boolean;
}

export function makeDtype(code: string): Dtype {
  return { kind: "dtype", code, bigEndian: false };
}

export function isDtype(value: unknown): value is Dtype {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "dtype";
}

type Read = (view: DataView, at: number, little: boolean) => number;

const readers: ReadonlyMap<string, readonly [DType, Read]> = new Map<string, [DType, Read]>([
  ["b1", ["bool", (v, at) => v.getUint8(at)]],
  ["u1", ["u8", (v, at) => v.getUint8(at)]],
  ["i1", ["i8", (v, at) => v.getInt8(at)]],
  ["u2", ["u16", (v, at, little) => v.getUint16(at, little)]],
  ["i2", ["i16", (v, at, little) => v.getInt16(at, little)]],
  ["u4", ["u32", (v, at, little) => v.getUint32(at, little)]],
  ["i4", ["i32", (v, at, little) => v.getInt32(at, little)]],
  ["u8", ["u64", (v, at, little) => Number(v.getBigUint64(at, little))]],
  ["i8", ["i64", (v, at, little) => Number(v.getBigInt64(at, little))]],
  ["f2", ["f16", (v, at, little) => decodeFloat16(v.getUint16(at, little))]],
  ["f4", ["f32", (v, at, little) => v.getFloat32(at, little)]],
  ["f8", ["f64", (v, at, little) => v.getFloat64(at, little)]],
]);

/** An array from its bytes; says why there is none. */
export function makeArray(
  shape: readonly number[],
  dtype: Dtype,
  fortranOrder: boolean,
  bytes: Uint8Array,
): Result<Tensor> {
  const reader = readers.get(dtype.code);
  if (reader === undefined) return no(`holds an array of type ${dtype.code}`);
  const [type, read] = reader;
  const length = elementCount(shape);
  const width = bytesOf(type);
  if (length * width !== bytes.length) {
    return no(`holds ${bytes.length} bytes for an array of ${length * width}`);
  }
  // Pixels, the usual case, need no copy.
  if (type === "u8" && !fortranOrder) return ok(tensor("u8", shape, bytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = allocate(type, length);
  for (let i = 0; i < length; i++) data[i] = read(view, i * width, !dtype.bigEndian);
  const stored = tensor(type, shape, data);
  return ok(fortranOrder ? fromFortranOrder(stored) : stored);
}

/**
 * NumPy's .npy files and .npz archives, through npyjs and fflate. What those let pass is checked
 * here: lengths, element types that have no number, Fortran order, 64-bit integers beyond 2^53.
 */
import { parse } from "npyjs";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { fail } from "../../ir/diagnostic.ts";
import { type Tensor, type TensorData, tensor } from "../../ir/tensor.ts";
import { type DType, type Shape, bytesOf, elementCount, stridesOf } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";

const dtypeByCode: ReadonlyMap<string, DType> = new Map([
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

/** True where the bytes begin as .npy does. */
export function isNpy(bytes: Uint8Array): boolean {
  return bytes[0] === 0x93 && new TextDecoder("latin1").decode(bytes.subarray(1, 6)) === "NUMPY";
}

interface Header {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly dataOffset: number;
}

/** Reads as much of the header as tells whether npyjs will read the rest. */
function readHeader(bytes: Uint8Array, file: string): Header {
  const bad = (reason: string): never =>
    fail(diagnose("data-header", null, { file, format: ".npy", reason }));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isNpy(bytes)) return bad("it does not begin as .npy does");
  if (bytes.length < 12) return bad("it ends within its header");
  const long = view.getUint8(6) > 1;
  const dataOffset = long ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true);
  if (dataOffset > bytes.length) return bad("it ends within its header");
  const text = new TextDecoder("latin1").decode(bytes.subarray(long ? 12 : 10, dataOffset));
  const descr = /'descr'\s*:\s*('[^']*'|\[.*?\])\s*,\s*'/.exec(text)?.[1];
  const extents = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (descr === undefined || extents === undefined) {
    return bad("its header names no element type or no shape");
  }
  const dtype = dtypeByCode.get(/^'[<|]?(.*)'$/.exec(descr)?.[1] ?? "");
  if (dtype === undefined) {
    const said = descr === "'|O'" ? "object" : descr.replaceAll("'", "");
    return fail(diagnose("data-dtype", null, { file, dtype: said }));
  }
  const shape = extents
    .split(",")
    .map((extent) => extent.trim())
    .filter((extent) => extent !== "")
    .map(Number);
  return { dtype, shape, dataOffset };
}

/** Parses a .npy file. f16 comes as float32 values, 64-bit integers as doubles. */
export function parseNpy(bytes: Uint8Array, file: string): Tensor {
  const { dtype, shape, dataOffset } = readHeader(bytes, file);
  const expected = elementCount(shape) * bytesOf(dtype);
  const found = bytes.length - dataOffset;
  if (found !== expected) {
    fail(diagnose("data-size", null, { file, format: ".npy", expected, found }));
  }
  // npyjs takes whole buffers, and makes views that must be aligned to their elements.
  const aligned = bytes.byteOffset === 0 && bytes.buffer.byteLength === bytes.length;
  if (dataOffset % bytesOf(dtype) !== 0) {
    const reason = `its data begin at byte ${dataOffset}, which is not aligned`;
    fail(diagnose("data-header", null, { file, format: ".npy", reason }));
  }
  const buffer = aligned && bytes.buffer instanceof ArrayBuffer ? bytes.buffer : copyOf(bytes);
  const parsed = parse(buffer);
  const data = toTensorData(parsed.data, dtype, file);
  const stored = tensor(dtype, shape, data);
  return parsed.fortranOrder ? fromFortranOrder(stored) : stored;
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function toTensorData(data: unknown, dtype: DType, file: string): TensorData {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const out = new Float64Array(data.length);
    data.forEach((value: bigint, i: number) => {
      const number = Number(value);
      if (Math.abs(number) > 2 ** 53) {
        fail(diagnose("data-integer-range", null, { file, value: value.toString() }));
      }
      out[i] = number;
    });
    return out;
  }
  // npyjs gives booleans as a plain array, against its declared type.
  if (Array.isArray(data)) return Uint8Array.from(data, (value) => (value === true ? 1 : 0));
  if (
    data instanceof Float64Array ||
    data instanceof Float32Array ||
    data instanceof Int32Array ||
    data instanceof Int16Array ||
    data instanceof Int8Array ||
    data instanceof Uint32Array ||
    data instanceof Uint16Array ||
    data instanceof Uint8Array
  ) {
    return data;
  }
  return fail(diagnose("data-dtype", null, { file, dtype }));
}

/** The same elements with the last axis varying fastest. */
export function fromFortranOrder(stored: Tensor): Tensor {
  const { shape } = stored;
  const strides = stridesOf(shape);
  const data = stored.data.slice();
  const position = new Array<number>(shape.length).fill(0);
  for (const value of stored.data) {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++) {
      at += (position[axis] ?? 0) * (strides[axis] ?? 0);
    }
    data[at] = value;
    for (let axis = 0; axis < shape.length; axis++) {
      const next = (position[axis] ?? 0) + 1;
      position[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
  return tensor(stored.dtype, shape, data);
}

/** True where the bytes begin as a zip archive does (with or without entries). */
export function isZip(bytes: Uint8Array): boolean {
  const [p, k, a, b] = bytes;
  return p === 0x50 && k === 0x4b && ((a === 3 && b === 4) || (a === 5 && b === 6));
}

/** Deflate cannot shrink more than this; a size beyond it is a lie, not a reason to allocate. */
const largestRatio = 1032;

/** The arrays of an .npz archive by name, sorted by name. */
export function parseNpz(bytes: Uint8Array, file: string): ReadonlyMap<string, Tensor> {
  let entries: Record<string, Uint8Array>;
  const damaged: string[] = [];
  const filter = (entry: UnzipFileInfo): boolean => {
    const believable = entry.originalSize <= (entry.size + 1) * largestRatio;
    if (!believable) damaged.push(entry.name);
    return believable && entry.name.endsWith(".npy");
  };
  try {
    entries = unzipSync(bytes, { filter });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    fail(diagnose("data-compression", null, { file, reason }));
  }
  if (damaged.length > 0) {
    const reason = `its entry ${damaged.join(", ")} cannot have the size it claims`;
    fail(diagnose("data-compression", null, { file, reason }));
  }
  const arrays = new Map<string, Tensor>();
  for (const entry of Object.keys(entries).sort()) {
    const content = entries[entry];
    if (content === undefined) continue;
    const name = entry.slice(0, -".npy".length);
    if (!isNpy(content)) {
      const reason = "it does not begin as .npy does";
      fail(diagnose("data-header", null, { file: `${file}[${name}]`, format: ".npy", reason }));
    }
    arrays.set(name, parseNpy(content, `${file}[${name}]`));
  }
  return arrays;
}

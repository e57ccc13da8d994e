/**
 * Dense tensors: weights, thresholds, inputs, outputs. Row-major, one typed array each.
 *
 * 64-bit integers are held in a Float64Array: exact up to 2^53, which every index, shape and
 * quantised weight stays within. Readers of files report values beyond that; nothing here does.
 * Integers of fewer than 8 bits may be kept packed (packed.ts); readers see their elements.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { invariant } from "./diagnostic.ts";
import { type Storage, isPacked, pack, unpack } from "./packed.ts";
import { type DType, type Shape, elementCount } from "./type.ts";

export type TensorData =
  | Float64Array
  | Float32Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

export interface Tensor {
  /** What the elements are to whoever reads them: `i8` of everything that is stored in fewer bits. */
  readonly dtype: DType;
  /** How they are kept, where that takes less than 8 bits for one. */
  readonly storage?: Storage;
  readonly shape: Shape;
  /** The elements, a number each. Those that are stored packed are unpacked at the first look. */
  readonly data: TensorData;
}

/** The name of a tensor in its module's table, written `@name` in text. */
export type TensorRef = string;

/** An array that can hold `length` elements of `dtype`, all zero. */
export function allocate(dtype: DType, length: number): TensorData {
  switch (dtype) {
    case "f64":
    case "i64":
    case "u64":
      return new Float64Array(length);
    case "f32":
    case "f16":
    case "bf16":
      return new Float32Array(length);
    case "i32":
      return new Int32Array(length);
    case "i16":
      return new Int16Array(length);
    case "i8":
      return new Int8Array(length);
    case "u32":
      return new Uint32Array(length);
    case "u16":
      return new Uint16Array(length);
    case "u8":
    case "bool":
      return new Uint8Array(length);
  }
}

/** A tensor over `data`, which must have exactly the shape's number of elements. */
export function tensor(dtype: DType, shape: Shape, data: TensorData): Tensor {
  invariant(
    data.length === elementCount(shape),
    `tensor of shape [${shape.join(", ")}] over ${data.length} elements`,
  );
  return { dtype, shape, data };
}

export function zeros(dtype: DType, shape: Shape): Tensor {
  return { dtype, shape, data: allocate(dtype, elementCount(shape)) };
}

/** A tensor from plain numbers, each rounded into `dtype` (see `roundTo`). */
export function tensorOf(dtype: DType, shape: Shape, values: Iterable<number>): Tensor {
  const data = allocate(dtype, elementCount(shape));
  let i = 0;
  for (const value of values) data[i++] = roundTo(dtype, value);
  invariant(i === data.length, `${i} values for shape [${shape.join(", ")}]`);
  return { dtype, shape, data };
}

export function scalar(dtype: DType, value: number): Tensor {
  return tensorOf(dtype, [], [value]);
}

/** The bytes of tensors that were made of them. */
const madeOf = new WeakMap<Tensor, Uint8Array>();

/** A tensor over packed bytes, which must be those of its shape's elements. */
export function packedTensor(storage: Storage, shape: Shape, bytes: Uint8Array): Tensor {
  const count = elementCount(shape);
  invariant(isPacked(storage, bytes, count), `${bytes.length} bytes for ${count} of ${storage}`);
  let elements: Int8Array | null = null;
  const value: Tensor = {
    dtype: "i8",
    storage,
    shape,
    get data() {
      return (elements ??= unpack(storage, bytes, count));
    },
  };
  madeOf.set(value, bytes);
  return value;
}

/** The same elements, stored in fewer bits; every one must fit (`fits`). */
export function packTensor(storage: Storage, { dtype, shape, data }: Tensor): Tensor {
  invariant(dtype === "i8", `packing elements of ${dtype}`);
  return packedTensor(storage, shape, pack(storage, data));
}

/** The bytes of a tensor that was made of packed ones, without unpacking it; null of others. */
export function bytesMadeOf(value: Tensor): Uint8Array | null {
  return madeOf.get(value) ?? null;
}

/** What text calls a tensor's elements: the storage, or else the element type. */
export function storedAs({ dtype, storage }: Pick<Tensor, "dtype" | "storage">): DType | Storage {
  return storage ?? dtype;
}

/** The bytes of a tensor: packed, or as memory holds its elements. */
export function bytesOfTensor(value: Tensor): Uint8Array {
  const made = madeOf.get(value);
  if (made !== undefined) return made;
  const { storage, data } = value;
  if (storage !== undefined) return pack(storage, data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Float32 tensor over an existing array. */
export function f32(shape: Shape, data: Float32Array): Tensor {
  return tensor("f32", shape, data);
}

const scratch = new DataView(new ArrayBuffer(8));

/**
 * `value` as `dtype` stores it: floats to nearest (ties to even), integers truncated towards zero
 * and wrapped to the width, as a C cast does; bool is 0 or 1.
 */
export function roundTo(dtype: DType, value: number): number {
  switch (dtype) {
    case "f64":
      return value;
    case "f32":
      return Math.fround(value);
    case "f16":
      return decodeFloat16(encodeFloat16(value));
    case "bf16":
      return decodeBFloat16(encodeBFloat16(value));
    case "bool":
      return value === 0 ? 0 : 1;
    case "i64":
    case "u64":
      // Adding zero takes the sign off -0, which integers do not have.
      return Math.trunc(value) + 0;
    case "i32":
      return value | 0;
    case "u32":
      return value >>> 0;
    case "i16":
      return (value << 16) >> 16;
    case "i8":
      return (value << 24) >> 24;
    case "u16":
      return value & 0xffff;
    case "u8":
      return value & 0xff;
  }
}

/** The bits of `value` as an IEEE half, to nearest even; overflow gives infinity. */
export function encodeFloat16(value: number): number {
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  if (Number.isNaN(value)) return sign | 0x7e00;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = Math.min(15, Math.floor(Math.log2(magnitude)));
  // log2 may round up to the next power of two just below it.
  const e = magnitude < 2 ** exponent ? exponent - 1 : exponent;
  const mantissa = roundHalfEven((magnitude / 2 ** e - 1) * 1024);
  return sign | (((e + 15) << 10) + mantissa);
}

export function decodeFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The upper half of the float32 nearest to `value`, rounded to nearest even. */
export function encodeBFloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function decodeBFloat16(bits: number): number {
  scratch.setUint32(0, (bits << 16) >>> 0);
  return scratch.getFloat32(0);
}

/** Nearest integer, ties to even: ONNX's and IEEE's rounding. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** SHA-256 over storage or dtype, shape and the bytes in memory, as 64 hex digits. */
export function hashTensor(t: Tensor): string {
  const head = new TextEncoder().encode(`${storedAs(t)}[${t.shape.join(",")}]`);
  return bytesToHex(sha256.create().update(head).update(bytesOfTensor(t)).digest());
}

/**
 * A cheap mark that equal tensors share and others rarely do (32 bits, FNV-1a over words): for
 * finding candidates to compare. `hashTensor` is for files, and a hundred times slower.
 */
export function fingerprint(t: Tensor): string {
  const { buffer, byteOffset, byteLength } = bytesOfTensor(t);
  const words =
    byteOffset % 4 === 0 && byteLength % 4 === 0
      ? new Uint32Array(buffer, byteOffset, byteLength / 4)
      : new Uint8Array(buffer, byteOffset, byteLength);
  let mark = 0x811c9dc5;
  // By index: an iterator takes ten times as long here.
  for (let i = 0; i < words.length; i++) {
    mark = Math.imul(mark ^ (words[i] ?? 0), 0x01000193);
    mark ^= mark >>> 15;
  }
  return `${storedAs(t)}[${t.shape.join(",")}]${mark >>> 0}`;
}

/** Same storage, shape and bits (NaN equals NaN, 0 differs from -0). */
export function sameTensor(a: Tensor, b: Tensor): boolean {
  if (storedAs(a) !== storedAs(b) || a.dtype !== b.dtype) return false;
  if (a.shape.join() !== b.shape.join()) return false;
  return a.data.every((value, i) => Object.is(value, b.data[i]));
}

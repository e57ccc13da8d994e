/**
 * What one scan over a tensor's elements tells: their range, whether they are finite, and whether
 * the element type can hold them. Remembered per tensor, as tensors are immutable and the verifier
 * asks after every pass.
 */
import { type Storage, elementAt, fits } from "../packed.ts";
import { type Tensor, bytesMadeOf, roundTo, storedAs } from "../tensor.ts";
import { type DType, elementCount } from "../type.ts";

export interface TensorRange {
  /** NaN where an element is NaN or there are none. */
  readonly min: number;
  readonly max: number;
  /** The first element that is NaN or infinite, or null. */
  readonly notFinite: number | null;
  /** The first element that its type cannot hold, or null. */
  readonly unfit: number | null;
}

const remembered = new WeakMap<Tensor, TensorRange>();

/** The range of a tensor's elements. Linear the first time, constant after that. */
export function rangeOf(value: Tensor): TensorRange {
  const there = remembered.get(value);
  if (there !== undefined) return there;
  const range = scan(value);
  remembered.set(value, range);
  return range;
}

function scan(value: Tensor): TensorRange {
  const { dtype, storage } = value;
  const bytes = bytesMadeOf(value);
  if (bytes !== null && storage !== undefined) return scanPacked(storage, bytes, value);
  const { data } = value;
  // An array of float32 or of narrow integers holds nothing but values of its type.
  const mayBeUnfit =
    storage !== undefined ||
    dtype === "f16" ||
    dtype === "bf16" ||
    dtype === "i64" ||
    dtype === "u64" ||
    dtype === "bool";
  let min = data.length === 0 ? NaN : Infinity;
  let max = data.length === 0 ? NaN : -Infinity;
  let notFinite: number | null = null;
  let unfit: number | null = null;
  for (const item of data) {
    if (!(item >= min)) min = Number.isNaN(min) ? min : item;
    if (!(item <= max)) max = Number.isNaN(max) ? max : item;
    if (notFinite === null && !Number.isFinite(item)) notFinite = item;
    if (mayBeUnfit && unfit === null && !holds(storedAs(value), item)) unfit = item;
  }
  return { min, max, notFinite, unfit };
}

/** Packed bytes hold nothing but values of their storage, and need not be unpacked for this. */
function scanPacked(storage: Storage, bytes: Uint8Array, { shape }: Tensor): TensorRange {
  const count = elementCount(shape);
  let min = count === 0 ? NaN : Infinity;
  let max = count === 0 ? NaN : -Infinity;
  for (let i = 0; i < count; i++) {
    const item = elementAt(storage, bytes, i);
    if (item < min) min = item;
    if (item > max) max = item;
  }
  return { min, max, notFinite: null, unfit: null };
}

/** True when `value` is a value of `type`. A 64-bit integer counts where a double is exact. */
export function holds(type: DType | Storage, value: number): boolean {
  switch (type) {
    case "i4":
    case "i2":
    case "b1":
      return fits(type, value);
    case "i64":
      return isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
    case "u64":
      return isInteger(value) && value >= 0 && value < 2 ** 64;
    default:
      return Object.is(roundTo(type, value), value);
  }
}

/** Whole and not -0, which no integer type has. */
function isInteger(value: number): boolean {
  return Number.isInteger(value) && !Object.is(value, -0);
}

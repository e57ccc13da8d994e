/**
 * Rounding to element types, by "Storage" of docs/numerics.md, and broadcasting.
 */
import { refuse } from "./refusal.ts";
import { type Dtype, type Shape, sizeOf, stridesOf } from "./types.ts";

/** To the nearest number of `digits` binary digits, ties to even, with the exponents of a format. */
function toFormat(x: number, digits: number, leastExponent: number, largest: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  let exponent = Math.floor(Math.log2(Math.abs(x)));
  if (2 ** exponent > Math.abs(x)) exponent -= 1;
  const unit = 2 ** (Math.max(exponent, leastExponent) - digits + 1);
  const rounded = toEven(x / unit) * unit;
  return Math.abs(rounded) > largest ? Math.sign(x) * Infinity : rounded;
}

/** To the nearest whole number, ties to the even one. */
export function toEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return x - below < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function toInteger(x: number, bits: number, signed: boolean): number {
  if (!Number.isFinite(x)) return 0;
  const span = 2 ** bits;
  const wrapped = ((Math.trunc(x) % span) + span) % span;
  return signed && wrapped >= span / 2 ? wrapped - span : wrapped;
}

const rounders: Readonly<Record<Dtype, (x: number) => number>> = {
  f64: (x) => x,
  f32: Math.fround,
  f16: (x) => toFormat(x, 11, -14, 65504),
  bf16: (x) => toFormat(x, 8, -126, (2 - 2 ** -7) * 2 ** 127),
  i64: Math.trunc,
  u64: Math.trunc,
  i32: (x) => toInteger(x, 32, true),
  u32: (x) => toInteger(x, 32, false),
  i16: (x) => toInteger(x, 16, true),
  u16: (x) => toInteger(x, 16, false),
  i8: (x) => toInteger(x, 8, true),
  u8: (x) => toInteger(x, 8, false),
  bool: (x) => (x === 0 ? 0 : 1),
};

export const rounderOf = (dtype: Dtype): ((x: number) => number) => rounders[dtype];

/** Rounds a whole result into its element type, in place. */
export function settle(values: Float64Array, dtype: Dtype): Float64Array {
  const round = rounders[dtype];
  for (let i = 0; i < values.length; i += 1) values[i] = round(values[i] ?? 0);
  return values;
}

/** The elements of `shape` stretched to `target` by NumPy's rules: for each of its elements, which. */
export function broadcastIndex(shape: Shape, target: Shape): Int32Array {
  if (shape.length > target.length) return refuse("A shape with more axes cannot broadcast.");
  const missing = target.length - shape.length;
  const strides = stridesOf(shape);
  const steps = target.map((extent, axis) => {
    const own = axis < missing ? 1 : (shape[axis - missing] ?? 1);
    if (own !== 1 && own !== extent) return refuse(`[${shape.join()}] is not [${target.join()}].`);
    return own === 1 ? 0 : (strides[axis - missing] ?? 0);
  });
  return walk(target, steps, 0);
}

/** For each index of `shape` in row-major order: start + Σ index · step. */
export function walk(shape: Shape, steps: readonly number[], start: number): Int32Array {
  const result = new Int32Array(sizeOf(shape));
  const index = shape.map(() => 0);
  let place = start;
  for (let i = 0; i < result.length; i += 1) {
    result[i] = place;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const next = (index[axis] ?? 0) + 1;
      place += steps[axis] ?? 0;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      place -= next * (steps[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}

/** A tensor spread out to one number for each element of `target`. */
export function spread(values: Float64Array, shape: Shape, target: Shape): Float64Array {
  const index = broadcastIndex(shape, target);
  return Float64Array.from(index, (i) => values[i] ?? 0);
}

/** How many binary digits of a whole number's size are set. */
export function digitsSet(whole: number): number {
  let count = 0;
  for (let rest = Math.abs(whole); rest >= 1; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

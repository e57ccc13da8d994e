/** How far apart two engines may be in floats, and how that is measured. */
import type { ProbeData } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import type { DType } from "../../../ir/type.ts";

/**
 * Relative to the largest element of a value: what sums in another order leave, and two roundings of a
 * type of 16 bits where the module has one.
 */
export function toleranceOf(module: Module): number {
  const has = (dtype: DType): boolean => module.ops.some(({ type }) => type.dtype === dtype);
  if (has("bf16")) return 2 ** -7;
  return has("f16") ? 2 ** -10 : 1e-4;
}

/** Inputs and weights are around 1: what is much smaller is what sums of them left of 0. */
const leastScale = 1e-2;

/** The largest finite magnitude, and not less than what sums leave of 0. */
export function scaleOf(values: ProbeData): number {
  let scale = leastScale;
  for (const x of values) if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
  return scale;
}

/** The largest difference; NaN and infinities must be the same. */
export function differenceOf(wanted: ProbeData, found: ProbeData): number {
  if (wanted.length !== found.length) return Infinity;
  let worst = 0;
  for (const [i, x] of wanted.entries()) {
    const y = found[i] ?? NaN;
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const off = Math.abs(x - y);
    worst = Math.max(worst, Number.isFinite(off) ? off : Infinity);
  }
  return worst;
}

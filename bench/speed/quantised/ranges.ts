/**
 * How activations are rounded to bytes: from a histogram of what a value was on calibration samples to
 * the scale and zero point of its 8 bits. Knows nothing of networks or files.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";

/** x ≈ scale · (q − zeroPoint), q a whole number from 0 to 255. */
export interface ByteScale {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** How the ends of a range are found: all values, all but the rarest, or the least squared error. */
export const rangeRules = ["max", "99.99 %", "99.9 %", "mse"] as const;
export type RangeRule = (typeof rangeRules)[number];

/** Values kept outside of the range by the rules of percentiles, half of them at each end that has any. */
const leftOut = { max: 0, "99.99 %": 1e-4, "99.9 %": 1e-3 } as const;

const bins = 4096;
/** Ends that `mse` tries for each side. */
const tried = 64;
const levels = 255;

/** Counts of a value's elements in equal bins between the smallest and the largest, 0 included. */
export class Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts = new Float64Array(bins);

  /** `low` and `high` are the extremes of what will be added. */
  constructor(low: number, high: number) {
    invariant(Number.isFinite(low) && Number.isFinite(high), "a range has ends");
    this.low = Math.min(0, low);
    this.high = Math.max(0, high);
  }

  get binWidth(): number {
    return (this.high - this.low) / bins;
  }

  add(values: ArrayLike<number>): void {
    const { low, counts, binWidth } = this;
    const last = bins - 1;
    if (binWidth === 0) {
      counts[0] = (counts[0] ?? 0) + values.length;
      return;
    }
    for (let i = 0; i < values.length; i++) {
      const bin = Math.min(last, Math.max(0, Math.floor(((values[i] ?? 0) - low) / binWidth)));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }
}

/** The scale for values of `histogram`; a value that is always 0 gets a scale of 1. */
export function byteScaleOf(histogram: Histogram, rule: RangeRule): ByteScale {
  return rule === "mse" ? leastSquares(histogram) : scaleOfRange(rangeOf(histogram, leftOut[rule]));
}

/** From the ends of a range, 0 within, moved so that 0 is one of the values that a byte stands for. */
export function scaleOfRange([low, high]: readonly [number, number]): ByteScale {
  invariant(low <= 0 && high >= 0, "a range holds 0");
  if (high === low) return { scale: 1, zeroPoint: 0 };
  // As the file holds it.
  const scale = Math.fround((high - low) / levels);
  return { scale, zeroPoint: Math.round((0 - low) / scale) };
}

function rangeOf({ low, binWidth, counts, high }: Histogram, share: number): [number, number] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const sides = low < 0 && high > 0 ? 2 : 1;
  const most = (total * share) / sides;
  let first = 0;
  let last = bins - 1;
  const countAt = (bin: number): number => counts[bin] ?? 0;
  if (low < 0) for (let n = countAt(0); n <= most && first < last; n += countAt(++first));
  if (high > 0) for (let n = countAt(last); n <= most && last > first; n += countAt(--last));
  return [Math.min(0, low + first * binWidth), Math.max(0, low + (last + 1) * binWidth)];
}

/** Each side on its own, as shares of its extreme: the other one is kept meanwhile; then once more. */
function leastSquares(histogram: Histogram): ByteScale {
  const { low, high } = histogram;
  const best = { low, high };
  for (let turn = 0; turn < 2; turn++) {
    for (const side of ["high", "low"] as const) {
      const whole = histogram[side];
      if (whole === 0) continue;
      let least = Infinity;
      for (let k = tried; k >= 1; k--) {
        const end = (whole * k) / tried;
        const scale = scaleOfRange(side === "high" ? [best.low, end] : [end, best.high]);
        const error = squaredError(histogram, scale);
        if (error >= least) continue;
        least = error;
        best[side] = end;
      }
    }
  }
  return scaleOfRange([best.low, best.high]);
}

function squaredError(
  { counts, low, binWidth }: Histogram,
  { scale, zeroPoint }: ByteScale,
): number {
  let sum = 0;
  for (let bin = 0; bin < bins; bin++) {
    const count = known(counts[bin], "a bin");
    if (count === 0) continue;
    const x = low + (bin + 0.5) * binWidth;
    const q = Math.min(levels, Math.max(0, Math.round(x / scale) + zeroPoint));
    sum += count * (x - scale * (q - zeroPoint)) ** 2;
  }
  return sum;
}

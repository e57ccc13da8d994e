/** The arithmetic of rounds: medians, spreads, ratios. Knows nothing of what was measured. */
import { invariant, known } from "../../ir/diagnostic.ts";

/** The `share`-quantile of at least one number, between neighbours where it falls between them. */
export function quantile(values: readonly number[], share: number): number {
  invariant(values.length > 0, "a quantile of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = known(sorted[Math.floor(at)], "a value");
  const high = known(sorted[Math.ceil(at)], "a value");
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Distance of the quartiles as a share of the median: half of all rounds lie within it. */
export function relativeSpread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (quantile(values, 0.75) - quantile(values, 0.25)) / Math.abs(middle);
}

/** Which of two figures is the better one. */
export type Better = "lower" | "higher";

/** How many times better the subject is than the baseline; above 1 the subject wins. */
export function ratioOf(better: Better, subject: number, baseline: number): number {
  return better === "higher" ? subject / baseline : baseline / subject;
}

/** max |a − b| / max |b|: 0 where both agree, about 1e-6 for two orders of summation in float32. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  invariant(a.length === b.length, `compared ${a.length} values with ${b.length}`);
  let difference = 0;
  let greatest = 0;
  for (let i = 0; i < b.length; i++) {
    const reference = b[i] ?? NaN;
    const distance = Math.abs((a[i] ?? NaN) - reference);
    // A comparison with NaN is false: it has to come out as the worst there is.
    if (Number.isNaN(distance)) return Infinity;
    difference = Math.max(difference, distance);
    greatest = Math.max(greatest, Math.abs(reference));
  }
  return difference === 0 ? 0 : difference / greatest;
}

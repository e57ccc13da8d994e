/**
 * Whether two sets of samples are of one scale, input by input. What a network was calibrated on and what it is
 * measured on should be; a factor or a shift between them loses accuracy without a word.
 */
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { SampleSource } from "../ir/executable.ts";
import { isFloat } from "../ir/type.ts";
import { diagnoseEvaluation } from "./evaluation-diagnostics.ts";

/** The values of one input over some samples. */
export interface InputRange {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Standard deviation over all values. */
  readonly deviation: number;
  /** Samples looked at, and the variance of their means. */
  readonly samples: number;
  readonly varianceOfMeans: number;
}

/** So many samples speak for all. */
export const looked = 256;
/** Fewer differ by themselves. */
const fewest = 8;
/** A scale that is so many times the other's, or a mean so many deviations away, is no chance. */
const factor = 2;
const shift = 0.5;
/** Standard errors that a mean has to be away besides. */
const standardErrors = 5;

/**
 * The ranges of the floating-point inputs, in order; null for others. Of the samples at `places`, whose order
 * does not matter, or of evenly spaced ones.
 */
export function inputRanges(
  samples: SampleSource,
  inputs: number,
  places: readonly number[] = evenly(samples.count),
): (InputRange | null)[] {
  const sums = Array.from({ length: inputs }, () => new RangeTally());
  for (const index of places) {
    const sample = samples.get(index);
    sums.forEach((sum, k) => {
      const tensor = sample[k];
      if (tensor !== undefined && isFloat(tensor.dtype)) sum.add(tensor.data);
    });
  }
  return sums.map((sum) => sum.finish());
}

function evenly(count: number): number[] {
  const length = Math.min(looked, count);
  return Array.from({ length }, (_, i) => Math.floor((i * count) / length));
}

/** A warning for each input whose values are of another scale, or about another mean, than they were. */
export function rangeWarnings(
  names: readonly string[],
  calibration: { readonly name: string; readonly ranges: readonly (InputRange | null)[] },
  data: { readonly name: string; readonly ranges: readonly (InputRange | null)[] },
): Diagnostic[] {
  return names.flatMap((input, k) => {
    const [before, now] = [calibration.ranges[k] ?? null, data.ranges[k] ?? null];
    if (before === null || now === null || !differ(before, now)) return [];
    const params = {
      input,
      calibration: calibration.name,
      data: data.name,
      before: describe(before),
      now: describe(now),
    };
    return [diagnoseEvaluation("inputs-are-scaled-otherwise", null, params)];
  });
}

function differ(a: InputRange, b: InputRange): boolean {
  if (Math.min(a.samples, b.samples) < fewest) return false;
  if (a.deviation === 0 || b.deviation === 0) return a.deviation !== b.deviation;
  const ratio = a.deviation / b.deviation;
  if (ratio > factor || ratio < 1 / factor) return true;
  const distance = Math.abs(a.mean - b.mean);
  const error = Math.sqrt(a.varianceOfMeans / a.samples + b.varianceOfMeans / b.samples);
  return distance > shift * Math.max(a.deviation, b.deviation) && distance > standardErrors * error;
}

function describe({ min, max, mean, deviation }: InputRange): string {
  const short = (x: number): string => String(Number(x.toPrecision(3))).replace("-", "−");
  return `${short(min)} to ${short(max)}, mean ${short(mean)} ± ${short(deviation)}`;
}

class RangeTally {
  private min = Infinity;
  private max = -Infinity;
  private readonly means: number[] = [];
  private readonly squares: number[] = [];

  add(data: ArrayLike<number>): void {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      const x = data[i] ?? NaN;
      this.min = Math.min(this.min, x);
      this.max = Math.max(this.max, x);
      sum += x;
    }
    const mean = sum / data.length;
    for (let i = 0; i < data.length; i++) squares += ((data[i] ?? NaN) - mean) ** 2;
    this.means.push(mean);
    this.squares.push(squares / data.length);
  }

  finish(): InputRange | null {
    const samples = this.means.length;
    if (samples === 0) return null;
    // Sorted, so that sums do not depend on the order of samples.
    const average = (values: readonly number[]): number =>
      values.toSorted((a, b) => a - b).reduce((total, value) => total + value, 0) / samples;
    const mean = average(this.means);
    const varianceOfMeans = average(this.means.map((each) => (each - mean) ** 2));
    // The variance within samples and the one between them make up the whole.
    const deviation = Math.sqrt(average(this.squares) + varianceOfMeans);
    return { min: this.min, max: this.max, mean, deviation, samples, varianceOfMeans };
  }
}

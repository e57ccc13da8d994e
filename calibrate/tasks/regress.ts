/**
 * Values that are meant as they are. What counts is how far they are off, beside how far they vary:
 *
 *     relative RMSE = √( Σ_k mean (y_k − z_k)² / Σ_k var z_k ),    R² = 1 − (relative RMSE)²
 *
 * over samples, with k the elements of the output and z the targets, or the ANN's values. This is R²
 * weighted by variance; elements of a larger scale weigh more. A constant part of z counts for nothing.
 */
import { diagnoseEvaluation } from "../evaluation-diagnostics.ts";
import { areFinite } from "./targets.ts";
import type { MetricName, Scores, TallyOptions, Task, TaskTally } from "./task.ts";

export const regress: Task = {
  name: "regress",
  refuse(output, targets) {
    const refused = (why: string): ReturnType<Task["refuse"]> =>
      diagnoseEvaluation("task-does-not-fit", null, { task: "regress", why });
    if (targets === null) return null;
    if (targets.size !== output.size) {
      return refused(
        `the output "${output.name}" is ${output.size} values, and samples have ${targets.size}`,
      );
    }
    return areFinite(targets) ? null : refused("targets hold NaN or infinity");
  },
  thresholdOf: () => null,
  tally: (output, options) => new ValueTally(output.size, options),
};

class ValueTally implements TaskTally {
  private readonly size: number;
  private readonly options: TallyOptions;
  private readonly toTargets: Float64Array;
  private readonly toReference: Float64Array;
  private readonly each: Float64Array | null;

  constructor(size: number, options: TallyOptions) {
    this.size = size;
    this.options = options;
    this.toTargets = new Float64Array(options.steps);
    this.toReference = new Float64Array(options.steps);
    this.each = options.reference === null ? null : new Float64Array(options.samples);
  }

  add(index: number, y: Float32Array): void {
    const { targets, reference } = this.options;
    if (targets !== null) this.measure(index, y, targets.data, this.toTargets);
    if (reference === null || this.each === null) return;
    this.each[index] = this.measure(index, y, reference, this.toReference) / this.size;
  }

  /**
   * Adds the squared distance of `y`, [T, size], from row `index` of `z` to each timestep's sum. Returns
   * that of the last.
   */
  private measure(
    index: number,
    y: Float32Array,
    z: ArrayLike<number>,
    sums: Float64Array,
  ): number {
    const { size } = this;
    let error = 0;
    for (let t = 0; t < this.options.steps; t++) {
      error = 0;
      for (let k = 0; k < size; k++) {
        error += ((y[t * size + k] ?? NaN) - (z[index * size + k] ?? NaN)) ** 2;
      }
      sums[t] = (sums[t] ?? 0) + error;
    }
    return error;
  }

  finish(first: number): Scores {
    const { targets, reference, samples } = this.options;
    const metrics: Partial<Record<MetricName, readonly (number | null)[]>> = {};
    const means = (sums: Float64Array): number[] =>
      Array.from(sums.subarray(first), (sum) => sum / (samples * this.size));
    const relative = (squares: readonly number[], variance: number): (number | null)[] =>
      squares.map((square) => (variance > 0 ? Math.sqrt(square / variance) : null));
    if (targets !== null) {
      const squares = means(this.toTargets);
      const shares = relative(squares, varianceOf(targets.data, samples, this.size));
      metrics.rmse = squares.map(Math.sqrt);
      metrics.relativeRmse = shares;
      metrics.r2 = shares.map((share) => (share === null ? null : 1 - share ** 2));
    }
    if (reference !== null) {
      const squares = means(this.toReference);
      metrics.rmseToAnn = squares.map(Math.sqrt);
      metrics.relativeRmseToAnn = relative(squares, varianceOf(reference, samples, this.size));
    }
    return {
      accuracy: null,
      lossStandardError: null,
      agreement: null,
      metrics,
      classes: 0,
      predictions: new Int32Array(0),
      distinctPredictions: 0,
      squaredErrors: this.each,
      uncounted: 0,
      shifted: null,
    };
  }
}

/**
 * Mean over the elements of their variance over the samples of `values`, [samples, size]. By two passes:
 * what varies little on a large offset is not lost.
 */
export function varianceOf(values: ArrayLike<number>, samples: number, size: number): number {
  let total = 0;
  for (let k = 0; k < size; k++) {
    let mean = 0;
    for (let i = 0; i < samples; i++) mean += (values[i * size + k] ?? NaN) / samples;
    let squares = 0;
    for (let i = 0; i < samples; i++) squares += ((values[i * size + k] ?? NaN) - mean) ** 2;
    // The mean of equal values is rounded, and its distance from them is no spread.
    const rounding = (Math.abs(mean) * 1e-12) ** 2;
    const variance = squares / samples;
    if (variance > rounding) total += variance;
  }
  return total / size;
}

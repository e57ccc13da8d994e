/**
 * Rounds weights to integers so that what they sum to changes little, not the weights themselves: where one is
 * rounded up, those that are multiplied by similar values are rounded down. Sees numbers only.
 *
 * For one output with weights w in units, over inputs x with second moments H = E[x·xᵀ], it looks for integers k
 * within limits with a small
 *
 *     E[(w·x − k·x)²] = (w − k)ᵀ·H·(w − k)
 *
 * H gets a small part of its mean diagonal on its diagonal: inputs that never varied together on the calibration
 * set may do so yet. With H = L·Lᵀ the form is a sum of squares, the last of which depends on the last weight
 * alone. So weights are rounded one by one from the last to the first, each to the nearest integer of
 *
 *     w_i + Σ_{j>i} (L_ji / L_ii)·(w_j − k_j)
 *
 * This is GPTQ (Frantar et al., ICLR 2023), in the form of Babai's nearest plane (Chen et al. 2025), which needs no
 * inverse of H. Inputs stand in order of H_ii, the largest last, so that it is rounded first, while the others can
 * still make up for it. Then single weights are moved by 1 as long as that helps, from this start and from the
 * nearest integers, so that the result is never worse than they are.
 */
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { product } from "../../fit/products.ts";

/** Second moments of the inputs of some weights, ready for rounding. */
export interface Curvature {
  readonly inputs: number;
  /** H with damping, [inputs, inputs]. */
  readonly hessian: Float64Array;
  /** The input at each place of the order. */
  readonly order: Int32Array;
  /** L_ji / L_ii for places j > i, at [i, j]. */
  readonly ratios: Float64Array;
  /** L_ii², by which what is left at each place counts. */
  readonly counts: Float64Array;
}

/** The least and the largest integer that a weight may become. */
export interface IntegerLimits {
  readonly least: number;
  readonly most: number;
}

/** The part of the mean of H_ii that is added to each; GPTQ's own choice. */
const damping = 0.01;

/** A move that wins less than this share of the error is rounding noise of doubles. */
const noise = 1e-12;

/** Prepares H, [inputs, inputs], symmetric. Inputs that are always 0 get whatever is nearest. */
export function curvatureOf(moments: Float64Array, inputs: number): Curvature {
  let trace = 0;
  for (let i = 0; i < inputs; i++) trace += moments[i * inputs + i] ?? 0;
  // Where nothing was ever seen all weights count alike.
  const added = trace > 0 ? (damping * trace) / inputs : 1;
  const hessian = Float64Array.from(moments);
  for (let i = 0; i < inputs; i++) hessian[i * inputs + i] = (hessian[i * inputs + i] ?? 0) + added;
  const diagonal = (i: number): number => hessian[i * inputs + i] ?? 0;
  const order = Int32Array.from({ length: inputs }, (_, i) => i).sort(
    (a, b) => diagonal(a) - diagonal(b) || b - a,
  );
  const ordered = new Matrix(inputs, inputs);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++) {
      ordered.set(i, j, hessian[(order[i] ?? 0) * inputs + (order[j] ?? 0)] ?? 0);
    }
  }
  const lower = new CholeskyDecomposition(ordered).lowerTriangularMatrix;
  const ratios = new Float64Array(inputs * inputs);
  const counts = Float64Array.from({ length: inputs }, (_, i) => lower.get(i, i) ** 2);
  for (let i = 0; i < inputs; i++) {
    const own = lower.get(i, i);
    for (let j = i + 1; j < inputs; j++) ratios[i * inputs + j] = lower.get(j, i) / own;
  }
  return { inputs, hessian, order, ratios, counts };
}

/** Integers for the `weights` of one output, in units of one. */
export function roundTogether(
  weights: Float64Array,
  curvature: Curvature,
  limits: IntegerLimits,
): Float64Array {
  const starts = [nearestPlane(weights, curvature, limits).integers, nearest(weights, limits)];
  const [one, other] = starts.map((start) => descended(weights, start, curvature, limits));
  if (one === undefined || other === undefined) return starts[0] ?? weights;
  return formOf(weights, one, curvature) <= formOf(weights, other, curvature) ? one : other;
}

/** (w − k)ᵀ·H·(w − k). */
export function formOf(
  weights: Float64Array,
  integers: Float64Array,
  { inputs, hessian }: Curvature,
): number {
  const change = weights.map((w, i) => w - (integers[i] ?? 0));
  const rows = times(hessian, change);
  let sum = 0;
  for (let i = 0; i < inputs; i++) sum += (change[i] ?? 0) * (rows[i] ?? 0);
  return sum;
}

function nearest(weights: Float64Array, { least, most }: IntegerLimits): Float64Array {
  return weights.map((w) => Math.max(least, Math.min(most, Math.round(w))));
}

/** Integers that are found one after the other, each making up for those before, and their form. */
export function nearestPlane(
  weights: Float64Array,
  { inputs, order, ratios, counts }: Curvature,
  { least, most }: IntegerLimits,
): { readonly integers: Float64Array; readonly form: number } {
  const integers = new Float64Array(inputs);
  let form = 0;
  const left = new Float64Array(inputs);
  for (let i = inputs - 1; i >= 0; i--) {
    const at = order[i] ?? 0;
    const w = weights[at] ?? 0;
    let wanted = w;
    for (let j = i + 1; j < inputs; j++) wanted += (ratios[i * inputs + j] ?? 0) * (left[j] ?? 0);
    const k = Math.max(least, Math.min(most, Math.round(wanted)));
    integers[at] = k;
    left[i] = w - k;
    form += (counts[i] ?? 0) * (wanted - k) ** 2;
  }
  return { integers, form };
}

/** Moves single weights by 1, in turn, until no such move makes the form less. */
function descended(
  weights: Float64Array,
  start: Float64Array,
  { inputs, hessian }: Curvature,
  { least, most }: IntegerLimits,
): Float64Array {
  const integers = Float64Array.from(start);
  const change = weights.map((w, i) => w - (integers[i] ?? 0));
  const slope = times(hessian, change);
  // The form falls by 2·|slope| − H_ii with each move, so this ends.
  for (let moved = true; moved;) {
    moved = false;
    for (let i = 0; i < inputs; i++) {
      const up = (slope[i] ?? 0) > 0 ? 1 : -1;
      const k = (integers[i] ?? 0) + up;
      const own = hessian[i * inputs + i] ?? 0;
      if (k < least || k > most || 2 * Math.abs(slope[i] ?? 0) - own <= noise * own) continue;
      integers[i] = k;
      moved = true;
      for (let j = 0; j < inputs; j++) {
        slope[j] = (slope[j] ?? 0) - up * (hessian[i * inputs + j] ?? 0);
      }
    }
  }
  return integers;
}

/** A symmetric matrix times a vector. */
function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length;
  const row = { data: vector, count: 1, width: size };
  return product(row, { data: matrix, count: size, width: size }).data;
}

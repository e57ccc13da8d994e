/**
 * Weights that make the most of what a layer really receives. Given operands x of a synapse as the
 * spiking network has them, and what the analogue network wants behind it, finds
 *
 *     argmin over W, b of  Σ |W·x + b + e − z|²  +  n·λ·s·|W − W₀|²
 *
 * in closed form, where e is what is added behind the synapse (a shortcut), s the mean variance of the
 * operands, and W₀ the weights that are there. Behind a rectifier only positive values matter: where
 * z ≤ 0 anything up to 0 is as good, so the target of such a term is min(W·x + b + e, 0), and the
 * fit is repeated as targets move (each round lowers the one-sided error: it minimises a bound that
 * touches it). λ is the one out of a few that does best on samples that were left out. After Nagel et
 * al. 2020 and Hubara et al. 2021, who fit layers of quantised networks one by one.
 */
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import type { FitLoops } from "../../ir/run/loops.ts";
import { type Rows, addTransposedProduct, meanRow, product, transposed } from "./products.ts";

/** A synapse as a matrix: y = x·weight + bias. */
export interface AffineMatrix {
  /** [inputs, outputs], row-major. */
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

/** Terms to fit: row by row, operands and what is wanted. */
export interface Terms {
  readonly x: Rows;
  /** What the sum of the synapse and `extra` should be, [rows, outputs]. */
  readonly target: Float64Array;
  /** What is added behind the synapse; null for nothing. */
  readonly extra: Float64Array | null;
  /** Whether only the positive part matters. */
  readonly rectified: boolean;
}

/** Shares of the operands' variance to hold weights back by, from hardly to firmly. */
const penalties = [1e-3, 1e-2, 1e-1];
const rounds = 3;

/**
 * The affine map fitted to `terms`, starting from `before`, or `before` itself where no fit does better
 * on `held`, terms of other samples. `loops` save time, and change no bit.
 */
export function fitted(
  before: AffineMatrix,
  terms: Terms,
  held: Terms,
  loops: FitLoops | null = null,
): AffineMatrix {
  const normal = normalEquations(terms.x, loops);
  const pull = pullOf(before, terms, normal, loops);
  let best = before;
  let least = errorOf(before, held, loops);
  let chosen: CholeskyDecomposition | null = null;
  for (const penalty of penalties) {
    const solver = solverFor(normal, penalty);
    if (solver === null) continue;
    const once = moved(before, pull, normal, solver, loops);
    const error = errorOf(once, held, loops);
    if (error >= least) continue;
    [best, least, chosen] = [once, error, solver];
  }
  for (let round = 1; chosen !== null && terms.rectified && round < rounds; round++) {
    const next = moved(best, pullOf(best, terms, normal, loops), normal, chosen, loops);
    const error = errorOf(next, held, loops);
    if (error >= least) break;
    [best, least] = [next, error];
  }
  return best;
}

/** Mean squared error of what a map makes of terms, beyond a rectifier where there is one. */
export function errorOf(map: AffineMatrix, terms: Terms, loops: FitLoops | null = null): number {
  const residual = residuals(map, terms, loops);
  return residual.reduce((sum, r) => sum + r * r, 0) / Math.max(1, residual.length);
}

/**
 * XᵀX·dW = Xᵀ·R, or where there are fewer terms than operands XXᵀ·a = R with dW = Xᵀ·a: the same dW
 * under a penalty, of a smaller system.
 */
interface NormalEquations {
  readonly centred: Rows;
  readonly mean: Float64Array;
  readonly isDual: boolean;
  /** Over the number of terms: [inputs, inputs], or [terms, terms] where it is the dual. */
  readonly gram: Float64Array;
  /** Mean variance of the operands. */
  readonly scale: number;
}

function normalEquations(x: Rows, loops: FitLoops | null): NormalEquations {
  const { width, count } = x;
  const mean = meanRow(x);
  const data = x.data.slice();
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) {
      const at = row * width + i;
      data[at] = (data[at] ?? 0) - (mean[i] ?? 0);
    }
  }
  const centred = { data, count, width };
  const isDual = count < width;
  const factor = isDual ? transposed(centred) : centred;
  const size = factor.width;
  const gram = new Float64Array(size * size);
  addTransposedProduct(gram, factor, factor, { symmetric: true, loops });
  let trace = 0;
  for (let i = 0; i < size; i++) trace += gram[i * size + i] ?? 0;
  gram.forEach((value, i) => {
    gram[i] = value / count;
  });
  return { centred, mean, isDual, gram, scale: trace / count / width };
}

/** Solves (gram + penalty) · … = …; null where that is singular, as when nothing varies. */
function solverFor(
  { gram, centred, isDual, scale }: NormalEquations,
  penalty: number,
): CholeskyDecomposition | null {
  const size = isDual ? centred.count : centred.width;
  // Without a variance the dual has nothing but the penalty to go by.
  if (scale === 0) return null;
  const matrix = Matrix.from1DArray(size, size, gram);
  for (let i = 0; i < size; i++) matrix.set(i, i, matrix.get(i, i) + penalty * scale + 1e-12);
  const solver = new CholeskyDecomposition(matrix);
  return solver.isPositiveDefinite() ? solver : null;
}

/** Where what is missing pulls a map: its mean, and the right side of the equations. */
interface Pull {
  readonly mean: Float64Array;
  /** Over the number of terms: covariance [inputs, outputs], or what is missing, [terms, outputs]. */
  readonly right: Rows;
}

function pullOf(
  map: AffineMatrix,
  terms: Terms,
  { centred, isDual }: NormalEquations,
  loops: FitLoops | null,
): Pull {
  const width = map.bias.length;
  const { count } = terms.x;
  const residual = { data: residuals(map, terms, loops), count, width };
  const right = isDual ? residual : transposedProduct(centred, residual, loops);
  const data = right.data.map((sum) => sum / count);
  return { mean: meanRow(residual), right: { ...right, data } };
}

/** aᵀ·b. */
function transposedProduct(a: Rows, b: Rows, loops: FitLoops | null): Rows {
  const data = new Float64Array(a.width * b.width);
  addTransposedProduct(data, a, b, { loops });
  return { data, count: a.width, width: b.width };
}

/** The map at the minimum of the quadratic bound that touches the error where `pull` was found. */
function moved(
  { weight, bias }: AffineMatrix,
  pull: Pull,
  { centred, mean, isDual }: NormalEquations,
  solver: CholeskyDecomposition,
  loops: FitLoops | null,
): AffineMatrix {
  const width = bias.length;
  const { right } = pull;
  const data = Float64Array.from(
    solver.solve(Matrix.from1DArray(right.count, width, right.data)).to1DArray(),
  );
  const change = isDual ? transposedProduct(centred, { ...right, data }, loops).data : data;
  const shifted = bias.map((b, o) => {
    let before = 0;
    for (let i = 0; i < centred.width; i++) before += (change[i * width + o] ?? 0) * (mean[i] ?? 0);
    return b + (pull.mean[o] ?? 0) - before;
  });
  return { weight: weight.map((w, i) => w + (change[i] ?? 0)), bias: shifted };
}

/** What is missing, term by term, [rows · outputs]. */
function residuals(
  { weight, bias }: AffineMatrix,
  { x, target, extra, rectified }: Terms,
  loops: FitLoops | null,
): Float64Array {
  const outputs = bias.length;
  const { data } = product(x, { data: weight, count: x.width, width: outputs }, loops);
  return data.map((value, i) => {
    const now = value + (bias[i % outputs] ?? 0) + (extra?.[i] ?? 0);
    const wanted = target[i] ?? 0;
    if (!rectified || wanted > 0) return wanted - now;
    return Math.min(now, 0) - now;
  });
}

/** Least squares for a handful of unknowns that cannot be negative, such as times. */
import { known } from "../../../ir/diagnostic.ts";

/** What one measurement is made up of, and what it came to. */
export interface Equation {
  readonly terms: readonly number[];
  readonly value: number;
}

export interface Solution {
  readonly factors: readonly number[];
  /** Root mean square of the relative errors of the equations. */
  readonly residual: number;
}

/**
 * Factors ≥ 0 that minimise the sum of squared relative errors of Σ terms · factors. Solves the
 * normal equations; while a factor comes out negative, the most negative one is set to 0 and the
 * rest solved again, which finds the minimum where terms are not strongly entangled, and a factor
 * that does no better than 0 otherwise.
 */
export function solve(equations: readonly Equation[]): Solution {
  const count = known(equations[0], "an equation").terms.length;
  const relative = equations.map(({ terms, value }) => terms.map((term) => term / value));
  let free = Array.from({ length: count }, (_, i) => i);
  for (;;) {
    const factors = new Array<number>(count).fill(0);
    const found = solveNormal(relative, free);
    free.forEach((term, i) => (factors[term] = found[i] ?? 0));
    const least = Math.min(...factors);
    if (least >= 0) return { factors, residual: residualOf(equations, factors) };
    free = free.filter((term) => factors[term] !== least);
  }
}

/** Root mean square of the relative errors of predictions. */
export function residualOf(equations: readonly Equation[], factors: readonly number[]): number {
  const squares = equations.map(({ terms, value }) => (dot(terms, factors) / value - 1) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / equations.length);
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}

/** The factors of the terms `free` for which every row sums to 1 as nearly as can be. */
function solveNormal(rows: readonly (readonly number[])[], free: readonly number[]): number[] {
  const at = (row: readonly number[], i: number): number => row[free[i] ?? 0] ?? 0;
  // The matrix with the right side as its last column.
  const matrix = free.map((_, i) =>
    [...free.keys(), free.length].map((j) =>
      rows.reduce((sum, row) => sum + at(row, i) * (j === free.length ? 1 : at(row, j)), 0),
    ),
  );
  const entry = (i: number, j: number): number => matrix[i]?.[j] ?? 0;
  // Gauss and Jordan's elimination. No pivoting: the matrix is symmetric and positive.
  for (let pivot = 0; pivot < free.length; pivot++) {
    const scale = entry(pivot, pivot);
    // A term that is always 0 has no factor.
    if (scale === 0) continue;
    const base = known(matrix[pivot], "a row").map((x) => x / scale);
    matrix[pivot] = base;
    for (let i = 0; i < free.length; i++) {
      if (i === pivot) continue;
      const times = entry(i, pivot);
      matrix[i] = known(matrix[i], "a row").map((x, j) => x - times * (base[j] ?? 0));
    }
  }
  return free.map((_, i) => entry(i, free.length));
}

/**
 * Cholesky factors of symmetric matrices, and solutions by them, on flat arrays in double precision. Each sum
 * has its terms in the order of the textbook, whatever is computed side by side, so it is the same to the bit;
 * a general matrix library, element by element, takes many times as long (docs/performance.md).
 */
import type { Rows } from "./products.ts";

/** The lower triangle of a factor, [size, size], row-major: what is above the diagonal is not read. */
export interface Factor {
  readonly size: number;
  readonly lower: Float64Array;
}

/** The factor L of a symmetric matrix L·Lᵀ of `size` rows; null unless it is positive definite. */
export function factorOf(matrix: Float64Array, size: number): Factor | null {
  const lower = new Float64Array(size * size);
  // Squares in a row, which its diagonal element lacks.
  const squares = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const own = k * size;
    const left = (matrix[own + k] ?? 0) - (squares[k] ?? 0);
    if (!(left > 0)) return null;
    const pivot = Math.sqrt(left);
    lower[own + k] = pivot;
    const put = (row: number, sum: number): void => {
      const value = ((matrix[row * size + k] ?? 0) - sum) / pivot;
      lower[row * size + k] = value;
      squares[row] = (squares[row] ?? 0) + value * value;
    };
    let row = k + 1;
    // Four rows at a time: a sum alone waits for each of its additions.
    for (; row + 4 <= size; row += 4) {
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      const at = row * size;
      for (let i = 0; i < k; i++) {
        const factor = lower[own + i] ?? 0;
        s0 += factor * (lower[at + i] ?? 0);
        s1 += factor * (lower[at + size + i] ?? 0);
        s2 += factor * (lower[at + 2 * size + i] ?? 0);
        s3 += factor * (lower[at + 3 * size + i] ?? 0);
      }
      put(row, s0);
      put(row + 1, s1);
      put(row + 2, s2);
      put(row + 3, s3);
    }
    for (; row < size; row++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += (lower[own + i] ?? 0) * (lower[row * size + i] ?? 0);
      put(row, sum);
    }
  }
  return { size, lower };
}

/** The x of L·Lᵀ·x = right, [size, columns]. */
export function solvedBy({ size, lower }: Factor, right: Rows): Rows {
  const { width } = right;
  const data = right.data.slice();
  /** Takes rows from `first` to before `end` away from a row, each as often as the factor says. */
  const takeAway = (
    row: number,
    first: number,
    end: number,
    factorAt: (i: number) => number,
  ): void => {
    const to = row * width;
    let i = first;
    for (; i + 4 <= end; i += 4) {
      const [f0, f1, f2, f3] = [factorAt(i), factorAt(i + 1), factorAt(i + 2), factorAt(i + 3)];
      const from = i * width;
      for (let j = 0; j < width; j++) {
        data[to + j] =
          (data[to + j] ?? 0) -
          (data[from + j] ?? 0) * f0 -
          (data[from + width + j] ?? 0) * f1 -
          (data[from + 2 * width + j] ?? 0) * f2 -
          (data[from + 3 * width + j] ?? 0) * f3;
      }
    }
    for (; i < end; i++) {
      const factor = factorAt(i);
      for (let j = 0; j < width; j++) {
        data[to + j] = (data[to + j] ?? 0) - (data[i * width + j] ?? 0) * factor;
      }
    }
  };
  const divide = (row: number): void => {
    const pivot = lower[row * size + row] ?? 1;
    for (let j = 0; j < width; j++) data[row * width + j] = (data[row * width + j] ?? 0) / pivot;
  };
  for (let k = 0; k < size; k++) {
    takeAway(k, 0, k, (i) => lower[k * size + i] ?? 0);
    divide(k);
  }
  for (let k = size - 1; k >= 0; k--) {
    takeAway(k, k + 1, size, (i) => lower[i * size + k] ?? 0);
    divide(k);
  }
  return { data, count: size, width };
}

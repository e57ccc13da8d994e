/**
 * The two products of tall matrices that fitting spends its time in, as flat row-major arrays, four
 * terms at a time. A general matrix library takes ten times as long.
 */
import type { FitLoops, RowMajor } from "../../ir/run/loops.ts";

export type Rows = RowMajor;

/** Columns of `a` whose sums stay in the second cache while all rows pass by. */
const together = 32;

interface ProductOptions {
  readonly symmetric?: boolean;
  /** Save time, and change no bit. */
  readonly loops?: FitLoops | null;
}

/**
 * Adds aᵀ·b to `into`, [a.width, b.width], over the rows of both. Two columns of `a` at a time: each sum is
 * that of four terms after the other in any case.
 */
export function addTransposedProduct(
  into: Float64Array,
  a: Rows,
  b: Rows,
  { symmetric = false, loops = null }: ProductOptions = {},
): void {
  const m = a.width;
  if (loops?.addTransposedProduct(into, a, b, symmetric) !== true) {
    for (let first = 0; first < m; first += together) {
      const last = Math.min(m, first + together);
      addColumns(into, a, b, first, last, symmetric);
    }
  }
  if (!symmetric) return;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < i; j++) into[i * m + j] = into[j * m + i] ?? 0;
  }
}

function addColumns(
  into: Float64Array,
  { data: x, width: m, count }: Rows,
  { data: y, width: n }: Rows,
  first: number,
  last: number,
  symmetric: boolean,
): void {
  let row = 0;
  for (; row + 4 <= count; row += 4) {
    const b0 = row * n;
    let i = first;
    for (; i + 2 <= last; i += 2) {
      const a0 = row * m + i;
      const p0 = x[a0] ?? 0;
      const p1 = x[a0 + m] ?? 0;
      const p2 = x[a0 + 2 * m] ?? 0;
      const p3 = x[a0 + 3 * m] ?? 0;
      const q0 = x[a0 + 1] ?? 0;
      const q1 = x[a0 + m + 1] ?? 0;
      const q2 = x[a0 + 2 * m + 1] ?? 0;
      const q3 = x[a0 + 3 * m + 1] ?? 0;
      const to = i * n;
      for (let j = symmetric ? i : 0; j < n; j++) {
        const at = b0 + j;
        const y0 = y[at] ?? 0;
        const y1 = y[at + n] ?? 0;
        const y2 = y[at + 2 * n] ?? 0;
        const y3 = y[at + 3 * n] ?? 0;
        into[to + j] = (into[to + j] ?? 0) + p0 * y0 + p1 * y1 + p2 * y2 + p3 * y3;
        into[to + n + j] = (into[to + n + j] ?? 0) + q0 * y0 + q1 * y1 + q2 * y2 + q3 * y3;
      }
    }
    for (; i < last; i++) {
      const a0 = row * m + i;
      const x0 = x[a0] ?? 0;
      const x1 = x[a0 + m] ?? 0;
      const x2 = x[a0 + 2 * m] ?? 0;
      const x3 = x[a0 + 3 * m] ?? 0;
      for (let j = symmetric ? i : 0; j < n; j++) {
        const at = b0 + j;
        into[i * n + j] =
          (into[i * n + j] ?? 0) +
          x0 * (y[at] ?? 0) +
          x1 * (y[at + n] ?? 0) +
          x2 * (y[at + 2 * n] ?? 0) +
          x3 * (y[at + 3 * n] ?? 0);
      }
    }
  }
  for (; row < count; row++) {
    for (let i = first; i < last; i++) {
      const factor = x[row * m + i] ?? 0;
      for (let j = symmetric ? i : 0; j < n; j++) {
        into[i * n + j] = (into[i * n + j] ?? 0) + factor * (y[row * n + j] ?? 0);
      }
    }
  }
}

/** a·b, [a.count, b.width]. */
export function product(a: Rows, b: Rows, loops: FitLoops | null = null): Rows {
  const [k, n] = [a.width, b.width];
  const made = loops?.product(a, b);
  if (made !== undefined && made !== null) return { data: made, count: a.count, width: n };
  const data = new Float64Array(a.count * n);
  for (let row = 0; row < a.count; row++) {
    const to = row * n;
    const from = row * k;
    let i = 0;
    for (; i + 4 <= k; i += 4) {
      const x0 = a.data[from + i] ?? 0;
      const x1 = a.data[from + i + 1] ?? 0;
      const x2 = a.data[from + i + 2] ?? 0;
      const x3 = a.data[from + i + 3] ?? 0;
      if (x0 === 0 && x1 === 0 && x2 === 0 && x3 === 0) continue;
      const at = i * n;
      for (let j = 0; j < n; j++) {
        data[to + j] =
          (data[to + j] ?? 0) +
          x0 * (b.data[at + j] ?? 0) +
          x1 * (b.data[at + n + j] ?? 0) +
          x2 * (b.data[at + 2 * n + j] ?? 0) +
          x3 * (b.data[at + 3 * n + j] ?? 0);
      }
    }
    for (; i < k; i++) {
      const x = a.data[from + i] ?? 0;
      for (let j = 0; j < n; j++) data[to + j] = (data[to + j] ?? 0) + x * (b.data[i * n + j] ?? 0);
    }
  }
  return { data, count: a.count, width: n };
}

export function transposed({ data, count, width }: Rows): Rows {
  const turned = new Float64Array(data.length);
  for (let row = 0; row < count; row++) {
    for (let j = 0; j < width; j++) turned[j * count + row] = data[row * width + j] ?? 0;
  }
  return { data: turned, count: width, width: count };
}

/** The mean of the rows, [width]. */
export function meanRow({ data, count, width }: Rows): Float64Array {
  const mean = new Float64Array(width);
  for (let row = 0; row < count; row++) {
    for (let j = 0; j < width; j++) mean[j] = (mean[j] ?? 0) + (data[row * width + j] ?? 0) / count;
  }
  return mean;
}

/**
 * The two products of tall matrices that fitting spends its time in, as flat row-major arrays, four
 * terms at a time. A general matrix library takes ten times as long (docs/dependencies.md); solving is
 * left to one.
 */

/** A row-major matrix. */
export interface Rows {
  readonly data: Float64Array;
  readonly count: number;
  readonly width: number;
}

/** Adds aᵀ·b to `into`, [a.width, b.width], over the rows of both from `from` to `to`. */
export function addTransposedProduct(
  into: Float64Array,
  a: Rows,
  b: Rows,
  { symmetric = false }: { readonly symmetric?: boolean } = {},
): void {
  const [m, n] = [a.width, b.width];
  let row = 0;
  for (; row + 4 <= a.count; row += 4) {
    const [a0, b0] = [row * m, row * n];
    for (let i = 0; i < m; i++) {
      const x0 = a.data[a0 + i] ?? 0;
      const x1 = a.data[a0 + m + i] ?? 0;
      const x2 = a.data[a0 + 2 * m + i] ?? 0;
      const x3 = a.data[a0 + 3 * m + i] ?? 0;
      if (x0 === 0 && x1 === 0 && x2 === 0 && x3 === 0) continue;
      for (let j = symmetric ? i : 0; j < n; j++) {
        const at = b0 + j;
        into[i * n + j] =
          (into[i * n + j] ?? 0) +
          x0 * (b.data[at] ?? 0) +
          x1 * (b.data[at + n] ?? 0) +
          x2 * (b.data[at + 2 * n] ?? 0) +
          x3 * (b.data[at + 3 * n] ?? 0);
      }
    }
  }
  for (; row < a.count; row++) {
    for (let i = 0; i < m; i++) {
      const x = a.data[row * m + i] ?? 0;
      for (let j = symmetric ? i : 0; j < n; j++) {
        into[i * n + j] = (into[i * n + j] ?? 0) + x * (b.data[row * n + j] ?? 0);
      }
    }
  }
  if (!symmetric) return;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < i; j++) into[i * n + j] = into[j * n + i] ?? 0;
  }
}

/** a·b, [a.count, b.width]. */
export function product(a: Rows, b: Rows): Rows {
  const [k, n] = [a.width, b.width];
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

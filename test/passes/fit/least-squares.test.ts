/** Fitting a synapse: what it finds where the answer is known, and when it leaves things alone. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { uniform } from "../../../ir/random.ts";
import {
  type AffineMatrix,
  type Terms,
  errorOf,
  fitted,
} from "../../../passes/fit/least-squares.ts";
import { addTransposedProduct, product } from "../../../passes/fit/products.ts";

const inputs = 3;
const outputs = 2;

/** Rows of numbers between −1 and 1. */
function noise(count: number, width: number, key: number): Float64Array {
  return Float64Array.from({ length: count * width }, (_, i) => 2 * uniform(key, i, 0, 0) - 1);
}

/** What `map` gives for rows of `x`. */
function apply({ weight, bias }: AffineMatrix, x: Float64Array, count: number): Float64Array {
  return Float64Array.from({ length: count * outputs }, (_, at) => {
    const [row, o] = [Math.floor(at / outputs), at % outputs];
    let sum = bias[o] ?? 0;
    for (let i = 0; i < inputs; i++) {
      sum += (x[row * inputs + i] ?? 0) * (weight[i * outputs + o] ?? 0);
    }
    return sum;
  });
}

const truth: AffineMatrix = {
  weight: Float64Array.of(1, -2, 0.5, 0.25, -1, 3),
  bias: Float64Array.of(0.5, -0.25),
};
const start: AffineMatrix = {
  weight: Float64Array.of(0.8, -1.5, 0.5, 0, -1.2, 2.5),
  bias: Float64Array.of(0, 0),
};

function termsOf(count: number, key: number, rectified: boolean, extra: number | null): Terms {
  const x = noise(count, inputs, key);
  const added = extra === null ? null : new Float64Array(count * outputs).fill(extra);
  const target = apply(truth, x, count).map((value) => value + (extra ?? 0));
  return { x: { data: x, count, width: inputs }, target, extra: added, rectified };
}

describe("fitted", () => {
  it("finds weights and bias that were there", () => {
    const map = fitted(start, termsOf(400, 1, false, null), termsOf(100, 2, false, null));
    for (const [i, w] of truth.weight.entries()) expect(map.weight[i]).toBeCloseTo(w, 2);
    for (const [o, b] of truth.bias.entries()) expect(map.bias[o]).toBeCloseTo(b, 2);
  });

  it("finds the same from few terms of many operands as from the larger system", () => {
    // Terms twice over are another number of terms, and the same fit.
    const width = 9;
    const once = { data: noise(8, width, 5), count: 8, width };
    const twice = { data: Float64Array.of(...once.data, ...once.data), count: 16, width };
    const target = noise(8, outputs, 6);
    const wanted = { extra: null, rectified: false };
    const before = { weight: noise(width, outputs, 7), bias: Float64Array.of(0, 0) };
    const few = { ...wanted, x: once, target };
    const many = { ...wanted, x: twice, target: Float64Array.of(...target, ...target) };
    const dual = fitted(before, few, few);
    const primal = fitted(before, many, many);
    expect(dual).not.toBe(before);
    dual.weight.forEach((w, i) => {
      expect(w).toBeCloseTo(primal.weight[i] ?? NaN, 6);
    });
    dual.bias.forEach((b, o) => {
      expect(b).toBeCloseTo(primal.bias[o] ?? NaN, 6);
    });
  });

  it("takes what is added behind the synapse into account", () => {
    const map = fitted(start, termsOf(400, 1, false, 0.75), termsOf(100, 2, false, 0.75));
    expect(map.bias[0]).toBeCloseTo(0.5, 2);
  });

  it("does not care about values below 0 where a rectifier follows", () => {
    const terms = termsOf(400, 1, true, null);
    // Far below 0 is as good as a little below: such targets would bend a two-sided fit.
    const target = terms.target.map((z) => (z > 0 ? z : 50 * z));
    const map = fitted(start, { ...terms, target }, termsOf(100, 2, true, null));
    const fresh = termsOf(200, 3, true, null);
    expect(errorOf(map, fresh)).toBeLessThan(errorOf(start, fresh) / 5);
  });

  it("leaves a map alone that no fit improves on other samples", () => {
    const other = termsOf(100, 2, false, null);
    expect(fitted(truth, { ...termsOf(50, 1, false, null), target: noise(50, 2, 9) }, other)).toBe(
      truth,
    );
  });

  it("leaves it alone where operands never vary", () => {
    const data = new Float64Array(20 * inputs);
    const terms = { ...termsOf(20, 1, false, null), x: { data, count: 20, width: inputs } };
    const map = fitted(truth, terms, terms);
    expect([...map.weight]).toEqual([...truth.weight]);
  });
});

describe("products", () => {
  const matrices = fc.record({
    rows: fc.integer({ min: 1, max: 9 }),
    m: fc.integer({ min: 1, max: 7 }),
    n: fc.integer({ min: 1, max: 6 }),
    key: fc.integer({ min: 0, max: 1000 }),
  });

  it("are those of the definition", () => {
    fc.assert(
      fc.property(matrices, ({ rows, m, n, key }) => {
        const a = { data: noise(rows, m, key), count: rows, width: m };
        const b = { data: noise(rows, n, key + 1), count: rows, width: n };
        const into = new Float64Array(m * n);
        addTransposedProduct(into, a, b);
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = 0;
            for (let r = 0; r < rows; r++) {
              sum += (a.data[r * m + i] ?? 0) * (b.data[r * n + j] ?? 0);
            }
            expect(into[i * n + j]).toBeCloseTo(sum, 12);
          }
        }
        const square = new Float64Array(m * m);
        addTransposedProduct(square, a, a, { symmetric: true });
        const plain = new Float64Array(m * m);
        addTransposedProduct(plain, a, a);
        square.forEach((value, i) => {
          expect(value).toBeCloseTo(plain[i] ?? NaN, 12);
        });
        const right = { data: noise(m, n, key + 2), count: m, width: n };
        const c = product(a, right);
        for (let r = 0; r < rows; r++) {
          for (let j = 0; j < n; j++) {
            let sum = 0;
            for (let i = 0; i < m; i++) {
              sum += (a.data[r * m + i] ?? 0) * (right.data[i * n + j] ?? 0);
            }
            expect(c.data[r * n + j]).toBeCloseTo(sum, 12);
          }
        }
      }),
    );
  });
});

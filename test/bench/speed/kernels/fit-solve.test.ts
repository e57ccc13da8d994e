/** The fit finds the factors that times were made of, and none below zero. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dot, residualOf, solve } from "../../../../bench/speed/kernels/fit-solve.ts";

const terms = [
  [1, 2, 0],
  [1, 0, 3],
  [0, 1, 1],
  [2, 1, 5],
  [1, 4, 1],
];

describe("solve", () => {
  it("finds factors from values that follow from them", () => {
    const factor = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(factor, factor, factor), (factors) => {
        const equations = terms.map((each) => ({ terms: each, value: dot(each, factors) }));
        const { factors: found, residual } = solve(equations);
        found.forEach((x, i) => expect(x).toBeCloseTo(factors[i] ?? 0, 6));
        expect(residual).toBeLessThan(1e-6);
      }),
    );
  });

  it("sets to zero what would be negative, and fits the rest", () => {
    const equations = [
      { terms: [1, 1], value: 1 },
      { terms: [1, 2], value: 0.5 },
      { terms: [1, 3], value: 0.25 },
    ];
    const { factors, residual } = solve(equations);
    expect(factors[1]).toBe(0);
    // Of one factor: Σ 1/value over Σ 1/value², as errors are relative.
    expect(factors[0]).toBeCloseTo((1 + 2 + 4) / (1 + 4 + 16), 12);
    expect(residual).toBeCloseTo(residualOf(equations, [1 / 3, 0]), 12);
  });

  it("gives a term that never appears no factor", () => {
    const { factors } = solve([
      { terms: [1, 0], value: 3 },
      { terms: [2, 0], value: 6 },
    ]);
    expect(factors[0]).toBeCloseTo(3, 12);
    expect(factors[1]).toBe(0);
  });
});

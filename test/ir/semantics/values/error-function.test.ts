/** The error function against published values and its own laws. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { erf, erfc } from "../../../../ir/semantics/values/error-function.ts";

describe("erf", () => {
  // Abramowitz & Stegun, table 7.1, and beyond it values to 16 digits from glibc's erf.
  it.each([
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.2499, 0.9985365690206928],
    [2.25, 0.9985372834133188],
    [3, 0.9999779095030014],
    [4, 0.9999999845827421],
  ])("erf(%f) = %f", (x, value) => {
    expect(Math.abs(erf(x) - value)).toBeLessThan(1e-15);
    expect(erf(-x)).toBe(-erf(x));
  });

  it("is exact at its ends", () => {
    expect(erf(0)).toBe(0);
    expect(Object.is(erf(-0), -0)).toBe(true);
    expect([erf(Infinity), erf(-Infinity), erf(NaN)]).toEqual([1, -1, NaN]);
    expect(erf(1e-300)).toBeCloseTo((2 / Math.sqrt(Math.PI)) * 1e-300, 310);
  });

  it("leaves erfc its small values", () => {
    expect(erfc(5) / 1.5374597944280351e-12).toBeCloseTo(1, 13);
    expect(erfc(10) / 2.088487583762545e-45).toBeCloseTo(1, 13);
    expect([erfc(-Infinity), erfc(0), erfc(Infinity)]).toEqual([2, 1, 0]);
  });

  it("never falls, and complements erfc", () => {
    fc.assert(
      fc.property(fc.double({ min: -7, max: 7, noNaN: true }), (x) => {
        expect(Math.abs(erf(x) + erfc(x) - 1)).toBeLessThan(1e-15);
        expect(erf(x + 1e-6)).toBeGreaterThanOrEqual(erf(x));
      }),
    );
  });
});

/** Rounding by second moments, on weights that are written out. */
import { describe, expect, it } from "vitest";
import { uniform } from "../../../ir/random.ts";
import {
  curvatureOf,
  formOf,
  nearestPlane,
  roundTogether,
} from "../../../passes/quantise/layers/together.ts";

const limits = { least: -7, most: 7 };

function rounded(weights: readonly number[], moments: readonly number[]): number[] {
  const curvature = curvatureOf(Float64Array.from(moments), weights.length);
  return [...roundTogether(Float64Array.from(weights), curvature, limits)];
}

/** Second moments of inputs that vary together, and weights. */
function drawn(seed: number, inputs: number): { weights: Float64Array; moments: Float64Array } {
  const places = 3 * inputs;
  const x = Float64Array.from({ length: places * inputs }, (_, i) => {
    const place = Math.floor(i / inputs);
    return uniform(seed, place, 0, 0) + 0.4 * uniform(seed, i, 1, 0) - 0.7;
  });
  const moments = new Float64Array(inputs * inputs);
  for (let p = 0; p < places; p++) {
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < inputs; j++) {
        moments[i * inputs + j] =
          (moments[i * inputs + j] ?? 0) +
          ((x[p * inputs + i] ?? 0) * (x[p * inputs + j] ?? 0)) / places;
      }
    }
  }
  const weights = Float64Array.from({ length: inputs }, (_, i) => 4 * uniform(seed, i, 2, 0) - 2);
  return { weights, moments };
}

/** The least form of all integers within the limits around the nearest ones, by counting. */
function leastOf(weights: Float64Array, moments: Float64Array): number {
  const curvature = curvatureOf(moments, weights.length);
  let least = Infinity;
  for (let code = 0; code < 4 ** weights.length; code++) {
    const integers = weights.map((w, i) => Math.floor(w) - 1 + (Math.floor(code / 4 ** i) % 4));
    least = Math.min(least, formOf(weights, integers, curvature));
  }
  return least;
}

describe("roundTogether", () => {
  it("rounds one up and the other down where both are multiplied by the same", () => {
    // 0.4 + 0.4 is nearer to 1 than to 0: one of the two weights makes up for the other.
    const [a = NaN, b = NaN] = rounded([0.4, 0.4], [1, 1, 1, 1]);
    expect(a + b).toBe(1);
  });

  it("takes the nearest where inputs have nothing to do with each other", () => {
    expect(rounded([0.4, 0.6, -1.2, 9], [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toEqual([
      0, 1, -1, 7,
    ]);
  });

  it("has the larger input rounded first, and the smaller one make up for it", () => {
    // x₂ = 3·x₁: 0.4 of x₂ are 1.2 of x₁. Of the larger nothing is sent, of the smaller 0.3 + 1.2, and so 1 or 2.
    const [a = NaN, b = NaN] = rounded([0.4, 0.3], [9, 3, 3, 1]);
    expect(3 * a + b).toBeGreaterThanOrEqual(1);
    expect(3 * a + b).toBeLessThanOrEqual(2);
  });

  it("is never worse than the nearest integers, and close to the best there are", () => {
    let [together, best, alone] = [0, 0, 0];
    for (let seed = 0; seed < 30; seed++) {
      const { weights, moments } = drawn(seed, 5);
      const curvature = curvatureOf(moments, 5);
      const found = formOf(weights, roundTogether(weights, curvature, limits), curvature);
      const nearest = formOf(weights, weights.map(Math.round), curvature);
      const least = leastOf(weights, moments);
      expect(found).toBeLessThanOrEqual(nearest);
      expect(found).toBeGreaterThanOrEqual(least - 1e-12);
      together += found;
      best += least;
      alone += nearest;
    }
    expect(together).toBeLessThan(1.25 * best);
    expect(together).toBeLessThan(0.5 * alone);
  });

  it("keeps within its limits, and keeps integers as they are", () => {
    const { moments } = drawn(1, 6);
    const curvature = curvatureOf(moments, 6);
    const far = Float64Array.from([9, -12, 3, 0, 0.5, -0.5]);
    const made = roundTogether(far, curvature, { least: -2, most: 1 });
    expect([...made].every((k) => Number.isInteger(k) && k >= -2 && k <= 1)).toBe(true);
    const whole = Float64Array.from([1, -2, 3, 0, -7, 7]);
    expect(roundTogether(whole, curvature, limits)).toEqual(whole);
  });

  it("knows the form of what it finds one after the other", () => {
    for (let seed = 0; seed < 10; seed++) {
      const { weights, moments } = drawn(seed, 8);
      const curvature = curvatureOf(moments, 8);
      const { integers, form } = nearestPlane(weights, curvature, { least: -1, most: 1 });
      expect(form).toBeCloseTo(formOf(weights, integers, curvature), 9);
    }
  });

  it("takes the nearest where nothing was ever seen", () => {
    expect(rounded([0.4, 0.6], [0, 0, 0, 0])).toEqual([0, 1]);
  });
});

/** The closed form of the best step against a search for it. */
import { describe, expect, it } from "vitest";
import { gaussianStep } from "../../../passes/balance/balance-gaussian.ts";

/** Mean squared error of multiples of `step`, by summing over a fine grid of the distribution. */
function error(mean: number, low: number, high: number, step: number): number {
  let sum = 0;
  let weight = 0;
  for (let i = -6000; i <= 6000; i++) {
    const far = i / 1000;
    const z = mean + far;
    const density = Math.exp((-far * far) / 2);
    const k = Math.max(low, Math.min(high, Math.floor(z / step + 0.5)));
    sum += density * (k * step - z) ** 2;
    weight += density;
  }
  return sum / weight;
}

describe("balance-gaussian", () => {
  it.each([
    [0, 0, 15],
    [0, -15, 15],
    [0.7, 0, 3],
    [-1.5, 0, 15],
    [0, 0, 1],
  ])("finds the best step for a mean of %f and multiples from %i to %i", (mean, low, high) => {
    const step = gaussianStep(mean, 1, low, high, 4);
    const least = error(mean, low, high, step);
    for (const factor of [0.9, 0.97, 1.03, 1.1]) {
      expect(error(mean, low, high, step * factor)).toBeGreaterThan(least);
    }
    expect(gaussianStep(3 * mean, 3, low, high, 12)).toBeCloseTo(3 * step, 4);
  });

  it("gives the steps that are known for a mean of 0", () => {
    expect(gaussianStep(0, 1, 0, 15, 4)).toBeCloseTo(0.196, 2);
    // One bit of a symmetric normal distribution with a dead zone.
    expect(gaussianStep(0, 1, -1, 1, 4)).toBeCloseTo(1.224, 3);
  });

  it("takes what was seen where no spike is to be expected", () => {
    expect(gaussianStep(-50, 1, 0, 3, 6)).toBe(2);
  });
});

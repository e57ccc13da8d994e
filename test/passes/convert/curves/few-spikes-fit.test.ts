/** Few-spikes neurons are fitted to a function within a bound, the same way each time. */
import { describe, expect, it } from "vitest";
import { fewSpikesOf, fitFewSpikes } from "../../../../passes/convert/curves/few-spikes-fit.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const functions: readonly (readonly [string, (x: number) => number, number])[] = [
  ["sigmoid", sigmoid, 8],
  ["tanh", Math.tanh, 4],
  ["SiLU", (x) => x * sigmoid(x), 8],
  ["GELU by its sigmoid", (x) => x * sigmoid(1.702 * x), 6],
  ["LeakyReLU", (x) => (x < 0 ? 0.1 * x : x), 4],
  ["ELU", (x) => (x < 0 ? Math.expm1(x) : x), 4],
  ["hard-swish", (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)), 6],
];

describe("fitFewSpikes", () => {
  it.each(functions)(
    "comes within 2.5 %% of %s with 12 spikes, and 2 %% with 16",
    (_, f, range) => {
      const fit = (spikes: number): number =>
        fitFewSpikes({ f, low: -range, high: range, spikes, seed: 0 }).error;
      expect(fit(12)).toBeLessThan(0.025);
      expect(fit(16)).toBeLessThan(0.02);
    },
  );

  it("says the error that its tables have between its points, too", () => {
    const request = { f: sigmoid, low: -6, high: 9, spikes: 12, seed: 0 };
    const fitted = fitFewSpikes(request);
    let squares = 0;
    let [sum, sumOfSquares] = [0, 0];
    const count = 5003;
    for (let i = 0; i < count; i++) {
      const x = -6 + (15 * (i + 0.5)) / count;
      const y = sigmoid(x);
      squares += (fewSpikesOf(fitted, x) - y) ** 2;
      sum += y;
      sumOfSquares += y * y;
    }
    const variance = sumOfSquares / count - (sum / count) ** 2;
    expect(Math.sqrt(squares / count / variance)).toBeLessThan(1.3 * fitted.error);
  });

  it("is exact to the last digit for ReLU", () => {
    const relu = (x: number): number => Math.max(0, x);
    const { error } = fitFewSpikes({ f: relu, low: -4, high: 4, spikes: 12, seed: 0 });
    expect(error).toBeLessThan(2e-3);
  });

  it("finds the same each time, and a constant at once", () => {
    const request = { f: Math.tanh, low: -2, high: 2, spikes: 8, seed: 3 };
    expect(fitFewSpikes(request)).toEqual(fitFewSpikes(request));
    const constant = fitFewSpikes({ f: () => 2.5, low: 0, high: 1, spikes: 4, seed: 0 });
    expect(constant.error).toBe(0);
    expect(fewSpikesOf(constant, 0.3)).toBeCloseTo(2.5, 4);
  });
});

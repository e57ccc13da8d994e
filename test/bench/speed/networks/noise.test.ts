/** The generator of benchmark weights. */
import { describe, expect, it } from "vitest";
import { fillUniform, heWeights } from "../../../../bench/speed/networks/noise.ts";

const drawn = (seed: number, low = 0, high = 1): Float32Array => {
  const data = new Float32Array(10_000);
  fillUniform(data, seed, low, high);
  return data;
};

describe("fillUniform", () => {
  it("gives the same numbers for the same seed, others for another", () => {
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
  });

  it("is even over its bounds", () => {
    const data = drawn(1, -2, 6);
    expect(Math.min(...data)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...data)).toBeLessThanOrEqual(6);
    expect(data.reduce((sum, x) => sum + x, 0) / data.length).toBeCloseTo(2, 0);
  });
});

describe("heWeights", () => {
  it("have a variance of two over the inputs", () => {
    const data = heWeights(20_000, 50, 3);
    const variance = data.reduce((sum, x) => sum + x * x, 0) / data.length;
    expect(variance).toBeCloseTo(2 / 50, 3);
  });
});

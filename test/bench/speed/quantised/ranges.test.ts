/** Scales and zero points of activations, worked out by hand. */
import { describe, expect, it } from "vitest";
import { Histogram, byteScaleOf, scaleOfRange } from "../../../../bench/speed/quantised/ranges.ts";

const histogramOf = (values: readonly number[]): Histogram => {
  const histogram = new Histogram(Math.min(...values), Math.max(...values));
  histogram.add(values);
  return histogram;
};

describe("scaleOfRange", () => {
  it("has 255 steps, and 0 on one of them", () => {
    expect(scaleOfRange([0, 2.55])).toEqual({ scale: Math.fround(0.01), zeroPoint: 0 });
    expect(scaleOfRange([-1, 1.55])).toEqual({ scale: Math.fround(0.01), zeroPoint: 100 });
    expect(scaleOfRange([-2.55, 0])).toEqual({ scale: Math.fround(0.01), zeroPoint: 255 });
  });

  it("of a value that is always 0 is 1", () => {
    expect(scaleOfRange([0, 0])).toEqual({ scale: 1, zeroPoint: 0 });
  });
});

describe("byteScaleOf", () => {
  /** 9,999 values up to 1, evenly, and one of 100. */
  const spread = [...Array.from({ length: 9999 }, (_, i) => (i + 1) / 9999), 100];

  it("by max holds all values, 0 included", () => {
    expect(byteScaleOf(histogramOf(spread), "max").scale).toBeCloseTo(100 / 255, 6);
    expect(byteScaleOf(histogramOf([2, 3]), "max").zeroPoint).toBe(0);
  });

  it("by a percentile leaves out the rarest, to within a bin of 100/4096", () => {
    const { scale, zeroPoint } = byteScaleOf(histogramOf(spread), "99.9 %");
    expect(scale * 255).toBeGreaterThan(0.999 - 100 / 4096);
    expect(scale * 255).toBeLessThan(0.999 + 100 / 4096);
    expect(zeroPoint).toBe(0);
  });

  it("by mse keeps an outlier whose clipping would cost more than coarse steps", () => {
    // Clipped to 1, the one value alone costs 99² = 9801; steps of 100/255 cost 9,999 · 0.39²/12 = 128.
    expect(byteScaleOf(histogramOf(spread), "mse").scale * 255).toBeGreaterThan(90);
  });

  it("by mse clips where steps cost more", () => {
    // One value of 4 beside 10⁶ up to 1: to clip it costs (4 − c)², at most 9; steps of 4/255 cost
    // 10⁶ · (4/255)²/12 = 20.5, those of 1/255 a sixteenth of it.
    const histogram = new Histogram(0, 4);
    histogram.counts.fill(1e6 / 1024, 0, 1024);
    histogram.add([4]);
    expect(byteScaleOf(histogram, "mse").scale * 255).toBeLessThan(2.5);
  });

  it("by mse treats the two sides apart", () => {
    const { scale, zeroPoint } = byteScaleOf(histogramOf([-1, -0.5, 0.5, 1.55]), "mse");
    expect(scale).toBeCloseTo(0.01, 3);
    expect(zeroPoint).toBeCloseTo(100, -1);
  });
});

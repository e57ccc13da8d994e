/** Bounds beside values of binomial sums and printed tables of Student's t. */
import { describe, expect, it } from "vitest";
import {
  PairedDifference,
  incompleteBeta,
  samplesNeeded,
  upperMean,
  upperShare,
} from "../../calibrate/confidence.ts";

describe("the share that is not exceeded", () => {
  // By halving p until P(at most k of n) is 5 %, the binomial sum written out.
  it.each([
    [0, 16, 17.07],
    [0, 256, 1.16],
    [1, 256, 1.84],
    [2, 150, 4.14],
    [2, 1000, 0.63],
  ])("%i of %i show %f points", (found, samples, points) => {
    expect(100 * upperShare(found, samples, 0.95)).toBeCloseTo(points, 2);
  });

  it("is 1 − (1 − c)^(1/n) for none, and everything for all", () => {
    expect(upperShare(0, 20, 0.9)).toBeCloseTo(1 - 0.1 ** (1 / 20), 12);
    expect(upperShare(20, 20, 0.9)).toBe(1);
    expect(upperShare(0.5, 20, 0.9)).toBeGreaterThan(upperShare(0, 20, 0.9));
    expect(upperShare(0.5, 20, 0.9)).toBeLessThan(upperShare(1, 20, 0.9));
  });

  it("says how many samples could show a share", () => {
    expect(samplesNeeded(0.005, 0.95)).toBe(598);
    expect(upperShare(0, 598, 0.95)).toBeLessThanOrEqual(0.005);
    expect(upperShare(0, 597, 0.95)).toBeGreaterThan(0.005);
    expect([samplesNeeded(0, 0.95), samplesNeeded(1, 0.95)]).toEqual([Infinity, 1]);
  });
});

it("the incomplete beta function is a binomial tail", () => {
  // P(at least 2 of 4) at p = 0.3.
  expect(incompleteBeta(0.3, 2, 3)).toBeCloseTo(1 - 0.7 ** 4 - 4 * 0.3 * 0.7 ** 3, 14);
  expect(incompleteBeta(0.5, 0.5, 0.5)).toBeCloseTo(0.5, 14);
});

it("the mean that is not exceeded is Student's", () => {
  // t of 95 %, one-sided, with 4 degrees is 2.131847 in tables; s of 1 … 5 is √2.5.
  const bound = upperMean(Float64Array.of(1, 2, 3, 4, 5), 0.95);
  expect(bound).toBeCloseTo(3 + (2.131847 * Math.sqrt(2.5)) / Math.sqrt(5), 5);
  expect(upperMean(Float64Array.of(2, 2, 2), 0.95)).toBe(2);
  expect(upperMean(Float64Array.of(2), 0.95)).toBe(Infinity);
});

describe("the standard error of a loss", () => {
  const of = (rows: readonly (readonly [number, number])[]): number => {
    const paired = new PairedDifference();
    for (const [difference, count] of rows) paired.add(difference, count);
    return paired.standardError;
  };

  it("goes by the samples on which one network alone is right", () => {
    // Of 200 only the first is right on 7, only the second on 3: √((10/200 − (4/200)²)/200).
    const rows = Array.from({ length: 200 }, (_, i) => [i < 7 ? 1 : i < 10 ? -1 : 0, 1] as const);
    expect(of(rows)).toBeCloseTo(Math.sqrt((0.05 - 0.02 ** 2) / 200), 14);
    expect(of(rows.slice(10))).toBe(0);
  });

  it("is that of samples, not of the decisions in them", () => {
    // Ten decisions each that all go the same way say no more than one.
    const rows = [1, -1, 0, 0, 1, 0, 0, 0].map((d) => [d, 1] as const);
    const wide = rows.map(([d]) => [10 * d, 10] as const);
    expect(of(wide)).toBeCloseTo(of(rows), 14);
    // Loss 2/8; (2 − 4/4)² + (0 − 1)² + … by hand: counts 4, 2, 2 with differences 2, 0, 0.
    expect(
      of([
        [2, 4],
        [0, 2],
        [0, 2],
      ]),
    ).toBeCloseTo(Math.sqrt(1 + 0.25 + 0.25) / 8, 14);
    expect(of([])).toBe(0);
  });
});

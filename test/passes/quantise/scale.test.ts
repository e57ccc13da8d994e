/** The unit of a channel: rounding by hand, and that no other candidate would have been better. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ChannelUnits,
  chooseScale,
  leastThreshold,
  quantised,
  roundHalfAway,
} from "../../../passes/quantise/units/scale.ts";

function channel(
  weights: readonly number[],
  rest: Partial<ChannelUnits> & {
    bias?: number;
    levels?: number;
    means?: readonly number[];
    own?: number;
  } = {},
): ChannelUnits {
  const { bias = 0, levels = 127, means, threshold = null, vInit = 0, own = null } = rest;
  const row = {
    weights: Float64Array.from(weights),
    means: means === undefined ? null : Float64Array.from(means),
    variances: null,
    bias,
    levels,
    own,
    reach: 1,
  };
  return { rows: [row], threshold, vInit };
}

describe("rounding", () => {
  it("takes ties away from zero, and makes no -0", () => {
    expect([0.5, 1.5, 2.4, -0.5, -2.5, -2.4, -0.3].map(roundHalfAway)).toEqual([
      1, 2, 2, -1, -3, -2, 0,
    ]);
  });

  it("clips to the levels on both sides", () => {
    expect([10, -10, 0.8].map((x) => quantised(x, 1, 7))).toEqual([7, -7, 1]);
  });
});

describe("the unit of a channel", () => {
  it("is exact where weights are whole multiples of one", () => {
    const { unit } = chooseScale(channel([0.5, -0.25, 1, 0.75], { levels: 4 }), 40);
    expect(unit).toBe(0.25);
  });

  it("takes of the 16 bits of a shortcut what the weights beside it need", () => {
    const shortcut = channel([1], { levels: 2 ** 15 - 1 });
    const beside = { ...shortcut, rows: [...shortcut.rows, ...channel([0.0127]).rows] };
    expect(chooseScale(shortcut, 1).unit).toBeCloseTo(1 / 127, 9);
    expect(chooseScale(beside, 1).unit).toBeCloseTo(0.0127 / 127, 9);
  });

  it("tries no other unit in which a shortcut beside weights would be clipped", () => {
    const shortcut = channel([40], { levels: 2 ** 15 - 1 });
    const beside = { ...shortcut, rows: [...shortcut.rows, ...channel([0.0127]).rows] };
    const { range } = chooseScale(beside, 40);
    expect(range?.least).toBeCloseTo(40 / (2 ** 15 - 1), 12);
    expect(range?.most).toBeCloseTo(40 / (2 ** 15 - 1), 12);
    expect(chooseScale(channel([0.0127]), 40).range?.least).toBeCloseTo(0.0127 / 127 / 5, 12);
  });

  it("clips a lone large weight where that leaves the others finer", () => {
    const many = Array.from({ length: 200 }, (_, i) => Math.sin(i) / 2);
    const { unit } = chooseScale(channel([...many, 1], { levels: 3 }), 40);
    expect(unit).toBeLessThan(1 / 3);
    expect(unit).toBeGreaterThan(0.5 / 3.5);
  });

  it("cares more for weights whose factors vary", () => {
    const row = {
      weights: Float64Array.of(1, 0.3),
      means: null,
      bias: 0,
      levels: 1,
      own: null,
      reach: 1,
      variances: Float64Array.of(1, 100),
    };
    const { unit } = chooseScale({ rows: [row], threshold: null, vInit: 0 }, 100);
    expect(unit).toBeCloseTo(0.3, 1);
  });

  it("is the weights' own, whatever biases would like", () => {
    const weights = [0.3, -0.7, 12.7];
    const own = channel(weights, { own: 0.1, bias: 0.05 });
    expect(chooseScale(own, 40)).toEqual({ unit: 0.1, limited: false, isOwn: true });
    // The first whole part with eight units to the threshold: 0.1 / 2.
    const threshold = { min: 0.5, max: 0.5 };
    const few = channel([0.3, -0.7, 0.1], { own: 0.1, threshold });
    expect(chooseScale(few, 40)).toMatchObject({ unit: 0.05, isOwn: true });
    expect(0.5 / chooseScale(few, 40).unit).toBeGreaterThanOrEqual(leastThreshold);
  });

  it("is no row's own where rows that meet have two, or a shortcut would not fit", () => {
    const [{ rows: a }, { rows: b }] = [
      channel([0.3, 12.7], { own: 0.1 }),
      channel([0.4, 25.4], { own: 0.2 }),
    ];
    const both = { threshold: null, vInit: 0 };
    expect(chooseScale({ rows: [...a, ...b], ...both }, 40).isOwn).toBe(false);
    expect(chooseScale({ rows: [...a, ...channel([5]).rows], ...both }, 40).isOwn).toBe(true);
    expect(chooseScale({ rows: [...a, ...channel([20]).rows], ...both }, 40).isOwn).toBe(false);
    expect(chooseScale({ rows: [...a, ...channel([1]).rows], ...both }, 40).isOwn).toBe(false);
  });

  it("keeps thresholds from getting few units, and says so", () => {
    const threshold = { min: 2, max: 10 };
    const limited = chooseScale(channel([1], { levels: 1, threshold }), 40);
    expect(limited.limited).toBe(true);
    expect(2 / limited.unit).toBeGreaterThanOrEqual(leastThreshold);
    expect(chooseScale(channel([1], { threshold }), 40).limited).toBe(false);
  });

  it("leaves room in 32 bits, whatever the weights", () => {
    const tiny = channel([1e-12], { threshold: { min: 1, max: 4 }, bias: -8 });
    expect(8 / chooseScale(tiny, 40).unit).toBeLessThanOrEqual(2 ** 14);
    // What is multiplied by large integers is not tiny.
    const far = channel([1e-7], { threshold: { min: 1, max: 1 } });
    const rows = far.rows.map((row) => ({ ...row, reach: 2 ** 21 }));
    expect(1 / chooseScale({ ...far, rows }, 40).unit).toBeCloseTo(2 ** 30, -3);
    const none = channel([0, 0], { bias: -3 });
    expect(3 / chooseScale(none, 40).unit).toBe(2 ** 14);
    expect(chooseScale(channel([0]), 40).unit).toBe(1);
  });

  it("is the best of the grid", () => {
    const weight = fc.double({ min: -1, max: 1, noNaN: true }).map((w) => Math.round(w * 64) / 64);
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 127 }),
        fc.integer({ min: 10, max: 60 }),
        (weights, levels, grid) => {
          const largest = Math.max(...weights.map(Math.abs)) / levels;
          fc.pre(largest > 0);
          const error = (unit: number): number =>
            weights.reduce((sum, w) => sum + (quantised(w, unit, levels) * unit - w) ** 2, 0);
          const { unit } = chooseScale(channel(weights, { levels }), grid);
          for (let k = grid; k >= grid / 5; k--) {
            expect(error(unit)).toBeLessThanOrEqual(error((largest * k) / grid) + 1e-15);
          }
        },
      ),
    );
  });
});

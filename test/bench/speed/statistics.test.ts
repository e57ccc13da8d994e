/** The arithmetic of rounds. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  median,
  quantile,
  ratioOf,
  relativeDifference,
  relativeSpread,
} from "../../../bench/speed/statistics.ts";

const values = fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 1 });

describe("median", () => {
  it("is the middle value, or half-way between the two", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it("does not move by one wild round", () => {
    expect(median([1, 1, 1, 1, 900])).toBe(1);
  });

  it("does not depend on the order, which it leaves alone", () => {
    fc.assert(
      fc.property(values, (list) => {
        const before = [...list];
        expect(median(list)).toBe(median([...list].reverse()));
        expect(list).toEqual(before);
      }),
    );
  });

  it("lies between the quartiles, and these between the ends", () => {
    fc.assert(
      fc.property(values, (list) => {
        const at = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(list, share));
        expect(at).toEqual([...at].sort((a, b) => a - b));
        expect(at[0]).toBe(Math.min(...list));
        expect(at[4]).toBe(Math.max(...list));
      }),
    );
  });
});

describe("relativeSpread", () => {
  it("is the quartiles' distance over the median, whatever the unit", () => {
    expect(relativeSpread([1, 2, 3, 4, 5])).toBeCloseTo(2 / 3);
    expect(relativeSpread([1000, 2000, 3000, 4000, 5000])).toBeCloseTo(2 / 3);
  });

  it("is 0 where nothing varies", () => {
    expect(relativeSpread([4, 4, 4])).toBe(0);
    expect(relativeSpread([0])).toBe(0);
  });
});

describe("ratioOf", () => {
  it("is above 1 where the subject is better, in either direction", () => {
    expect(ratioOf("lower", 2, 6)).toBe(3);
    expect(ratioOf("higher", 6, 2)).toBe(3);
  });
});

describe("relativeDifference", () => {
  it("is measured in the largest value of the reference", () => {
    expect(relativeDifference([1, 100], [2, 100])).toBe(0.01);
    expect(relativeDifference([0, 0], [0, 0])).toBe(0);
  });

  it("is as bad as can be where a value is not a number", () => {
    expect(relativeDifference([NaN], [1])).toBe(Infinity);
    expect(relativeDifference([1], [NaN])).toBe(Infinity);
    expect(relativeDifference([1], [0])).toBe(Infinity);
  });
});

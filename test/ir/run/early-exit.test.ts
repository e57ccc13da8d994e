/** When the margin of an output ends a run. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { endsEarly, marginOf, probabilityIn, repeatLast } from "../../../ir/run/early-exit.ts";
import { real } from "../../../ir/type.ts";
import { loc } from "../one-op.ts";

describe("the margin", () => {
  it("is between the two greatest, wherever they stand", () => {
    expect(marginOf([9, 1, 4, 2, 9], 1, 3, "output")).toBe(2);
    expect(marginOf([3, 3, 1], 0, 3, "output")).toBe(0);
  });

  it("of probabilities is that of the softmax, however large the values", () => {
    const [a, b, c] = [Math.exp(2), Math.exp(1), 1];
    const expected = (a - b) / (a + b + c);
    expect(marginOf([1, 2, 0], 0, 3, "probability")).toBeCloseTo(expected, 12);
    expect(marginOf([1001, 1002, 1000], 0, 3, "probability")).toBeCloseTo(expected, 12);
  });

  it("is none where there is nothing to compare", () => {
    expect(marginOf([1], 0, 1, "output")).toBeNaN();
    expect(marginOf([1, NaN, 5], 0, 3, "output")).toBeNaN();
  });
});

describe("a probability", () => {
  it("is the output itself behind a softmax, and a softmax of it elsewhere", () => {
    const of = (ends: boolean) => {
      const builder = new Builder();
      const x = builder.input("x", real("f32", [1, 4]), loc);
      const y = ends ? builder.add("ann.softmax", [x], { axis: 1 }, loc) : x;
      const value = builder.add("ann.reshape", [y], { shape: [4] }, loc);
      return probabilityIn(builder.finish({ name: "m", outputs: [{ name: "y", value }] }));
    };
    expect(of(true)).toBe("output");
    expect(of(false)).toBe("probability");
  });
});

describe("a run", () => {
  const rule = { margin: 2, of: "output", minimum: 3, every: 2 } as const;

  it("ends at a multiple, not before the minimum, with the margin or more", () => {
    expect([1, 2, 3, 4, 5, 6].filter((t) => endsEarly(rule, t, [0, 2], 0, 2))).toEqual([4, 6]);
    expect(endsEarly(rule, 4, [0, 1.9], 0, 2)).toBe(false);
    expect(endsEarly(rule, 4, [NaN, 9], 0, 2)).toBe(false);
    expect(endsEarly(undefined, 4, [0, 9], 0, 2)).toBe(false);
  });

  it("that ended repeats its last timestep", () => {
    const data = Float32Array.of(1, 2, 3, 4, 0, 0, 0, 0);
    repeatLast(data, 2, 4);
    expect([...data]).toEqual([1, 2, 3, 4, 3, 4, 3, 4]);
  });
});

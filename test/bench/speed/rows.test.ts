/** Rows of comparisons and the table of them. */
import { describe, expect, it } from "vitest";
import { digits, rowOf, tableOf } from "../../../bench/speed/rows.ts";

const common = { suite: "ann", case: "lenet", metric: "ms/image", better: "lower" } as const;
const row = rowOf({
  ...common,
  subject: { name: "ours", values: [1, 2, 3] },
  baseline: { name: "theirs", values: [4, 8, 12] },
  note: "1 thread",
});

describe("rowOf", () => {
  it("compares medians and says how many rounds there were", () => {
    expect(row).toEqual({
      suite: "ann",
      case: "lenet",
      subject: "ours",
      baseline: "theirs",
      metric: "ms/image",
      subjectValue: 2,
      baselineValue: 8,
      ratio: 4,
      rounds: 3,
      spread: 0,
      note: "1 thread",
    });
  });

  it("takes the spread of ratios, so that a slow round of both does not count", () => {
    const drifting = rowOf({
      ...common,
      subject: { name: "ours", values: [1, 10, 100, 1000] },
      baseline: { name: "theirs", values: [2, 20, 200, 2000] },
    });
    expect(drifting.spread).toBe(0);
  });

  it("compares every round with a baseline of one value", () => {
    const recorded = rowOf({
      ...common,
      metric: "images/s",
      better: "higher",
      subject: { name: "ours", values: [10, 20, 30] },
      baseline: { name: "recorded", values: [10] },
    });
    expect(recorded.ratio).toBe(2);
    expect(recorded.spread).toBeCloseTo(0.5);
  });

  it("leaves a figure on its own without a ratio", () => {
    const alone = rowOf({ ...common, subject: { name: "x", values: [1, 3] }, baseline: null });
    expect(alone).toMatchObject({ baseline: "", baselineValue: null, ratio: null });
    expect(alone.spread).toBeCloseTo(0.5);
  });
});

describe("tableOf", () => {
  it("shows each note once, below the rows that point at it", () => {
    const text = tableOf([row, { ...row, case: "other" }, { ...row, note: "2 threads" }]);
    expect(text.split("\n").map((line) => line.trim())).toEqual([
      "case  subject  baseline    metric  subject  baseline   ratio  spread",
      "lenet     ours    theirs  ms/image     2.00      8.00  4.00 x     0 %  [1]",
      "other     ours    theirs  ms/image     2.00      8.00  4.00 x     0 %  [1]",
      "lenet     ours    theirs  ms/image     2.00      8.00  4.00 x     0 %  [2]",
      "[1] 1 thread",
      "[2] 2 threads",
    ]);
  });
});

describe("digits", () => {
  it.each([
    [0, "0"],
    [0.01234, "0.0123"],
    [12.34, "12.3"],
    [123456, "123456"],
    [12_345_678, "12.3 M"],
    [1.2e11, "120 G"],
  ])("writes %d as %s", (value, text) => expect(digits(value)).toBe(text));
});

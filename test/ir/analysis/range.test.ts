/** What a scan over a tensor tells, and that integer types have no negative zero. */
import { describe, expect, it } from "vitest";
import { rangeOf } from "../../../ir/analysis/range.ts";
import { tensorOf } from "../../../ir/tensor.ts";

describe("the range of a tensor", () => {
  it("spans its elements", () => {
    const range = { min: -2, max: 5, notFinite: null, unfit: null };
    expect(rangeOf(tensorOf("f32", [4], [1, -2, 5, 0]))).toEqual(range);
  });
  it("is NaN where an element is, or where there are none", () => {
    for (const values of [[NaN, 1], [1, NaN, 2], []]) {
      const { min, max } = rangeOf(tensorOf("f32", [values.length], values));
      expect([min, max]).toEqual([NaN, NaN]);
    }
  });
  it("shows the first element that is not finite", () => {
    expect(rangeOf(tensorOf("f32", [3], [1, -Infinity, NaN])).notFinite).toBe(-Infinity);
  });
  it("finds nothing unfit in what was rounded into its type", () => {
    for (const dtype of ["i64", "u64", "f16", "bf16", "bool"] as const) {
      expect(rangeOf(tensorOf(dtype, [3], [0.3, -0, 0.9])).unfit).toBe(null);
    }
    expect(rangeOf(tensorOf("i64", [1], [-0.3])).unfit).toBe(null);
  });
});

/** Reductions, positions of extremes, running sums. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReduceName } from "../../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../../ir/tensor.ts";
import type { DType } from "../../../../ir/type.ts";
import { counting, evaluateOp, f, numbers } from "../../one-op.ts";

const reduce = (name: ReduceName, x: Tensor, axes: readonly number[], keepDims = false): Tensor =>
  evaluateOp(`ann.reduce-${name}`, { axes, keepDims }, [x]);

describe("ann.reduce", () => {
  const x = tensorOf("f64", [2, 2], [1, -2, 3, 4]);

  it.each<[ReduceName, readonly number[]]>([
    ["l1", [3, 7]],
    ["l2", [Math.sqrt(5), 5]],
    ["log-sum", [NaN, Math.log(7)]],
    ["max", [1, 4]],
    ["mean", [-0.5, 3.5]],
    ["min", [-2, 3]],
    ["prod", [-2, 12]],
    ["sum", [-1, 7]],
    ["sum-square", [5, 25]],
  ])("-%s of [[1, -2], [3, 4]] over the last axis is %j", (name, y) => {
    expect(numbers(reduce(name, x, [1]))).toEqual(y);
  });

  it("folds any axes, and keeps them where asked", () => {
    const y = counting([2, 3, 2]);
    expect(numbers(reduce("sum", y, [0, 2]))).toEqual([18, 26, 34]);
    expect(reduce("sum", y, [0, 2]).shape).toEqual([3]);
    expect(reduce("sum", y, [0, 2], true).shape).toEqual([1, 3, 1]);
    expect(numbers(reduce("sum", y, [1]))).toEqual([9, 12, 27, 30]);
  });

  it("applies to each element by itself over no axes", () => {
    expect(numbers(reduce("sum", x, []))).toEqual([1, -2, 3, 4]);
    expect(numbers(reduce("l1", f([], [-3]), []))).toEqual([3]);
  });

  it("sums exponentials of large numbers", () => {
    const close = (values: readonly number[]): number | undefined =>
      reduce("log-sum-exp", tensorOf("f64", [values.length], values), [0]).data[0];
    expect(close([1000, 1000])).toBeCloseTo(1000 + Math.LN2, 12);
    expect(close([-1000, -1000])).toBeCloseTo(-1000 + Math.LN2, 12);
    expect(close([-Infinity, -Infinity])).toBe(-Infinity);
    expect(close([Infinity, 0])).toBe(Infinity);
    expect(close([NaN, 0])).toBe(NaN);
  });

  it.each<[ReduceName, DType, number]>([
    ["sum", "f32", 0],
    ["prod", "f32", 1],
    ["max", "f32", -Infinity],
    ["min", "f32", Infinity],
    ["max", "u8", 0],
    ["max", "i8", -128],
    ["min", "i32", 2147483647],
    ["max", "bool", 0],
    ["min", "bool", 1],
    ["mean", "f32", NaN],
    ["l2", "f32", 0],
    ["log-sum", "f32", -Infinity],
    ["log-sum-exp", "f32", -Infinity],
  ])("-%s of no %s is %d", (name, dtype, value) => {
    expect(numbers(reduce(name, tensorOf(dtype, [2, 0], []), [1]))).toEqual([value, value]);
  });

  it("passes NaN on through extremes", () => {
    expect(numbers(reduce("max", f([2], [NaN, 1]), [0]))).toEqual([NaN]);
    expect(numbers(reduce("min", f([2], [1, NaN]), [0]))).toEqual([NaN]);
  });

  it("truncates the mean of integers and wraps their products", () => {
    expect(numbers(reduce("mean", tensorOf("i32", [2], [-1, -2]), [0]))).toEqual([-1]);
    expect(numbers(reduce("prod", tensorOf("i32", [2], [65537, 65537]), [0]))).toEqual([131073]);
    expect(numbers(reduce("sum-square", tensorOf("i32", [1], [65537]), [0]))).toEqual([131073]);
  });

  it("has the mean times the count for its sum", () => {
    const cases = fc
      .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
      .chain((shape) => fc.tuple(fc.constant(shape), fc.subarray([...shape.keys()])));
    fc.assert(
      fc.property(cases, fc.boolean(), ([shape, axes], keepDims) => {
        const y = counting(shape);
        const count = axes.reduce((n, axis) => n * (shape[axis] ?? 1), 1);
        const sum = reduce("sum", y, axes, keepDims);
        const mean = reduce("mean", y, axes, keepDims);
        expect(mean.shape).toEqual(sum.shape);
        expect(numbers(mean)).toEqual(numbers(sum).map((s) => Math.fround(s / count)));
      }),
    );
  });
});

describe("ann.argmax and ann.argmin", () => {
  const x = f([2, 3], [3, 1, 3, 1, 1, 2]);

  it("take the first of equals, or the last", () => {
    const attrs = { axis: 1, keepDims: false, selectLast: false };
    expect(numbers(evaluateOp("ann.argmax", attrs, [x]))).toEqual([0, 2]);
    expect(numbers(evaluateOp("ann.argmin", attrs, [x]))).toEqual([1, 0]);
    const last = { ...attrs, selectLast: true };
    expect(numbers(evaluateOp("ann.argmax", last, [x]))).toEqual([2, 2]);
    expect(numbers(evaluateOp("ann.argmin", last, [x]))).toEqual([1, 1]);
  });

  it("go along any axis and give 64-bit integers", () => {
    const y = evaluateOp("ann.argmax", { axis: 0, keepDims: true, selectLast: false }, [x]);
    expect([y.dtype, y.shape, numbers(y)]).toEqual(["i64", [1, 3], [0, 0, 0]]);
  });
});

describe("ann.cumsum", () => {
  const x = f([2, 3], [1, 2, 3, 4, 5, 6]);
  it.each([
    [1, false, false, [1, 3, 6, 4, 9, 15]],
    [1, true, false, [0, 1, 3, 0, 4, 9]],
    [1, false, true, [6, 5, 3, 15, 11, 6]],
    [1, true, true, [5, 3, 0, 11, 6, 0]],
    [0, false, false, [1, 2, 3, 5, 7, 9]],
  ])("along axis %d, exclusive %s, reverse %s", (axis, exclusive, reverse, y) => {
    expect(numbers(evaluateOp("ann.cumsum", { axis, exclusive, reverse }, [x]))).toEqual(y);
  });
});

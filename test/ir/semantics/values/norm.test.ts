/** Normalisations, worked by hand. */
import { describe, expect, it } from "vitest";
import type { Tensor } from "../../../../ir/tensor.ts";
import { counting, evaluateOp, f, numbers } from "../../one-op.ts";

function expectClose(t: Tensor, values: readonly number[]): void {
  expect(t.data.length).toBe(values.length);
  values.forEach((value, i) => expect(t.data[i]).toBeCloseTo(value, 5));
}

describe("normalisations", () => {
  it("batchnorm scales each channel by its stored statistics", () => {
    const y = evaluateOp(
      "ann.batchnorm",
      { scale: "s", bias: "b", mean: "m", variance: "v", epsilon: 1 },
      [f([1, 2, 2], [1, 5, 1, 5])],
      { s: f([2], [2, 4]), b: f([2], [0, 10]), m: f([2], [1, 3]), v: f([2], [3, 0]) },
    );
    expect(numbers(y)).toEqual([0, 4, 2, 18]);
  });

  it("layernorm normalises the trailing axes", () => {
    const y = evaluateOp(
      "ann.layernorm",
      { axis: 1, epsilon: 0, scale: "s", bias: "b" },
      [f([2, 2], [1, 3, 10, 30])],
      { s: f([2], [1, 2]), b: f([1], [5]) },
    );
    expect(numbers(y)).toEqual([4, 7, 4, 7]);
    const all = evaluateOp("ann.layernorm", { axis: 0, epsilon: 0, scale: null, bias: null }, [
      f([2, 2], [1, 1, 3, 3]),
    ]);
    expect(numbers(all)).toEqual([-1, -1, 1, 1]);
  });

  it("groupnorm normalises groups of channels over their extent", () => {
    const y = evaluateOp(
      "ann.groupnorm",
      { groups: 2, epsilon: 0, scale: "s", bias: "b" },
      [f([1, 4, 1], [1, 3, 0, 8])],
      { s: f([4], [1, 1, 1, 10]), b: f([4], [0, 1, 0, 0]) },
    );
    expect(numbers(y)).toEqual([-1, 2, -1, 10]);
  });

  it("lrn looks at the channels around, one more behind where the size is even", () => {
    const x = f([1, 3, 1], [1, 2, 3]);
    const attrs = { size: 3, alpha: 3, beta: 1, bias: 1 };
    expectClose(evaluateOp("ann.lrn", attrs, [x]), [1 / 6, 2 / 15, 3 / 14]);
    const even = { ...attrs, size: 2, alpha: 2 };
    expectClose(evaluateOp("ann.lrn", even, [x]), [1 / 6, 2 / 14, 3 / 10]);
  });
});

describe("along an axis", () => {
  it("softmax sums to one", () => {
    const x = f([1, 2, 2], [0, 0, Math.log(3), 0]);
    expectClose(evaluateOp("ann.softmax", { axis: 1 }, [x]), [0.25, 0.5, 0.75, 0.5]);
    expectClose(evaluateOp("ann.log-softmax", { axis: 1 }, [x]), [
      Math.log(0.25),
      Math.log(0.5),
      Math.log(0.75),
      Math.log(0.5),
    ]);
  });

  it("softmax does not overflow", () => {
    expect(numbers(evaluateOp("ann.softmax", { axis: 0 }, [f([2], [1000, 1000])]))).toEqual([
      0.5, 0.5,
    ]);
  });

  it("log-softmax stays finite where the softmax vanishes", () => {
    expect(numbers(evaluateOp("ann.log-softmax", { axis: 0 }, [f([2], [0, 2000])]))).toEqual([
      -2000, 0,
    ]);
  });

  it("hardmax marks the first maximum", () => {
    const x = f([2, 3], [1, 7, 7, 2, 1, 0]);
    expect(numbers(evaluateOp("ann.hardmax", { axis: 1 }, [x]))).toEqual([0, 1, 0, 1, 0, 0]);
    expect(numbers(evaluateOp("ann.hardmax", { axis: 0 }, [counting([2, 2])]))).toEqual([
      0, 0, 1, 1,
    ]);
  });
});

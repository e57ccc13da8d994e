/** Max-pooling over space. */
import { describe, expect, it } from "vitest";
import { tensorOf } from "../../../../ir/tensor.ts";
import { counting, evaluateOp, f, numbers } from "../../one-op.ts";

const window = {
  strides: [1],
  padsBegin: [0],
  padsEnd: [0],
  dilations: [1],
  kernel: [2],
  ceilMode: false,
};

describe("ann.max-pool", () => {
  it("takes the maximum of each window and plane", () => {
    const attrs = {
      strides: [2, 1],
      padsBegin: [0, 0],
      padsEnd: [0, 0],
      dilations: [1, 1],
      kernel: [2, 2],
      ceilMode: false,
    };
    const y = evaluateOp("ann.max-pool", attrs, [counting([1, 2, 2, 3])]);
    expect(y.shape).toEqual([1, 2, 1, 2]);
    expect(numbers(y)).toEqual([5, 6, 11, 12]);
  });

  it("never lets padding win", () => {
    const y = evaluateOp("ann.max-pool", { ...window, padsBegin: [1], padsEnd: [1] }, [
      f([1, 1, 2], [-3, -5]),
    ]);
    expect(numbers(y)).toEqual([-3, -3, -5]);
  });

  it("spreads its window by the dilation", () => {
    const y = evaluateOp("ann.max-pool", { ...window, dilations: [2] }, [
      f([1, 1, 4], [1, 9, 2, 3]),
    ]);
    expect(numbers(y)).toEqual([2, 9]);
  });

  it("covers the rest in ceil mode", () => {
    const x = counting([1, 1, 5]);
    const attrs = { ...window, strides: [2] };
    expect(numbers(evaluateOp("ann.max-pool", attrs, [x]))).toEqual([2, 4]);
    expect(numbers(evaluateOp("ann.max-pool", { ...attrs, ceilMode: true }, [x]))).toEqual([
      2, 4, 5,
    ]);
  });

  it("passes NaN on, and keeps integers", () => {
    expect(numbers(evaluateOp("ann.max-pool", window, [f([1, 1, 3], [1, NaN, 2])]))).toEqual([
      NaN,
      NaN,
    ]);
    const bytes = tensorOf("i8", [1, 1, 3], [-128, -3, -7]);
    expect(evaluateOp("ann.max-pool", window, [bytes])).toEqual(
      tensorOf("i8", [1, 1, 2], [-3, -3]),
    );
  });
});

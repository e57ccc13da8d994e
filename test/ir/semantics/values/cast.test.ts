/** Changes of element type, by value and by linear quantisation. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Tensor, sameTensor, tensorOf } from "../../../../ir/tensor.ts";
import type { DType } from "../../../../ir/type.ts";
import { evaluateOp, f, numbers } from "../../one-op.ts";

const cast = (x: Tensor, to: DType): Tensor => evaluateOp("ann.cast", { to, saturate: true }, [x]);

describe("ann.cast", () => {
  it("truncates floats towards zero", () => {
    const x = f([5], [-1.9, -0.5, 0.9, 1.5, 127.9]);
    expect(numbers(cast(x, "i8"))).toEqual([-1, 0, 0, 1, 127]);
    expect(numbers(cast(x, "i64"))).toEqual([-1, 0, 0, 1, 127]);
  });

  it("wraps integers to the width", () => {
    const x = tensorOf("i32", [3], [-1, 300, 65536]);
    expect(numbers(cast(x, "u8"))).toEqual([255, 44, 0]);
    expect(numbers(cast(x, "i8"))).toEqual([-1, 44, 0]);
    expect(numbers(cast(x, "u32"))).toEqual([4294967295, 300, 65536]);
  });

  it("makes and reads bools", () => {
    expect(numbers(cast(f([5], [0, -0, 0.5, NaN, -3]), "bool"))).toEqual([0, 0, 1, 1, 1]);
    expect(numbers(cast(tensorOf("bool", [2], [0, 1]), "f32"))).toEqual([0, 1]);
  });

  it("rounds to the short floats, ties to even", () => {
    const x = f([4], [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, 2 ** -25]);
    expect(numbers(cast(x, "f16"))).toEqual([1, 1 + 2 ** -9, Infinity, 0]);
    const y = f([3], [1 + 2 ** -8, 1 + 3 * 2 ** -8, NaN]);
    expect(numbers(cast(y, "bf16"))).toEqual([1, 1 + 2 ** -6, NaN]);
  });
});

describe("ann.quantize-linear", () => {
  const quantize = (x: Tensor, scale: Tensor, zeroPoint: Tensor, axis = 0): Tensor =>
    evaluateOp("ann.quantize-linear", { axis, to: zeroPoint.dtype }, [x, scale, zeroPoint]);

  it("rounds half to even before it adds the zero point", () => {
    const x = f([6], [1, 3, 5, -1, -3, 2.2]);
    expect(numbers(quantize(x, f([], [2]), tensorOf("u8", [], [1])))).toEqual([1, 3, 3, 1, 0, 2]);
  });

  it.each<[DType, number, number]>([
    ["i8", -128, 127],
    ["u8", 0, 255],
    ["i16", -32768, 32767],
    ["u16", 0, 65535],
  ])("saturates to %s", (dtype, low, high) => {
    const y = quantize(
      f([4], [-1e6, 1e6, -Infinity, Infinity]),
      f([], [1]),
      tensorOf(dtype, [], [3]),
    );
    expect(y.dtype).toBe(dtype);
    expect(numbers(y)).toEqual([low, high, low, high]);
  });

  it("divides in float32, where 0.35 / 0.1 is a tie", () => {
    const y = quantize(f([1], [0.35]), f([], [0.1]), tensorOf("i8", [], [0]));
    expect(numbers(y)).toEqual([4]);
  });

  it("has a scale for each index of its axis", () => {
    const x = f([1, 2, 2], [1, 2, 10, 20]);
    const y = quantize(x, f([2], [1, 10]), tensorOf("i8", [2], [0, 5]), 1);
    expect(numbers(y)).toEqual([1, 2, 6, 7]);
  });

  it("is undone by ann.dequantize-linear", () => {
    const x = tensorOf("u8", [2, 2], [0, 128, 255, 130]);
    const scale = f([2], [0.5, 2]);
    const zeroPoint = tensorOf("u8", [2], [128, 0]);
    const y = evaluateOp("ann.dequantize-linear", { axis: 1 }, [x, scale, zeroPoint]);
    expect(numbers(y)).toEqual([-64, 256, 63.5, 260]);
    expect(sameTensor(quantize(y, scale, zeroPoint, 1), x)).toBe(true);
  });

  it("is off by half a scale at most within its range", () => {
    fc.assert(
      fc.property(
        fc.float({ min: -100, max: 100, noNaN: true }),
        fc.integer({ min: -20, max: 20 }),
        (value, zero) => {
          const [scale, zeroPoint] = [f([], [1]), tensorOf("i8", [], [zero])];
          const q = quantize(f([1], [value]), scale, zeroPoint);
          const back = evaluateOp("ann.dequantize-linear", { axis: 0 }, [q, scale, zeroPoint]);
          expect(Math.abs((back.data[0] ?? NaN) - value)).toBeLessThanOrEqual(0.5);
        },
      ),
    );
  });
});

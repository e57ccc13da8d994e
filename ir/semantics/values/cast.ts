/** What linear quantisation computes: between floats and the integers that stand for them. */
import { type Tensor, roundTo } from "../../tensor.ts";
import { type Shape, elementCount } from "../../type.ts";
import { mapElements } from "../broadcast.ts";
import { dtypeLimits, roundEven } from "./scalar.ts";
import { type Semantics, doubles, operand, resultOf } from "../semantics.ts";

/**
 * saturate(round(x / scale) + zero point), ties to even. The quotient is rounded into the scale's
 * element type before it is rounded to an integer, because ONNX divides there: 0.35 / 0.1 in
 * float32 is the tie 3.5, though the quotient of the two float32 numbers lies just below it.
 */
export const quantize: Semantics<"ann.quantize-linear"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const scale = operand(inputs, 1);
  const [low, high] = dtypeLimits(op.attrs.to);
  const scales = doubles(scale);
  const zeroPoints = doubles(operand(inputs, 2));
  const groupOf = groups(x.shape, op.attrs.axis, scale);
  const y = doubles(x).map((value, i) => {
    const group = groupOf(i);
    const quotient = roundTo(scale.dtype, value / (scales[group] ?? 1));
    return Math.min(high, Math.max(low, roundEven(quotient) + (zeroPoints[group] ?? 0)));
  });
  return resultOf(op, y);
};

/** (x − zero point) · scale. */
export const dequantize: Semantics<"ann.dequantize-linear"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const scale = operand(inputs, 1);
  const scales = doubles(scale);
  const zeroPoints = doubles(operand(inputs, 2));
  const groupOf = groups(x.shape, op.attrs.axis, scale);
  const y = doubles(x).map((value, i) => {
    const group = groupOf(i);
    return (value - (zeroPoints[group] ?? 0)) * (scales[group] ?? 1);
  });
  return resultOf(op, y);
};

/** step · clip(⌊x / step⌉, low, high), the quotient rounded into the element type as `quantize` does. */
export const fakeQuantize: Semantics<"ann.fake-quantize"> = (op, inputs) => {
  const { low, high, rounding } = op.attrs;
  const step = roundTo(op.type.dtype, op.attrs.step);
  const whole = { nearest: roundEven, floor: Math.floor, ceil: Math.ceil }[rounding];
  return mapElements(op, operand(inputs, 0), (x) => {
    const quotient = whole(roundTo(op.type.dtype, x / step));
    return step * Math.min(high, Math.max(low, quotient));
  });
};

/** Which scale goes with an element: the only one, or that of its index along `axis`. */
function groups(shape: Shape, axis: number, scale: Tensor): (index: number) => number {
  if (scale.data.length === 1) return () => 0;
  const inner = elementCount(shape.slice(axis + 1));
  const extent = scale.data.length;
  return (index) => Math.floor(index / inner) % extent;
}

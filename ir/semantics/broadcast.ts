/**
 * Applies a function of plain numbers to every element of one, two or three tensors, stretching
 * the smaller ones as NumPy does. The functions know nothing of tensors, these loops nothing of
 * what is computed.
 */
import type { Op } from "../op/op.ts";
import type { Tensor } from "../tensor.ts";
import { type Shape, elementCount, sameShape } from "../type.ts";
import { broadcastIndices, doubles, resultOf } from "./semantics.ts";

export type UnaryFunction = (x: number) => number;
export type BinaryFunction = (a: number, b: number) => number;

/** f of each element. */
export function mapElements(op: Pick<Op, "type">, x: Tensor, f: UnaryFunction): Tensor {
  const from = doubles(x);
  const to = new Float64Array(from.length);
  for (let i = 0; i < from.length; i++) to[i] = f(from[i] ?? 0);
  return resultOf(op, to);
}

/** f of each pair of elements; both operands broadcast to the shape of the result. */
export function zipElements(op: Pick<Op, "type">, a: Tensor, b: Tensor, f: BinaryFunction): Tensor {
  const { shape } = op.type;
  const left = doubles(a);
  const right = doubles(b);
  const to = new Float64Array(elementCount(shape));
  if (sameShape(a.shape, shape) && sameShape(b.shape, shape)) {
    for (let i = 0; i < to.length; i++) to[i] = f(left[i] ?? 0, right[i] ?? 0);
  } else if (sameShape(a.shape, shape) && right.length === 1) {
    const value = right[0] ?? 0;
    for (let i = 0; i < to.length; i++) to[i] = f(left[i] ?? 0, value);
  } else {
    const atLeft = broadcastIndices(a.shape, shape);
    const atRight = broadcastIndices(b.shape, shape);
    for (let i = 0; i < to.length; i++) {
      to[i] = f(left[atLeft[i] ?? 0] ?? 0, right[atRight[i] ?? 0] ?? 0);
    }
  }
  return resultOf(op, to);
}

/** The elements of `x` broadcast to `shape`, as doubles. */
export function broadcastDoubles(x: Tensor, shape: Shape): Float64Array {
  const from = doubles(x);
  if (sameShape(x.shape, shape)) return from;
  return Float64Array.from(broadcastIndices(x.shape, shape), (at) => from[at] ?? 0);
}

/**
 * Inputs that change over time: a sample holds a frame for each timestep, [F, …shape], and nothing
 * arrives behind the last one. Every engine takes its frames from here.
 */
import { invariant } from "../diagnostic.ts";
import { type Module, inputsOf } from "../module.ts";
import { type OpOf, type InputKind, isOp } from "../op/op.ts";
import type { Tensor, TensorData } from "../tensor.ts";
import { type Shape, sameShape } from "../type.ts";

/** The shape of a value that is given for `op`, with so many frames where it is over time. */
export function givenShape(op: OpOf<InputKind>, frames: number): Shape {
  return isOp(op, "snn.input") ? [frames, ...op.type.shape] : op.type.shape;
}

/** Whether a tensor is of the shape that `op` takes, whatever the number of its frames. */
export function fitsInput(op: OpOf<InputKind>, { dtype, shape }: Tensor): boolean {
  const frame = isOp(op, "snn.input") ? shape.slice(1) : shape;
  const missing = isOp(op, "snn.input") && shape.length === 0;
  return !missing && dtype === op.type.dtype && sameShape(frame, op.type.shape);
}

/** Puts frame `t`, counted from 0, of `frames` into `into`, which has a frame's elements: zeros behind the last. */
export function putFrame(frames: TensorData, t: number, into: TensorData): void {
  const size = into.length;
  const from = t * size;
  if (from >= frames.length) into.fill(0);
  else into.set(frames.subarray(from, from + size));
}

/** Fails where an array does not consist of whole frames of `size` elements. */
export function requireFrames(frames: TensorData, size: number, name: string): void {
  const whole = size === 0 ? frames.length === 0 : frames.length % size === 0;
  invariant(whole, `input "${name}" has ${frames.length} elements, not whole frames of ${size}`);
}

/** Whether a module's inputs change over time, in their order. */
export function areOverTime(module: Pick<Module, "ops">): readonly boolean[] {
  return inputsOf(module).map((op) => isOp(op, "snn.input"));
}

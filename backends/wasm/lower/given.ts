/** Where values come from outside: inputs, and constants. */
import { type Op, isInput, isOp } from "../../../ir/op/op.ts";
import { type View, rowMajor } from "../memory/view.ts";
import { type Lowering, elementOf } from "./lowering.ts";

/**
 * Inputs get a place that the host writes to, those over time for each timestep of a chunk, and so do
 * spikes that are given; constants are part of the program.
 */
export function lowerGiven(lowering: Lowering, op: Op): View | null {
  if (isInput(op)) return lowering.place(op.result);
  // Spikes that are masks are expanded as those of neurons that fire here are.
  if (lowering.options.given.has(op.result))
    return lowering.spikesOf(op) === null ? lowering.place(op.result) : null;
  if (!isOp(op, "ann.constant")) return null;
  const element = elementOf(op.type.dtype) ?? "f64";
  const { data, shape } = lowering.tensor(op.attrs.value);
  const buffer = lowering.constant(`@${op.attrs.value} ${element}`, () => {
    if (element === "f32") return Float32Array.from(data);
    if (element === "i32") return Int32Array.from(data);
    return new Int32Array(Float64Array.from(data).buffer);
  });
  return rowMajor(buffer, element, shape);
}

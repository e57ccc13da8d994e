/**
 * How many connections leave each element of a synaptic op's operand: what a spike costs.
 *
 * A connection joins one operand element and one result element. It counts whatever its weight is,
 * and only where it lies within bounds: taps on the padding are none. Synapses are convolutions, linear
 * layers, average-pools, sums and means along axes (whose weights are 1 and 1/n), and products of a value
 * with a matrix that stays the same, which `synapseOf` in `ir/account/` adds. `ann.affine` is none, as its
 * scale goes into its neighbours' weights.
 */
import { type Op, type OpOf, isOp } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import { type Shape, elementCount } from "../type.ts";
import { type ConnectionRow, connectionRows, windowsOf } from "../analysis/window.ts";

/** Connections of each element of an operand of `shape`, [numel]; null where none are counted. */
export function outDegrees(op: Op, shape: Shape, tensors: TensorLookup): Float64Array | null {
  if (isOp(op, "ann.linear")) {
    const [outs = 0] = tensors(op.attrs.weight).shape;
    return new Float64Array(elementCount(shape)).fill(outs);
  }
  if (isOp(op, "ann.conv", "ann.conv-transpose")) {
    const [, outChannels = 0] = op.type.shape;
    const kernel = tensors(op.attrs.weight).shape.slice(2);
    return overPlanes(shape, windowsMet(op, shape, kernel), outChannels / op.attrs.groups);
  }
  if (isOp(op, "ann.reduce-sum", "ann.reduce-mean")) {
    return new Float64Array(elementCount(shape)).fill(1);
  }
  if (isOp(op, "ann.average-pool")) {
    return overPlanes(shape, windowsMet(op, shape, op.attrs.kernel), 1);
  }
  return null;
}

/** Per element of an operand plane, the taps through which it meets elements of a result plane. */
function windowsMet(
  op: OpOf<"ann.conv" | "ann.conv-transpose" | "ann.average-pool">,
  shape: Shape,
  kernel: readonly number[],
): Float64Array {
  const windows = windowsOf(op.attrs, kernel, shape.length);
  const [plane, outPlane] = [shape.slice(2), op.type.shape.slice(2)];
  const met = new Float64Array(elementCount(plane));
  const add = (index: number): void => {
    met[index] = (met[index] ?? 0) + 1;
  };
  if (isOp(op, "ann.conv-transpose")) {
    // Operand elements are the windows, over the result.
    eachConnection(connectionRows(outPlane, plane, windows), (_input, window) => add(window));
  } else {
    eachConnection(connectionRows(plane, outPlane, windows), add);
  }
  return met;
}

function eachConnection(
  rows: readonly ConnectionRow[],
  visit: (input: number, window: number) => void,
): void {
  for (const { input, window, count, stride } of rows) {
    for (let j = 0; j < count; j++) visit(input + j * stride, window + j);
  }
}

function overPlanes(shape: Shape, plane: Float64Array, factor: number): Float64Array {
  const degrees = new Float64Array(elementCount(shape));
  return degrees.map((_, i) => (plane[i % plane.length] ?? 0) * factor);
}

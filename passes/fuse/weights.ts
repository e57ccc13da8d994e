/**
 * Arithmetic on the weights of synapses, by output or input channel. In double precision throughout,
 * rounded once when a weight is stored.
 */
import { ownChannelAxis } from "../../ir/op/known.ts";
import type { OpOf, WeightedKind } from "../../ir/op/op.ts";
import { rangeOf } from "../../ir/analysis/range.ts";
import { type Tensor, type TensorRef, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import type { Graph } from "../graph.ts";

/** An op with a weight per pair of channels. */
export type WeightedOp = OpOf<WeightedKind>;

/** Visits each element of a synapse's weight, with the channels that it joins, in order. */
export function eachWeight(
  op: WeightedOp,
  shape: Shape,
  visit: (index: number, input: number, output: number) => void,
): void {
  const [rows = 1, columns = 1] = shape;
  const kernel = elementCount(shape.slice(2));
  const groups = op.kind === "ann.linear" ? 1 : op.attrs.groups;
  const isTransposed = op.kind === "ann.conv-transpose";
  for (let row = 0, index = 0; row < rows; row++) {
    // The rows are dealt out to the groups in order; columns count within a group.
    const first = Math.floor(row / (rows / groups)) * columns;
    for (let column = 0; column < columns; column++) {
      const input = isTransposed ? row : first + column;
      const output = isTransposed ? first + column : row;
      for (let tap = 0; tap < kernel; tap++) visit(index++, input, output);
    }
  }
}

/** A synapse's weight with each element multiplied by what `factor` says for its channels. */
export function scaledWeight(
  op: WeightedOp,
  graph: Graph,
  factor: (channels: { readonly output: number; readonly input: number }) => number,
): TensorRef {
  const weight = graph.builder.tensorAt(op.attrs.weight);
  const scaled = new Float64Array(weight.data.length);
  eachWeight(op, weight.shape, (index, input, output) => {
    scaled[index] = (weight.data[index] ?? 0) * factor({ input, output });
  });
  return keep(graph, op.attrs.weight, tensorOf(weight.dtype, weight.shape, scaled));
}

/** A synapse's bias, mapped; zeros where it has none. */
export function mappedBias(
  op: WeightedOp,
  graph: Graph,
  map: (bias: number, channel: number) => number,
): TensorRef {
  const { weight, bias } = op.attrs;
  const { dtype } = op.type;
  const count = op.type.shape[ownChannelAxis(op)] ?? 0;
  const held = bias === null ? new Float64Array(count) : graph.builder.tensorAt(bias).data;
  const mapped = Float64Array.from(held, map);
  return keep(graph, bias ?? biasName(weight), tensorOf(dtype, [count], mapped));
}

/** False where scaling has overflowed: such weights cannot be an op's. */
export function areFinite(
  { weight, bias }: Pick<WeightedOp["attrs"], "weight" | "bias">,
  graph: Graph,
): boolean {
  const isFiniteAt = (ref: TensorRef): boolean =>
    rangeOf(graph.builder.tensorAt(ref)).notFinite === null;
  return isFiniteAt(weight) && (bias === null || isFiniteAt(bias));
}

/** Puts a changed tensor into the table under the old one's name, without the number it may have. */
export function keep(graph: Graph, name: TensorRef, value: Tensor): TensorRef {
  return graph.builder.tensor(name.replace(/\.\d+$/, ""), value);
}

function biasName(weight: TensorRef): TensorRef {
  return weight.replace(/(\.?weight)?(\.\d+)?$/, ".bias");
}

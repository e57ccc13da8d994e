/**
 * Merges an average over a whole plane into the weights behind it, so that they meet what the average is of.
 *
 * Precondition: canonicalise-shapes has run, or shapes may hide a layer. Result: weights W on the mean of
 * a plane of n elements are n times as many weights on the plane,
 *
 *     W · (1/n · Σ x) + b = Σ (W/n) · x + b
 *
 * In a spiking network they then meet spikes, and are added. The mean is no spike: weights on it are
 * multiplied at each timestep, or neurons have to send it, which rounds it once more. Each spike meets as many
 * weights as the layer has outputs, and all weights are kept, so layers of many outputs stay as they are.
 */
import { ownChannelAxis } from "../../ir/op/known.ts";
import type { Module } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { type TensorRef, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { type Graph, rework } from "../graph.ts";
import { definePass } from "../pass.ts";
import { keep } from "./weights.ts";

const name = "merge-pools";

/** A layer on planes has no more weights than this: 64 KiB of bytes. */
const mostWeights = 2 ** 16;

export const mergePools = definePass({
  name,
  role: "fuse",
  summary: "merge averages over whole planes into the weights behind them",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: withPoolsMerged,
});

/** The same network with every such average in weights; the same object where there is none. */
export function withPoolsMerged(module: Module): Module {
  return rework(module, (op, graph) => {
    if (!isOp(op, "ann.linear", "ann.conv")) return null;
    const planes = planesOf(op, (value) => graph.producer(value));
    return planes === null ? null : merged(op, planes, graph);
  });
}

/** What a layer on averages could work on instead. */
export interface Planes {
  readonly averages: Op;
  /** [1, C, …]: the planes that the averages are of. */
  readonly value: ValueId;
  readonly shape: Shape;
}

/** The planes whose averages a layer works on; null for any other op, and for layers of too many weights. */
export function planesOf(op: Op, opOf: (value: ValueId) => Op): Planes | null {
  if (!isOp(op, "ann.linear", "ann.conv")) return null;
  const [x] = op.inputs;
  if (x === undefined) return null;
  const before = opOf(x);
  // A linear layer works on rows: of a plane each, they are one row.
  const [unshaped] = isOp(op, "ann.linear") && isOp(before, "ann.reshape") ? before.inputs : [x];
  if (unshaped === undefined) return null;
  const averages = opOf(unshaped);
  const [value] = averages.inputs;
  if (value === undefined) return null;
  const { shape } = opOf(value).type;
  const [batch = 0, channels = 0, ...spatial] = shape;
  if (batch !== 1 || spatial.length === 0 || !isOfPlanes(averages, spatial)) return null;
  const isFit = isOp(op, "ann.linear") ? before.type.shape.at(-1) === channels : isOfPoints(op);
  if (!isFit) return null;
  const outputs = op.type.shape[ownChannelAxis(op)] ?? 0;
  return outputs * elementCount(shape) <= mostWeights ? { averages, value, shape } : null;
}

/** Whether the op takes the mean of each plane of such an extent. */
function isOfPlanes(op: Op, spatial: Shape): boolean {
  if (isOp(op, "ann.reduce-mean")) {
    const { axes } = op.attrs;
    return axes.length === spatial.length && spatial.every((_, i) => axes.includes(i + 2));
  }
  if (!isOp(op, "ann.average-pool")) return false;
  const { kernel, dilations, padsBegin, padsEnd } = op.attrs;
  const isWhole = spatial.every((extent, i) => kernel[i] === extent && dilations[i] === 1);
  return isWhole && [...padsBegin, ...padsEnd].every((pad) => pad === 0);
}

/** Whether a convolution has one tap, and no more than one place to be at. */
function isOfPoints({ attrs, type }: OpOf<"ann.conv">): boolean {
  const { groups, padsBegin, padsEnd } = attrs;
  const isPlain = [...padsBegin, ...padsEnd].every((pad) => pad === 0);
  return groups === 1 && isPlain && elementCount(type.shape.slice(2)) === 1;
}

function merged(
  op: OpOf<"ann.linear" | "ann.conv">,
  { averages, value, shape }: Planes,
  graph: Graph,
): ValueId {
  const { builder } = graph;
  const loc = graph.loc(name, averages, op);
  const [, channels = 1, ...spatial] = shape;
  const weight = spreadWeight(op, spatial, graph);
  if (isOp(op, "ann.conv")) {
    const attrs = { ...op.attrs, weight, dilations: spatial.map(() => 1) };
    return builder.add("ann.conv", [value], attrs, loc, op.result);
  }
  const rows = [...op.type.shape.slice(0, -1), channels * elementCount(spatial)];
  const row = builder.add("ann.reshape", [value], { shape: rows }, loc);
  return builder.add("ann.linear", [row], { ...op.attrs, weight }, loc, op.result);
}

/** Each weight divided by the elements of a plane, for each of them. */
function spreadWeight(
  op: OpOf<"ann.linear" | "ann.conv">,
  spatial: Shape,
  graph: Graph,
): TensorRef {
  const held = graph.builder.tensorAt(op.attrs.weight);
  const [outputs = 0, inputs = 0] = held.shape;
  const size = elementCount(spatial);
  const spread = Float64Array.from(
    { length: outputs * inputs * size },
    (_, i) => (held.data[Math.floor(i / size)] ?? 0) / size,
  );
  const shape = isOp(op, "ann.conv") ? [outputs, inputs, ...spatial] : [outputs, inputs * size];
  return keep(graph, op.attrs.weight, tensorOf(held.dtype, shape, spread));
}

/**
 * Moves transposes towards the outputs, so that those around channels-last convolutions meet and
 * cancel; one that reaches a linear layer through a flatten goes into the order of its weights.
 *
 * Precondition: none. Result: transposes stand only before ops that mix axes (products of values,
 * reshapes that split them) or at outputs; the same function, bit for bit, except that sums of
 * pools, reductions and linear layers may run in another order. For elementwise f,
 * f(xᵀ) = f(x)ᵀ; for a flatten, W · vec(xᵀ) = (W·P) · vec(x) with P the permutation matrix.
 */
import { isUniform } from "../../ir/op/known.ts";
import { makeOp } from "../../ir/build.ts";
import type { Op, OpOf, ValueId } from "../../ir/op/op.ts";
import { tensorOf } from "../../ir/tensor.ts";
import type { Shape } from "../../ir/type.ts";
import { type Graph, rework, uniformValue, untilStable } from "../graph.ts";
import { definePass } from "../pass.ts";
import { keepsOrder, mergeTranspose } from "./canonicalise-shapes.ts";
import { sink, transposeOrder, untransposed } from "./permute.ts";

const name = "sink-transposes";

export const sinkTransposes = definePass({
  name,
  role: "clean",
  summary: "move transposes towards the outputs, where they cancel or go into weights",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) => untilStable(module, (current) => rework(current, sinkOnce)),
});

function sinkOnce(op: Op, graph: Graph): ValueId | null {
  switch (op.kind) {
    case "ann.transpose":
      return mergeTranspose(op, graph, name);
    case "ann.reshape":
      return throughReshape(op, graph);
    case "ann.linear":
      return intoWeights(op, graph) ?? throughOp(op, graph);
    default:
      return behindFlatten(op, graph) ?? throughOp(op, graph);
  }
}

/** `op` on transposed operands as the transpose of `op`; constants are transposed in place. */
function throughOp(op: Op, graph: Graph): ValueId | null {
  const producers = op.inputs.map((value) => graph.producer(value));
  const transposes = producers.filter((p) => p.kind === "ann.transpose");
  const [first] = transposes;
  if (first === undefined) return null;
  const { perm } = first.attrs;
  if (transposes.some((t) => t.attrs.perm.join() !== perm.join())) return null;
  const others = producers.filter((p) => p.kind !== "ann.transpose");
  if (others.some((p) => p.kind !== "ann.constant" || p.type.shape.length > perm.length))
    return null;
  const sunk = isUniform(op) ? { attrs: op.attrs, perm } : sink(op, perm, graph.builder);
  if (sunk === null) return null;
  const loc = graph.loc(name, op);
  const inputs = producers.map((p) => {
    if (p.kind === "ann.transpose") return p.inputs[0] ?? p.result;
    const held = graph.constant(p.result);
    if (held === null || uniformValue(held) !== null) return p.result;
    return graph.builder.constant("transposed", untransposed(held, perm), p.loc);
  });
  const before = addLike(op, inputs, sunk.attrs, graph);
  if (sunk.perm.every((from, axis) => from === axis)) return before;
  return graph.builder.add("ann.transpose", [before], { perm: sunk.perm }, loc, op.result);
}

/** `op` again, with other operands and attributes of its kind. */
function addLike(op: Op, inputs: readonly ValueId[], attrs: Op["attrs"], graph: Graph): ValueId {
  const like = makeOp(op.kind, op.result, inputs, attrs, op.type, op.loc);
  return graph.builder.add(like.kind, like.inputs, like.attrs, graph.loc(name, op));
}

/** A reshape that only adds or drops axes of one element lets a transpose through. */
function throughReshape(op: OpOf<"ann.reshape">, graph: Graph): ValueId | null {
  const [operand] = op.inputs;
  const transpose = operand === undefined ? null : graph.producer(operand);
  const [x] = transpose?.inputs ?? [];
  if (transpose?.kind !== "ann.transpose" || x === undefined) return null;
  const source = graph.producer(x).type.shape;
  const target = op.attrs.shape;
  const loc = graph.loc(name, op, transpose);
  if (keepsOrder(transpose.attrs.perm, source)) {
    return graph.builder.add("ann.reshape", [x], { shape: target }, loc, op.result);
  }
  const longAxes = (shape: Shape): number[] =>
    shape.flatMap((extent, axis) => (extent === 1 ? [] : [axis]));
  const places = longAxes(target);
  const moved = transpose.attrs.perm.filter((from) => source[from] !== 1);
  // Equal extents in order are also equally many, as both shapes have as many elements.
  const sameExtents = places.every((at, i) => target[at] === source[moved[i] ?? 0]);
  if (!sameExtents) return null;
  // Lay out the long axes of x, in their own order, over the places that the target has for them.
  const order = [...moved].sort((a, b) => a - b);
  const shape = [...target];
  const perm = target.map((_, axis) => axis);
  places.forEach((at, i) => {
    shape[at] = source[order[i] ?? 0] ?? 1;
    perm[at] = places[order.indexOf(moved[i] ?? 0)] ?? at;
  });
  const reshaped = graph.builder.add("ann.reshape", [x], { shape }, loc);
  return graph.builder.add("ann.transpose", [reshaped], { perm }, loc, op.result);
}

interface Flatten {
  readonly reshape: OpOf<"ann.reshape">;
  readonly transpose: OpOf<"ann.transpose">;
  readonly x: ValueId;
}

/** A reshape of a transpose into one axis (and axes of one element), where `value` is one. */
function flattenOf(value: ValueId | undefined, graph: Graph): Flatten | null {
  const reshape = value === undefined ? null : graph.producer(value);
  if (reshape?.kind !== "ann.reshape") return null;
  const [operand] = reshape.inputs;
  const transpose = operand === undefined ? null : graph.producer(operand);
  const [x] = transpose?.inputs ?? [];
  if (transpose?.kind !== "ann.transpose" || x === undefined) return null;
  return { reshape, transpose, x };
}

/** f(flatten(xᵀ)) = flatten(f(x)ᵀ), so that the flatten ends up before the linear layer. */
function behindFlatten(op: Op, graph: Graph): ValueId | null {
  const flatten = op.inputs.length === 1 ? flattenOf(op.inputs[0], graph) : null;
  if (flatten === null || !isUniform(op)) return null;
  const inner = addLike(op, [flatten.x], op.attrs, graph);
  const loc = graph.loc(name, op);
  const turned = graph.builder.add("ann.transpose", [inner], flatten.transpose.attrs, loc);
  return graph.builder.add("ann.reshape", [turned], flatten.reshape.attrs, loc, op.result);
}

function intoWeights(op: OpOf<"ann.linear">, graph: Graph): ValueId | null {
  const flatten = flattenOf(op.inputs[0], graph);
  const weight = graph.builder.tensorAt(op.attrs.weight);
  const [out = 0, into = 0] = weight.shape;
  if (flatten === null || flatten.reshape.attrs.shape.slice(0, -1).some((n) => n !== 1))
    return null;
  const order = transposeOrder(graph.producer(flatten.x).type.shape, flatten.transpose.attrs.perm);
  const permuted = new Float64Array(weight.data.length);
  for (let row = 0; row < out; row++) {
    for (let k = 0; k < into; k++) {
      permuted[row * into + (order[k] ?? 0)] = weight.data[row * into + k] ?? 0;
    }
  }
  const loc = graph.loc(name, op, flatten.transpose);
  const { shape } = flatten.reshape.attrs;
  const flat = graph.builder.add("ann.reshape", [flatten.x], { shape }, flatten.reshape.loc);
  const stored = tensorOf(weight.dtype, weight.shape, permuted);
  const attrs = { ...op.attrs, weight: graph.builder.tensor(op.attrs.weight, stored) };
  return graph.builder.add("ann.linear", [flat], attrs, loc, op.result);
}

/**
 * Takes an affine map into the weights of the synapse before or behind it. Shared by the passes of
 * this folder; decides nothing about when that is wanted, except that it must be exact.
 */
import { makeOp } from "../../ir/build.ts";
import { evaluate } from "../../ir/interpret.ts";
import { type Op, type ValueId, isOp } from "../../ir/op.ts";
import { tensor } from "../../ir/tensor.ts";
import { elementCount, real, sameShape } from "../../ir/type.ts";
import { largestFoldedConstant } from "../clean/fold-constants.ts";
import { type Graph, uniformValue } from "../graph.ts";
import {
  type Affine,
  type Synapse,
  alongAxis,
  channelAxis,
  isSynapse,
  mappedBias,
  scaledWeight,
  spread,
  stored,
  wide,
} from "./weights.ts";

const one = tensor("f64", [], Float64Array.of(1));

/** The map that an `ann.affine` op is; null for any other op. */
export function affineOf(op: Op, graph: Graph): Affine | null {
  if (op.kind !== "ann.affine") return null;
  const { scale, shift } = op.attrs;
  return { scale: wide(graph.builder.tensorAt(scale)), shift: wide(graph.builder.tensorAt(shift)) };
}

/** Adds `affine` of `x` in the place of `op`. */
export function addAffine(
  x: ValueId,
  { scale, shift }: Affine,
  op: Op,
  graph: Graph,
  pass: string,
): ValueId {
  const { dtype } = op.type;
  const { builder } = graph;
  const attrs = {
    scale: builder.tensor("scale", stored(scale, dtype)),
    shift: builder.tensor("shift", stored(shift, dtype)),
  };
  return builder.add("ann.affine", [x], attrs, graph.loc(pass, op), op.result);
}

/**
 * `affine` of `x`, which `op` computes, done by the synapse that makes `x`, also through a reshape:
 *
 *     s · (W·z + b) + t = (s·W)·z + (s·b + t)        per output channel
 *
 * Null where there is no such synapse, others read it too, or s is not per channel. A shift that
 * is not per channel stays behind as an affine map by 1.
 */
export function intoProducer(
  x: ValueId,
  affine: Affine,
  op: Op,
  graph: Graph,
  pass: string,
): ValueId | null {
  if (graph.uses(x) !== 1) return null;
  const direct = graph.producer(x);
  const reshape = direct.kind === "ann.reshape" ? direct : null;
  const [before] = reshape?.inputs ?? [x];
  if (before === undefined || graph.uses(before) !== 1) return null;
  const synapse = graph.producer(before);
  if (!isSynapse(synapse)) return null;
  const axis = channelAxis(synapse);
  const { shape } = synapse.type;
  const seen = reshape === null ? affine : reshaped(affine, reshape.type.shape, shape);
  if (seen === null) return null;
  const scale = alongAxis(seen.scale, shape, axis);
  const shift = alongAxis(seen.shift, shape, axis);
  if (scale === null) return null;
  if (shift === null && scale.every((value) => value === 1)) return null;
  const { builder } = graph;
  const loc = graph.loc(pass, synapse, op);
  const attrs = {
    ...synapse.attrs,
    weight: scaledWeight(synapse, graph, ({ output }) => scale[output] ?? 1),
    bias: mappedBias(synapse, graph, (b, c) => b * (scale[c] ?? 1) + (shift?.[c] ?? 0)),
  };
  const result = shift === null ? undefined : op.result;
  const id = reshape === null ? result : undefined;
  const folded = builder.add(synapse.kind, synapse.inputs, attrs, loc, id);
  const back =
    reshape === null
      ? folded
      : builder.add("ann.reshape", [folded], reshape.attrs, reshape.loc, result);
  if (shift !== null) return back;
  return addAffine(back, { scale: one, shift: affine.shift }, op, graph, pass);
}

/** The map written out over one shape, as the map of the same elements in another shape. */
function reshaped(affine: Affine, from: readonly number[], to: readonly number[]): Affine | null {
  if (elementCount(from) > largestFoldedConstant) return null;
  const over = (held: Affine["scale"]) => ({ ...spread(held, from), shape: to });
  return { scale: over(affine.scale), shift: over(affine.shift) };
}

/**
 * The synapse `op` with the affine map before it in its weights, also through a reshape before a
 * linear layer:
 *
 *     W·(s·z + t) + b = (W·s)·z + (W·t + b)          per input channel
 *
 * W·t is what the synapse makes of the shift alone, computed here once. With zero padding it
 * differs at the border, and is added as an affine map by 1; on the input side, where an affine map
 * runs once per sample, the map stays where it is instead. Null where it does not apply.
 */
export function intoConsumer(op: Synapse, graph: Graph, pass: string): ValueId | null {
  const [operand] = op.inputs;
  if (operand === undefined) return null;
  const direct = graph.producer(operand);
  const reshape = direct.kind === "ann.reshape" && op.kind === "ann.linear" ? direct : null;
  const [seen] = reshape?.inputs ?? [operand];
  const producer = seen === undefined ? direct : graph.producer(seen);
  const written = affineOf(producer, graph);
  const [z] = producer.inputs;
  if (written === null || z === undefined) return null;
  const { shape } = direct.type;
  const affine = reshape === null ? written : reshaped(written, producer.type.shape, shape);
  if (affine === null || elementCount(shape) > largestFoldedConstant) return null;
  const scale = alongAxis(affine.scale, shape, channelAxis(op));
  if (scale === null) return null;

  const map = shiftMap(op, affine, shape, graph);
  const added = map === null ? null : alongAxis(map, op.type.shape, channelAxis(op));
  const isUneven = map !== null && added === null;
  if (isUneven && isInputSide(z, graph)) return null;
  const { builder } = graph;
  const loc = graph.loc(pass, op, producer);
  const attrs = {
    ...op.attrs,
    weight: scaledWeight(op, graph, ({ input }) => scale[input] ?? 1),
    bias: added === null ? op.attrs.bias : mappedBias(op, graph, (b, c) => b + (added[c] ?? 0)),
  };
  const source =
    reshape === null
      ? z
      : builder.add("ann.reshape", [z], { shape: reshape.attrs.shape }, reshape.loc);
  const id = isUneven ? undefined : op.result;
  const folded = builder.add(op.kind, [source], attrs, loc, id);
  if (!isUneven) return folded;
  return addAffine(folded, { scale: one, shift: map }, op, graph, pass);
}

/** What `op` makes of the shift alone, without its bias; null where the shift is zero. */
function shiftMap(op: Synapse, affine: Affine, shape: readonly number[], graph: Graph) {
  if (uniformValue(affine.shift) === 0) return null;
  const attrs = { ...op.attrs, bias: null };
  const unbiased = makeOp(op.kind, op.result, op.inputs, attrs, real("f64", op.type.shape), op.loc);
  return evaluate(unbiased, [spread(affine.shift, shape)], (ref) => graph.builder.tensorAt(ref));
}

/** True where nothing but moves and affine maps lies between the inputs and `value`. */
function isInputSide(value: ValueId, graph: Graph): boolean {
  const op = graph.producer(value);
  if (isOp(op, "ann.input", "ann.constant")) return true;
  const passesOn = isOp(
    op,
    "ann.affine",
    "ann.cast",
    "ann.reshape",
    "ann.transpose",
    "ann.concat",
    "ann.slice",
    "ann.pad",
    "ann.gather",
  );
  return passesOn && op.inputs.every((input) => isInputSide(input, graph));
}

/** One affine map for two: s₂·(s₁·x + t₁) + t₂ = (s₁·s₂)·x + (s₂·t₁ + t₂). */
export function composed(first: Affine, second: Affine): Affine {
  const zero = tensor("f64", [], Float64Array.of(0));
  return {
    scale: combine(first.scale, second.scale, zero, (a, b) => a * b),
    shift: combine(first.shift, second.scale, second.shift, (a, b, c) => a * b + c),
  };
}

type Held = Affine["scale"];

function combine(a: Held, b: Held, c: Held, f: (a: number, b: number, c: number) => number): Held {
  const shape = widest(widest(a.shape, b.shape), c.shape);
  const [x, y, z] = [spread(a, shape).data, spread(b, shape).data, spread(c, shape).data];
  return tensor(
    "f64",
    shape,
    Float64Array.from(x, (value, i) => f(value, y[i] ?? 0, z[i] ?? 0)),
  );
}

/** The shape that both broadcast to; both fit one value, so there is one. */
function widest(a: readonly number[], b: readonly number[]): readonly number[] {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const at = (shape: readonly number[], axis: number): number =>
    shape[axis - (rank - shape.length)] ?? 1;
  return Array.from({ length: rank }, (_, axis) => Math.max(at(a, axis), at(b, axis)));
}

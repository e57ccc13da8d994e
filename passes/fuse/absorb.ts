/**
 * Takes an affine map into the weights of the synapse before or behind it. Shared by the passes of
 * this folder; decides nothing about when that is wanted, except that it must be exact.
 */
import { ownChannelAxis, isWeighted } from "../../ir/op/known.ts";
import { makeOp } from "../../ir/build.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import { type Op, type OpOf, type ValueId, isInput, isOp } from "../../ir/op/op.ts";
import { tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { largestFoldedConstant } from "../clean/fold-constants.ts";
import { type Graph, uniformValue } from "../graph.ts";
import { type Affine, addAffine, affineOf, alongAxis, one, reshaped, spread } from "./affine.ts";
import { type WeightedOp, areFinite, mappedBias, scaledWeight } from "./weights.ts";

/**
 * `affine` of `x`, which `op` computes, done by the synapse that makes `x`:
 *
 *     s · (W·z + b) + t = (s·W)·z + (s·b + t)        per output channel
 *
 * also through a reshape or a pool between the two. Null where there is no such synapse, others
 * read it too, or s is not per channel. A shift that is not per channel stays behind as an affine
 * map by 1.
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
  const between = isOp(direct, "ann.reshape", "ann.average-pool", "ann.max-pool") ? direct : null;
  const [before] = between?.inputs ?? [x];
  if (before === undefined || graph.uses(before) !== 1) return null;
  const synapse = graph.producer(before);
  if (!isWeighted(synapse)) return null;
  const axis = ownChannelAxis(synapse);
  const { shape } = synapse.type;
  const seen = between === null ? affine : through(between, affine, shape);
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
  if (!areFinite(attrs, graph)) return null;
  const result = shift === null ? undefined : op.result;
  const id = between === null ? result : undefined;
  const folded = builder.add(synapse.kind, synapse.inputs, attrs, loc, id);
  const last =
    between === null
      ? folded
      : builder.add(between.kind, [folded], between.attrs, between.loc, result);
  if (shift !== null) return last;
  return addAffine(last, { scale: one, shift: affine.shift }, op, graph, pass);
}

/**
 * The map of the operand of `between`, of that shape, that is `affine` of its result. The mean of
 * s·x + t is s · mean + t where no padded zeros count; the maximum is where s ≥ 0. Null elsewhere.
 */
function through(
  between: OpOf<"ann.reshape" | "ann.average-pool" | "ann.max-pool">,
  affine: Affine,
  shape: Shape,
): Affine | null {
  if (between.kind === "ann.reshape") return reshaped(affine, between.type.shape, shape);
  const scale = alongAxis(affine.scale, between.type.shape, 1);
  const shift = alongAxis(affine.shift, between.type.shape, 1);
  if (scale === null || shift === null) return null;
  if (between.kind === "ann.max-pool" && scale.some((value) => value < 0)) return null;
  if (between.kind === "ann.average-pool" && between.attrs.countIncludePad) {
    const { padsBegin, padsEnd } = between.attrs;
    if ([...padsBegin, ...padsEnd].some((pad) => pad > 0)) return null;
  }
  const perChannel = [scale.length, ...shape.slice(2).map(() => 1)];
  return { scale: tensor("f64", perChannel, scale), shift: tensor("f64", perChannel, shift) };
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
export function intoConsumer(op: WeightedOp, graph: Graph, pass: string): ValueId | null {
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
  const scale = alongAxis(affine.scale, shape, ownChannelAxis(op));
  if (scale === null) return null;

  const map = shiftMap(op, affine, shape, graph);
  const added = map === null ? null : alongAxis(map, op.type.shape, ownChannelAxis(op));
  const isUneven = map !== null && added === null;
  if (isUneven && isInputSide(z, graph)) return null;
  const { builder } = graph;
  const loc = graph.loc(pass, op, producer);
  const attrs = {
    ...op.attrs,
    weight: scaledWeight(op, graph, ({ input }) => scale[input] ?? 1),
    bias: added === null ? op.attrs.bias : mappedBias(op, graph, (b, c) => b + (added[c] ?? 0)),
  };
  if (!areFinite(attrs, graph)) return null;
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
function shiftMap(op: WeightedOp, affine: Affine, shape: readonly number[], graph: Graph) {
  if (uniformValue(affine.shift) === 0) return null;
  const attrs = { ...op.attrs, bias: null };
  const unbiased = makeOp(op.kind, op.result, op.inputs, attrs, real("f64", op.type.shape), op.loc);
  return evaluate(unbiased, [spread(affine.shift, shape)], (ref) => graph.builder.tensorAt(ref));
}

/** True where nothing but moves and affine maps lies between the inputs and `value`. */
function isInputSide(value: ValueId, graph: Graph): boolean {
  const open = [value];
  const seen = new Set(open);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const op = graph.producer(next);
    if (isInput(op) || isOp(op, "ann.constant")) continue;
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
    if (!passesOn) return false;
    for (const input of op.inputs) {
      if (!seen.has(input)) open.push(input);
      seen.add(input);
    }
  }
  return true;
}

/**
 * Reads a quantiser and the dequantiser behind it as one rounded clip of real values.
 *
 * Precondition: none; scales and zero points that are no constants stay as they are. Result: the same
 * function on floats, with s, z the parameters of the quantiser and s', z' those of the dequantiser:
 *
 *     s' · (clip(⌊x/s⌉ + z, lo, hi) − z')  =  (s'/s) · fake-quantize(x) + s' · (z − z')
 *
 * where fake-quantize has the step s and the bounds lo − z and hi − z; the same bit for bit where
 * s = s' and z = z', as in models of Q/DQ pairs, but for NaN, which stays NaN. Moves and max-pools of
 * the integers between the two work on the real values instead: they keep the order. (The pair is the
 * "fake quantisation" of Jacob et al., CVPR 2018.)
 */
import { isMove } from "../../ir/op/known.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { dtypeLimits } from "../../ir/semantics/values/scalar.ts";
import { type Tensor, scalar, tensorOf } from "../../ir/tensor.ts";
import { type Shape, isFloat } from "../../ir/type.ts";
import { type Graph, rework, uniformValue } from "../graph.ts";
import { definePass } from "../pass.ts";

const name = "merge-quantisers";

export const mergeQuantisers = definePass({
  name,
  role: "clean",
  summary: "read quantisers and their dequantisers as rounded clips",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    rework(module, (op, graph) => {
      if (!isOp(op, "ann.dequantize-linear") || !isFloat(op.type.dtype)) return null;
      return perTensor(op, graph) ?? perAxis(op, graph);
    }),
});

/** Moves between the two; no model has so many, but a file may. */
const longestWay = 64;

interface Linear {
  readonly scale: number;
  readonly zero: number;
}

function perTensor(op: OpOf<"ann.dequantize-linear">, graph: Graph): ValueId | null {
  const to = linearOf(op, graph);
  const [integers] = op.inputs;
  if (to === null || integers === undefined) return null;
  const by = quantiserOf(integers, graph);
  if (by === null) return null;
  const isSame = by.scale === to.scale && by.zero === to.zero;
  const made = new Walk(op, by, graph).real(integers, isSame ? op.result : undefined);
  if (made === null || isSame) return made;
  // Last, so that what moves the values is the same for every dequantiser of them.
  return requantised(made, by, to, op, graph, op.result);
}

/** The scale and zero point that a value was quantised with; of the first part of several. */
function quantiserOf(value: ValueId, graph: Graph): Linear | null {
  let op = graph.producer(value);
  for (let depth = 0; depth <= longestWay; depth++) {
    if (isOp(op, "ann.quantize-linear")) return linearOf(op, graph);
    const [operand] = op.inputs;
    if (operand === undefined) return null;
    op = graph.producer(operand);
  }
  return null;
}

/** Real values that were quantised by `by`, as a dequantiser by `to` would have them. */
function requantised(
  value: ValueId,
  by: Linear,
  to: Linear,
  op: Op,
  graph: Graph,
  result?: ValueId,
): ValueId {
  const { dtype } = op.type;
  const { builder } = graph;
  const scale = builder.tensor("requantise.scale", scalar(dtype, to.scale / by.scale));
  const shift = builder.tensor("requantise.shift", scalar(dtype, (by.zero - to.zero) * to.scale));
  return builder.add("ann.affine", [value], { scale, shift }, graph.loc(name, op), result);
}

/** Goes up from a dequantiser through what moves integers, to the quantisers that made them. */
class Walk {
  private readonly op: OpOf<"ann.dequantize-linear">;
  private readonly to: Linear;
  private readonly graph: Graph;
  private readonly made = new Map<ValueId, ValueId | null>();

  constructor(op: OpOf<"ann.dequantize-linear">, to: Linear, graph: Graph) {
    this.op = op;
    this.to = to;
    this.graph = graph;
  }

  /** What the dequantiser would make of `value`; null where it is not of quantised floats. */
  real(value: ValueId, result?: ValueId, depth = 0): ValueId | null {
    const there = this.made.get(value);
    if (there !== undefined || depth > longestWay) return there ?? null;
    const made = this.realOf(value, depth, result);
    this.made.set(value, made);
    return made;
  }

  private realOf(value: ValueId, depth: number, result?: ValueId): ValueId | null {
    const { graph, to } = this;
    const from = graph.producer(value);
    if (isOp(from, "ann.quantize-linear"))
      return this.clipped(from, dtypeLimits(from.attrs.to), result);
    if (isOp(from, "ann.clip")) {
      const [operand] = from.inputs;
      const before = operand === undefined ? null : graph.producer(operand);
      if (before === null || !isOp(before, "ann.quantize-linear")) return null;
      const [low, high] = dtypeLimits(before.attrs.to);
      const bounds = [Math.max(low, from.attrs.min), Math.min(high, from.attrs.max)] as const;
      return this.clipped(before, bounds, result);
    }
    if (!isMove(from) && !isOp(from, "ann.max-pool", "ann.identity")) return null;
    const inputs: ValueId[] = [];
    for (const operand of from.inputs) {
      const made = this.real(operand, undefined, depth + 1);
      if (made === null) return null;
      inputs.push(made);
    }
    const padding = isOp(from, "ann.pad") ? { value: (from.attrs.value - to.zero) * to.scale } : {};
    const loc = graph.loc(name, from, this.op);
    return graph.builder.add(from.kind, inputs, { ...from.attrs, ...padding }, loc, result);
  }

  private clipped(
    from: OpOf<"ann.quantize-linear">,
    [low, high]: readonly [number, number],
    result?: ValueId,
  ): ValueId | null {
    const { graph, to, op } = this;
    const by = linearOf(from, graph);
    const [x] = from.inputs;
    if (by === null || x === undefined || !sameFloats(x, from, op, graph)) return null;
    const loc = graph.loc(name, from, op);
    const attrs = {
      step: by.scale,
      low: low - by.zero,
      high: high - by.zero,
      rounding: "nearest" as const,
    };
    const isSame = by.scale === to.scale && by.zero === to.zero;
    const made = graph.builder.add(
      "ann.fake-quantize",
      [x],
      attrs,
      loc,
      isSame ? result : undefined,
    );
    return isSame ? made : requantised(made, by, to, op, graph, result);
  }
}

/** A pair with a scale for each channel, the same on both sides: steps of 1, scaled on either side. */
function perAxis(op: OpOf<"ann.dequantize-linear">, graph: Graph): ValueId | null {
  const from = graph.producer(op.inputs[0] ?? op.result);
  if (!isOp(from, "ann.quantize-linear")) return null;
  const [x, scaleValue, zeroValue] = from.inputs;
  if (x === undefined || scaleValue === undefined || zeroValue === undefined) return null;
  const [scale, zeros] = [graph.constant(scaleValue), graph.constant(zeroValue)];
  const [otherScale, otherZeros] = op.inputs.slice(1).map((value) => graph.constant(value));
  if (scale === null || zeros === null || !sameData(scale, otherScale)) return null;
  const zero = uniformValue(zeros);
  if (zero === null || !sameData(zeros, otherZeros) || from.attrs.axis !== op.attrs.axis)
    return null;
  if (!sameFloats(x, from, op, graph) || scale.data.length === 1) return null;
  if (!scale.data.every((s) => s > 0 && s < Infinity)) return null;
  const { shape, dtype } = op.type;
  const { builder } = graph;
  const loc = graph.loc(name, from, op);
  const aligned: Shape = shape.map((extent, axis) => (axis === op.attrs.axis ? extent : 1));
  const steps = builder.constant("scale", tensorOf(dtype, aligned, scale.data), loc);
  const [low, high] = dtypeLimits(from.attrs.to);
  const quotient = builder.add("ann.div", [x, steps], {}, loc);
  const attrs = { step: 1, low: low - zero, high: high - zero, rounding: "nearest" as const };
  const whole = builder.add("ann.fake-quantize", [quotient], attrs, loc);
  return builder.add("ann.mul", [whole, steps], {}, loc, op.result);
}

/** One constant scale and zero point for all elements; null where it is otherwise. */
function linearOf(op: Op, graph: Graph): Linear | null {
  const [, scaleValue, zeroValue] = op.inputs;
  if (scaleValue === undefined || zeroValue === undefined) return null;
  const [scale, zero] = [graph.uniform(scaleValue), graph.uniform(zeroValue)];
  if (scale === null || zero === null || !(scale > 0 && scale < Infinity)) return null;
  return { scale, zero };
}

/** Whether operand, scale and result are floats of one type, so that roundings are the same. */
function sameFloats(x: ValueId, from: Op, to: Op, graph: Graph): boolean {
  const scale = graph.producer(from.inputs[1] ?? x);
  const { dtype } = graph.producer(x).type;
  return isFloat(dtype) && dtype === scale.type.dtype && dtype === to.type.dtype;
}

function sameData(a: Tensor, b: Tensor | null | undefined): boolean {
  if (b === null || b === undefined || a.data.length !== b.data.length) return false;
  return a.data.every((value, i) => value === b.data[i]);
}

/**
 * Gives every rounded clip between layers a form that neurons have.
 *
 * Precondition: pairs of quantisers have become rounded clips, y = s · clip(⌊x/s⌉, l, h). Result: one
 * that is an activation, a rectifier with a ceiling, stays and is to become neurons. One that is there
 * to save bits alone passes x on as it is, which changes each value by at most half a step: calibration
 * saw at most a thousandth of its values beyond its ends, and there are 31 steps between them or more.
 * Any other is split into the rectifiers of both signs,
 *
 *     clip(⌊x/s⌉, l, h) = clip(⌊x/s⌉, 0, h) − clip(⌊−x/s⌉, 0, −l)
 *
 * so that what it cuts off stays cut off. Roundings down and up become those to the nearest of values
 * that lie half a step lower or higher. What quantises the input, and what quantises the outputs, stays:
 * it runs once. (That a quantised activation is what a neuron sends in as many timesteps as it has
 * steps: Bu et al., ICLR 2022.)
 */
import { type Builder, builderOn } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Loc, fusedLoc, shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import type { ChannelStatistics } from "../../ir/run/stats.ts";
import { scalar } from "../../ir/tensor.ts";
import { SignFinder } from "../clean/signs.ts";
import { diagnose } from "../diagnostics.ts";
import { Graph, rework } from "../graph.ts";
import { definePass } from "../pass.ts";
import { planConversion } from "./spiking-form.ts";

const name = "relax-quantisers";

/**
 * Fewer steps than those of a signed number of 6 bits make a rounding that a network was trained with
 * and may rest on: half of one is more than 1.6 % of the range.
 */
const fewSteps = 31;

/** Calibrators of quantisers cut off up to a thousandth of what they see (percentile 99.9). */
const mostCut = 0.001;

type Staircase = OpOf<"ann.fake-quantize">;

export const relaxQuantisers = definePass({
  name,
  role: "prepare",
  summary: "drop the rounding of quantisers between layers, or split them into rectifiers",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {},
  async run(module, { measure, report }) {
    if (module.code !== "none") return module;
    const { fates } = planConversion(module);
    const fateOf = (op: Op) => fates.get(op.result);
    const staircases = module.ops.filter((op): op is Staircase => isOp(op, "ann.fake-quantize"));
    const isPositive = positiveOperands(module);
    const candidates = staircases.filter(
      (op) => fateOf(op) === "relaxed" || (fateOf(op) === "neuron" && isPositive(op)),
    );
    const seen = new Map<ValueId, ChannelStatistics>();
    if (candidates.length > 0) {
      const operands = [...new Set(candidates.map((op) => operandOf(op)))];
      const observe = operands.map((value) => ({ value, scope: "layer" as const, axis: 0 }));
      const { values } = await measure(module, observe, 1);
      for (const value of operands) {
        const [layer] = known(values.get(value), `statistics of %${value}`).channels;
        seen.set(value, known(layer, "statistics of a layer"));
      }
    }
    const statisticsOf = (op: Staircase): ChannelStatistics =>
      known(seen.get(operandOf(op)), "statistics of a quantiser");
    const passing = new Set(candidates.filter((op) => savesBitsOnly(op, statisticsOf(op))));
    const split = candidates.filter((op) => !passing.has(op) && fateOf(op) === "relaxed");
    const activations = staircases.filter((op) => fateOf(op) === "neuron" && !passing.has(op));

    const dropped = [...passing].map((op) => {
      const { min, max } = statisticsOf(op);
      return {
        layer: shortName(op.loc),
        share: op.attrs.step / 2 / Math.max(max - min, op.attrs.step),
      };
    });
    if (dropped.length > 0) report(diagnose("rounding-dropped", null, { layers: dropped }));
    const signed = split.filter((op) => !isPositive(op) && op.attrs.low < 0);
    if (signed.length > 0) {
      const places = signed.map(({ loc }) => shortName(loc));
      report(diagnose("quantisers-split", null, { places }));
    }
    if (activations.length > 0) {
      const layers = activations.map(({ loc, attrs }) => {
        return { layer: shortName(loc), share: 0.5 / attrs.high };
      });
      const bits = new Set(activations.map(({ attrs }) => Math.log2(attrs.high + 1)));
      const [first = null] = bits;
      const shared = bits.size === 1 && Number.isInteger(first) ? first : null;
      report(diagnose("activations-quantised", null, { layers, bits: shared }));
    }
    if (candidates.length === 0) return module;
    const splitting = new Set<ValueId>(split.map(({ result }) => result));
    const passed = new Set<ValueId>([...passing].map(({ result }) => result));
    return rework(module, (op, { builder }) => {
      if (!isOp(op, "ann.fake-quantize")) return null;
      if (passed.has(op.result)) return shifted(op, builder, op.result);
      return splitting.has(op.result) ? rectified(op, isPositive(op), builder) : null;
    });
  },
});

function operandOf(op: Op): ValueId {
  return known(op.inputs[0], "an operand");
}

/** Whether what an op works on cannot be negative. */
function positiveOperands(module: Module): (op: Op) => boolean {
  const graph = new Graph(builderOn(module), new Map());
  const signs = new SignFinder();
  return (op) => signs.isNonNegative(operandOf(op), graph);
}

/** Whether a quantiser has steps enough, and ends so far apart, that values may pass as they are. */
function savesBitsOnly(
  { attrs: { step, low, high } }: Staircase,
  statistics: ChannelStatistics,
): boolean {
  const { min, max } = statistics;
  const steps = Math.min(high - low, (max - min) / step);
  if (steps < fewSteps) return false;
  let all = 0;
  let cut = 0;
  for (const { value, count } of statistics.masses()) {
    all += count;
    if (value < (low - 0.5) * step || value > (high + 0.5) * step) cut += count;
  }
  return cut <= mostCut * all;
}

/** The operand, where rounding is down or up half a step lower or higher: a value or a new op. */
function shifted(op: Staircase, builder: Builder, result?: ValueId): ValueId {
  const { rounding, step } = op.attrs;
  if (rounding === "nearest") return operandOf(op);
  const shift = rounding === "floor" ? -step / 2 : step / 2;
  return scaled(operandOf(op), 1, shift, builder, fusedLoc(name, [op.loc]), result);
}

function scaled(
  x: ValueId,
  factor: number,
  shift: number,
  builder: Builder,
  loc: Loc,
  result?: ValueId,
): ValueId {
  const attrs = {
    scale: builder.tensor("factor", scalar("f32", factor)),
    shift: builder.tensor("half_step", scalar("f32", shift)),
  };
  return builder.add("ann.affine", [x], attrs, loc, result);
}

/** The op as rectifiers: one of the positive values, and one of the negative ones if there are any. */
function rectified(op: Staircase, isPositive: boolean, builder: Builder): ValueId {
  const { step, low, high } = op.attrs;
  const loc = fusedLoc(name, [op.loc]);
  const x = shifted(op, builder);
  const rectifier = (of: ValueId, ceiling: number, result?: ValueId): ValueId => {
    const attrs = { step, low: 0, high: ceiling, rounding: "nearest" as const };
    return builder.add("ann.fake-quantize", [of], attrs, loc, result);
  };
  if (low > 0 || high < 0) {
    const above = rectifier(scaled(x, 1, -low * step, builder, loc), high - low);
    return scaled(above, 1, low * step, builder, loc, op.result);
  }
  if (isPositive || low === 0) return rectifier(x, high, op.result);
  const negative = rectifier(scaled(x, -1, 0, builder, loc), -low);
  if (high === 0) return scaled(negative, -1, 0, builder, loc, op.result);
  return builder.add("ann.sub", [rectifier(x, high), negative], {}, loc, op.result);
}

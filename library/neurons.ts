/**
 * What of a network spikes, and what does not: its neurons, those of either sign among them, and the
 * activations and other nonlinear ops that no neuron computes. Read off the network itself, so that a
 * `.snn` and what a conversion makes are described in the same way.
 */
import { producers } from "../ir/analysis/walk.ts";
import { shortName } from "../ir/loc.ts";
import type { Module } from "../ir/module.ts";
import { hasWeights, isNeuron, traitsOf, variesByItself } from "../ir/op/known.ts";
import { type Op, type ValueId, isInput, isOp } from "../ir/op/op.ts";
import { elementCount, isFloat } from "../ir/type.ts";
import { curveOf } from "../passes/convert/curves/curves.ts";
import { isLinear } from "../passes/convert/spiking-form.ts";

/** Populations of neurons, and how many neurons they have together. */
export interface NeuronCounts {
  readonly populations: number;
  readonly count: number;
  /** Populations by the kind of their op. */
  readonly kinds: ReadonlyMap<string, number>;
  /**
   * Those that send values of either sign, and the nodes at which they stand: one neuron that fires both
   * ways, or two that share the work. A conversion adds them before weights.
   */
  readonly eitherSign: { readonly count: number; readonly nodes: readonly string[] };
}

/** Where an op stands that no neuron computes: `never`, in a network without neurons. */
export type Stand = "before" | "between" | "after" | "never";

/** Ops of one kind that no neuron computes. */
export interface WithoutNeuron {
  /** The kind of the op, without its dialect. */
  readonly op: string;
  readonly where: Stand;
  readonly nodes: readonly string[];
  readonly why: string;
  readonly help: string;
}

export function neuronsIn(module: Module): NeuronCounts {
  const kinds = new Map<string, number>();
  const paired = pairsOf(module);
  const signed: Op[] = [];
  let count = 0;
  for (const op of module.ops) {
    if (!isNeuron(op)) continue;
    kinds.set(op.kind, (kinds.get(op.kind) ?? 0) + 1);
    count += elementCount(op.type.shape);
    if ((isOp(op, "snn.graded") && op.attrs.sign === "free") || paired.has(op.result)) {
      signed.push(op);
    }
  }
  return {
    populations: [...kinds.values()].reduce((sum, n) => sum + n, 0),
    count,
    kinds,
    eitherSign: {
      count: signed.reduce((sum, op) => sum + elementCount(op.type.shape), 0),
      nodes: nodesOf(signed),
    },
  };
}

/** Neurons that send a value together: what one sends is subtracted from what the other does. */
function pairsOf(module: Module): ReadonlySet<ValueId> {
  const neurons = new Set(module.ops.filter(isNeuron).map(({ result }) => result));
  return new Set(
    module.ops
      .filter((op) => isOp(op, "ann.sub") && op.inputs.every((value) => neurons.has(value)))
      .flatMap(({ inputs }) => inputs),
  );
}

/**
 * Activations that no neuron replaces, and whatever else is not linear where the weights are; by kind and
 * place. Ops that prepare the input, pools of it, and ops other than activations at the output do not count.
 */
export function withoutNeurons(module: Module): readonly WithoutNeuron[] {
  const spikes = module.ops.some(isNeuron);
  const ahead = leadingToNeurons(module);
  const behind = reached(module, isNeuron);
  const overTime = reached(module, variesByItself);
  const ofSample = reached(module, (op) => isInput(op) || variesByItself(op));
  const weighted = reached(module, hasWeights);
  const makers = producers(module);
  const rounded = ofRounding(module);
  const groups = new Map<string, { readonly ops: Op[]; readonly where: Stand; why: string }>();
  for (const op of module.ops) {
    if (isInput(op) || variesByItself(op)) continue;
    const isBehind = behind.has(op.result);
    const where = !spikes
      ? "never"
      : !isBehind
        ? "before"
        : ahead.has(op.result)
          ? "between"
          : "after";
    const varying = op.inputs.map((value) => (isBehind ? behind : ofSample).has(value));
    const amongWeights =
      where === "between" ||
      (where === "before" && weighted.has(op.result) && !isOp(op, "ann.max-pool"));
    const isMap = isLinear(op, varying) || (isInteger(op) && traitsOf(op).linear === "all");
    if (rounded.has(op.result) || (!isActivation(op) && !(amongWeights && !isMap))) continue;
    const why = where === "before" && overTime.has(op.result) ? "before, over time" : where;
    const group = groups.get(`${op.kind} ${why}`) ?? { ops: [], where, why: reasons[why] };
    groups.set(`${op.kind} ${why}`, group);
    group.ops.push(op);
  }
  return [...groups.values()].flatMap(({ ops: [first, ...more], where, why }) => {
    if (first === undefined) return [];
    const op = first.kind.slice(first.kind.indexOf(".") + 1);
    const isCurve = curveOf(first, module, makers) !== null;
    return { op, where, nodes: nodesOf([first, ...more]), why, help: helpFor(where, isCurve) };
  });
}

/** What clips the input before it is rounded to integers, as `quantise` has it: it is in the rounding itself. */
function ofRounding(module: Module): ReadonlySet<ValueId> {
  const uses = new Map<ValueId, boolean>();
  for (const op of module.ops) {
    const rounds = isOp(op, "ann.quantize-linear");
    for (const value of op.inputs) uses.set(value, rounds && uses.get(value) !== false);
  }
  const clips = module.ops.filter((op) => isOp(op, "ann.clip") && uses.get(op.result) === true);
  return new Set(clips.map(({ result }) => result));
}

function isInteger(op: Op): boolean {
  return !isFloat(op.type.dtype);
}

/** The values that ops of some kind, or ops behind them, make. */
function reached(module: Module, isSource: (op: Op) => boolean): ReadonlySet<ValueId> {
  const values = new Set<ValueId>();
  for (const op of module.ops) {
    if (isSource(op) || op.inputs.some((value) => values.has(value))) values.add(op.result);
  }
  return values;
}

/** A function of one number that networks are trained with, rectifiers included. */
function isActivation(op: Op): boolean {
  return traitsOf(op).isCurve || isOp(op, "ann.relu", "ann.clip", "ann.soft-lif");
}

const reasons = {
  before: "it stands before the first neurons, and is computed once for each sample",
  "before, over time": "it stands before the first neurons, and is computed at each timestep",
  between: "it is computed at each timestep, on the values decoded so far",
  after: "no neurons follow: it is computed on the decoded output",
  never: "the network has no neurons: it is not converted",
} as const;

function helpFor(where: Stand, isCurve: boolean): string {
  if (where === "never") return "convert the ONNX model that it was made from with `snnc convert`";
  if (where === "after") return "nothing needs to change: the output is not a spike train";
  const unit = "on hardware this needs a unit that computes it";
  if (isCurve) {
    return `${unit}; train with ReLU or ReLU6 in its place, or fit neurons to it with convert-few-spikes{activations=fitted}`;
  }
  return `${unit}; neurons replace only ReLU, ReLU6 and clips from 0`;
}

/** Values from which a path leads to neurons. */
function leadingToNeurons(module: Module): ReadonlySet<ValueId> {
  const leading = new Set<ValueId>();
  for (const op of module.ops.toReversed()) {
    if (!isNeuron(op) && !leading.has(op.result)) continue;
    for (const value of op.inputs) leading.add(value);
  }
  return leading;
}

/** The nodes of ops, each once, in order. */
function nodesOf(ops: readonly Op[]): readonly string[] {
  return [...new Set(ops.map(({ loc }) => shortName(loc)))];
}

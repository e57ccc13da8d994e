/**
 * What the passes to rate code share: what is reported of a plan before it is carried out, and a network
 * over time made by it, with neurons that each pass makes in its own way and outputs that are read out.
 */
import { type Builder, builderOn, rewrite } from "../../../ir/build.ts";
import { type Diagnostic, fail } from "../../../ir/diagnostic.ts";
import { type Loc, fusedLoc, shortName } from "../../../ir/loc.ts";
import type { Code, Module } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { diagnose } from "../../diagnostics.ts";
import { withoutDead } from "../../graph.ts";
import { planesOf } from "../../fuse/merge-pools.ts";
import type { OptionSpec } from "../../../ir/options.ts";
import type { Fate, ConversionPlan } from "../spiking-form.ts";
import { WordsOf } from "./words.ts";

/** The option that every pass to rate code has. */
export const analogueOption = {
  kind: "choice",
  default: "refuse",
  of: ["refuse", "decode"],
  help: "what to do with an op that has no spiking form: refuse it, or compute it on decoded values",
} as const satisfies OptionSpec;

/** Fails where the plan cannot be carried out, and reports what it leaves analogue. */
export function announce(
  module: Module,
  plan: ConversionPlan,
  analogue: "refuse" | "decode",
  report: (diagnostic: Diagnostic) => void,
): void {
  refuseQuantisers(module, plan);
  if (plan.refused.length > 0 && analogue === "refuse") fail(...refusals(plan));
  if (plan.neurons === 0) fail(diagnose("no-activation", null, {}));
  for (const notice of notices(module, plan, analogue)) report(notice);
}

/** Fails where rounded clips are left that only relax-quantisers gives a form. */
export function refuseQuantisers(module: Module, { fates }: ConversionPlan): void {
  const left = module.ops.filter((op) => fates.get(op.result) === "relaxed");
  const [first] = left;
  if (first === undefined) return;
  const places = left.map(({ loc }) => shortName(loc));
  fail(diagnose("quantiser-not-relaxed", first.loc, { places }));
}

/** One diagnostic per kind of refused op, with every place. */
function refusals(plan: ConversionPlan): Diagnostic[] {
  const byKind = new Map<string, { op: Op; help: string }[]>();
  for (const entry of plan.refused) {
    byKind.set(entry.op.kind, [...(byKind.get(entry.op.kind) ?? []), entry]);
  }
  return [...byKind].flatMap(([kind, entries]) => {
    const [first] = entries;
    if (first === undefined) return [];
    const places = entries.map(({ op }) => shortName(op.loc));
    return [
      diagnose("no-spiking-form", first.op.loc, {
        kind: kind.replace(/^ann\./, ""),
        count: entries.length,
        places,
        help: first.help,
      }),
    ];
  });
}

function notices(module: Module, plan: ConversionPlan, analogue: string): Diagnostic[] {
  const named = (fate: Fate): string[] =>
    module.ops.filter((op) => plan.fates.get(op.result) === fate).map((op) => op.kind.slice(4));
  const found: Diagnostic[] = [];
  const tail = named("tail");
  if (tail.length > 0) found.push(diagnose("analogue-tail", null, { ops: tail }));
  // A cast of the input is reported by use-float32.
  const front = named("analogue").filter((kind) => kind !== "cast");
  if (front.length > 0) found.push(diagnose("analogue-front", null, { ops: front }));
  if (analogue === "decode" && plan.refused.length > 0) {
    found.push(diagnose("analogue-inside", null, { ops: named("refused") }));
  }
  return found;
}

export interface RateCode {
  readonly pass: string;
  readonly code: Code;
  readonly timesteps: number;
}

/** How a code makes neurons. */
export interface NeuronMaker {
  /** Of an activation. */
  readonly of: (op: Op, builder: Builder) => ValueId;
  /** Of either sign, for a current that weights would meet; null in a code that has none. */
  readonly signed: ((current: ValueId, loc: Loc, builder: Builder) => ValueId) | null;
  /** Whether averages that merge-pools can merge into weights stay as they are. */
  readonly leavesPools: boolean;
}

/** The network of `module` (code "none") over time, with neurons by `neurons`. */
export function networkOverTime(
  module: Module,
  plan: ConversionPlan,
  { pass, code, timesteps }: RateCode,
  neurons: NeuronMaker,
): Module {
  const readouts = new Map<ValueId, ValueId>();
  const readOut = (value: ValueId, builder: Builder): ValueId => {
    const op = builder.opOf(value);
    if (op.type.domain === "real") return value;
    const known = readouts.get(value);
    if (known !== undefined) return known;
    const made = constantTerm(op, builder)
      ? // A constant is the same at each timestep: its mean is itself.
        builder.add(
          "ann.add",
          op.inputs.map((term) => readOut(term, builder)),
          {},
          op.loc,
        )
      : builder.add("snn.readout", [value], { start: 0 }, fusedLoc(pass, [op.loc]));
    readouts.set(value, made);
    return made;
  };
  let words: WordsOf | null = null;
  const weighted = (op: Op, builder: Builder): ValueId | null => {
    const { signed, leavesPools } = neurons;
    if (signed === null || !plan.weights.has(op.result)) return null;
    if (leavesPools && planesOf(op, (value) => builder.opOf(value)) !== null) return null;
    words ??= new WordsOf(builder, (current) => {
      const loc = fusedLoc(pass, [builder.opOf(current).loc]);
      return { value: signed(current, loc, builder), start: null };
    });
    const made = words;
    const inputs = op.inputs.map((value) => made.of(value).value);
    if (inputs.every((value, i) => value === op.inputs[i])) return null;
    return builder.add(op.kind, inputs, op.attrs, op.loc, op.result);
  };
  const converted = rewrite(module, (op, builder) => {
    switch (plan.fates.get(op.result)) {
      case "shared":
        return weighted(op, builder);
      case "neuron":
        return neurons.of(op, builder);
      case "pool":
        // Behind an op that runs on decoded values there are real values, which pool as they are.
        return isOp(op, "ann.max-pool") &&
          op.inputs.some((v) => builder.typeOf(v).domain !== "real")
          ? builder.add("snn.max-pool", op.inputs, op.attrs, op.loc, op.result)
          : null;
      case "tail":
      case "refused": {
        const inputs = op.inputs.map((value) => readOut(value, builder));
        if (inputs.every((value, i) => value === op.inputs[i])) return null;
        return builder.add(op.kind, inputs, op.attrs, op.loc, op.result);
      }
      default:
        return null;
    }
  });
  // Of a constant that is added behind a read-out the sum before it is left.
  return withoutDead(readOutputs(converted, code, timesteps, readOut));
}

/** Whether the op adds a constant of the network. */
function constantTerm(op: Op, builder: Builder): boolean {
  return isOp(op, "ann.add") && op.inputs.some((term) => isOp(builder.opOf(term), "ann.constant"));
}

/** Puts a read-out before every output that is not decoded yet. */
function readOutputs(
  module: Module,
  code: Code,
  timesteps: number,
  readOut: (value: ValueId, builder: Builder) => ValueId,
): Module {
  const builder = builderOn(module);
  const outputs = module.outputs.map((o) => ({ name: o.name, value: readOut(o.value, builder) }));
  return builder.finish({ ...module, code, timesteps, outputs });
}

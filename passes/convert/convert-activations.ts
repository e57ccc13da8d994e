/**
 * Turns an analogue network into a rate-coded spiking one.
 *
 * Precondition: no batch normalisation is left. Result: every ReLU and every clip from 0 is an
 * integrate-and-fire neuron with threshold 1, to be set by a balance pass; max-pools over time work
 * on running sums; outputs are read out as means over the timesteps, and what is nonlinear behind
 * the last weights runs on the read-out.
 *
 *     relu(W·x + b)  →  mean over t of θ·s[t],  where s = IF(W·y[t] + b, θ)
 *
 * The mean differs from the ReLU by (v[T] − v[0]) / T while the input stays below θ (Rueckauer et
 * al. 2017; Cao, Chen & Khosla 2015). Values keep their ids, so the neuron of a ReLU has the ReLU's.
 */
import { type Builder, builderOn, rewrite } from "../../ir/build.ts";
import { type Diagnostic, fail, known } from "../../ir/diagnostic.ts";
import { fusedLoc, shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../ir/op.ts";
import { scalar } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import { definePass } from "../pass.ts";
import { type Fate, type Plan, planConversion, rectifierCeiling } from "./spiking-form.ts";

const name = "convert-activations";

export const convertActivations = definePass({
  name,
  phase: "convert",
  summary: "replaces activations by integrate-and-fire neurons and reads the outputs out",
  requires: ["batchnorm-free"],
  establishes: ["spiking"],
  breaks: ["balanced"],
  preservesOutputs: false,
  options: {
    analogue: {
      kind: "choice",
      default: "refuse",
      of: ["refuse", "decode"],
      help: "what to do with an op that has no spiking form: refuse, or run it on decoded values",
    },
    reset: {
      kind: "choice",
      default: "subtract",
      of: ["subtract", "zero"],
      help: "what a spike does to the membrane potential",
    },
  },
  run(module, { options, report, timesteps }) {
    if (module.code !== "none") return module;
    const plan = planConversion(module);
    if (plan.refused.length > 0 && options.analogue === "refuse") {
      fail(...refusals(plan));
    }
    if (plan.neurons === 0) fail(diagnose("no-activation", null, {}));
    for (const notice of notices(module, plan, options.analogue)) report(notice);
    return convert(module, plan, options.reset === "zero" ? "zero" : "subtract", timesteps);
  },
});

/** One diagnostic per kind of refused op, with every place. */
function refusals(plan: Plan): Diagnostic[] {
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

function notices(module: Module, plan: Plan, analogue: string): Diagnostic[] {
  const named = (fate: Fate): string[] =>
    module.ops.filter((op) => plan.fates.get(op.result) === fate).map((op) => op.kind.slice(4));
  const found: Diagnostic[] = [];
  const tail = named("tail");
  if (tail.length > 0) found.push(diagnose("analogue-tail", null, { ops: tail }));
  const front = named("analogue");
  if (front.length > 0) found.push(diagnose("analogue-front", null, { ops: front }));
  if (analogue === "decode" && plan.refused.length > 0) {
    found.push(diagnose("analogue-inside", null, { ops: named("refused") }));
  }
  return found;
}

function convert(
  module: Module,
  plan: Plan,
  reset: "subtract" | "zero",
  timesteps: number,
): Module {
  const readouts = new Map<ValueId, ValueId>();
  const readOut = (value: ValueId, builder: Builder): ValueId => {
    const op = builder.opOf(value);
    if (op.type.domain === "real") return value;
    const known = readouts.get(value);
    if (known !== undefined) return known;
    const made = builder.add("snn.readout", [value], { start: 0 }, fusedLoc(name, [op.loc]));
    readouts.set(value, made);
    return made;
  };
  const converted = rewrite(module, (op, builder) => {
    switch (plan.fates.get(op.result)) {
      case "neuron":
        return neuron(op, builder, reset);
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
  return readOutputs(converted, timesteps, readOut);
}

function neuron(op: Op, builder: Builder, reset: "subtract" | "zero"): ValueId {
  const operand = known(op.inputs[0], "an activation's operand");
  const unit = builder.tensor("unit", scalar("f32", 1));
  const half = builder.tensor("half", scalar("f32", 0.5));
  const attrs = { threshold: unit, vInit: half, amplitude: unit, reset };
  if (builder.typeOf(operand).domain !== "spike") {
    return builder.add("snn.if", [operand], attrs, op.loc, op.result);
  }
  // Spikes are not negative: rectifying them changes nothing, but a ceiling may lie below them.
  if (rectifierCeiling(op) === Infinity) return operand;
  const shift = builder.tensor("zero", scalar("f32", 0));
  const loc = fusedLoc(name, [op.loc]);
  const current = builder.add("ann.affine", [operand], { scale: unit, shift }, loc);
  return builder.add("snn.if", [current], attrs, op.loc, op.result);
}

/** Puts a read-out before every output that is not decoded yet. */
function readOutputs(
  module: Module,
  timesteps: number,
  readOut: (value: ValueId, builder: Builder) => ValueId,
): Module {
  const builder = builderOn(module);
  const outputs = module.outputs.map((o) => ({ name: o.name, value: readOut(o.value, builder) }));
  return builder.finish({ ...module, code: "rate", timesteps, outputs });
}

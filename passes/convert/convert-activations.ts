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
import type { Builder } from "../../ir/build.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { type Loc, fusedLoc } from "../../ir/loc.ts";
import type { SpikingCode } from "../../ir/module.ts";
import type { Op, OpOf, ValueId } from "../../ir/op/op.ts";
import { scalar } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import { withPoolsMerged } from "../fuse/merge-pools.ts";
import { definePass } from "../pass.ts";
import { analogueOption, announce, networkOverTime } from "./over-time/over-time.ts";
import { realLayers } from "./over-time/remarks.ts";
import { planConversion, rectifierCeiling } from "./spiking-form.ts";
import { unspiked } from "./over-time/words.ts";

const name = "convert-activations";

export const convertActivations = definePass({
  name,
  role: "convert",
  summary: "replace activations by integrate-and-fire neurons, and decode the outputs",
  requires: ["batchnorm-free"],
  establishes: ["spiking"],
  breaks: ["balanced"],
  preservesOutputs: false,
  makes: { code: codeOf },
  options: {
    analogue: analogueOption,
    reset: {
      kind: "choice",
      default: "subtract",
      of: ["subtract", "zero"],
      help: "what a spike does to the membrane potential",
    },
    sign: {
      kind: "choice",
      default: "positive",
      of: ["positive", "retract"],
      help: "whether a neuron may correct what it sent in excess, by spikes of the other sign",
    },
    bits: {
      kind: "integer",
      means: "bits",
      default: 1,
      min: 1,
      max: 8,
      help: "bits of a spike; with more than one, a neuron can send several units at once",
    },
    alphabet: {
      kind: "choice",
      default: "word",
      of: ["word", "power"],
      help: "spikes of every size up to 2^bits − 1, or of powers of two only",
    },
    pools: {
      kind: "choice",
      default: "neurons",
      of: ["neurons", "weights"],
      help: "what sends the average of a whole plane, where neurons have signs: neurons, or nothing, as merge-pools makes weights of it later",
    },
  },
  run(module, { options, report, timesteps }) {
    if (module.code !== "none") return module;
    const plan = planConversion(module);
    announce(module, plan, options.analogue, report);
    if (options.reset === "zero" && isGraded(options)) {
      fail(diagnose("reset-of-graded", null, {}));
    }
    const code = codeOf(options);
    const converted = networkOverTime(
      module,
      plan,
      { pass: name, code, timesteps },
      {
        of: (op, builder) => neuron(op, builder, options),
        leavesPools: options.pools === "weights",
        signed: isGraded(options)
          ? (value, loc, builder) =>
              graded([unspiked(value, loc, builder)], builder, { ...options, sign: "free" }, loc)
          : null,
      },
    );
    const meant = options.pools === "weights" ? withPoolsMerged(converted) : converted;
    for (const remark of realLayers(meant)) report(remark);
    return converted;
  },
});

function neuron(op: Op, builder: Builder, options: NeuronOptions): ValueId {
  const operand = known(op.inputs[0], "an activation's operand");
  if (builder.typeOf(operand).domain !== "spike") return made(op, [operand], builder, options);
  // Spikes are not negative: rectifying them changes nothing, but a ceiling may lie below them.
  if (rectifierCeiling(op) === Infinity && options.sign === "positive") return operand;
  return made(op, [unspiked(operand, fusedLoc(name, [op.loc]), builder)], builder, options);
}

function made(
  op: Op,
  inputs: readonly ValueId[],
  builder: Builder,
  options: NeuronOptions,
): ValueId {
  if (isGraded(options)) return graded(inputs, builder, options, op.loc, op.result);
  const unit = builder.tensor("unit", scalar("f32", 1));
  const half = builder.tensor("half", scalar("f32", 0.5));
  const attrs = { threshold: unit, vInit: half, amplitude: unit, reset: options.reset };
  return builder.add("snn.if", inputs, attrs, op.loc, op.result);
}

function graded(
  inputs: readonly ValueId[],
  builder: Builder,
  { sign, bits, alphabet }: Pick<OpOf<"snn.graded">["attrs"], "sign" | "bits" | "alphabet">,
  loc: Loc,
  result?: ValueId,
): ValueId {
  const unit = builder.tensor("unit", scalar("f32", 1));
  // Graded neurons round to the nearest by themselves: from 0 they do what half a threshold is for.
  const vInit = builder.tensor("zero", scalar("f32", 0));
  const shared = { threshold: unit, vInit, amplitude: unit, ceiling: null };
  const attrs = { ...shared, bits, alphabet, sign, schedule: "constant" as const, shares: null };
  return builder.add("snn.graded", inputs, attrs, loc, result);
}

interface NeuronOptions {
  readonly reset: "subtract" | "zero";
  readonly sign: "positive" | "retract";
  readonly bits: number;
  readonly alphabet: "word" | "power";
}

/** Whether spikes have more than one size or sign. */
function isGraded({ sign, bits }: Pick<NeuronOptions, "sign" | "bits">): boolean {
  return sign === "retract" || bits > 1;
}

function codeOf({ bits, sign }: Pick<NeuronOptions, "sign" | "bits">): SpikingCode {
  if (bits > 1) return "burst";
  return sign === "retract" ? "signed-rate" : "rate";
}

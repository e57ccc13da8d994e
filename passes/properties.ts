/**
 * What each property of a module means, as a check. A pass that establishes a property is held to
 * this; the checks look at the ops alone, so they cannot tell how a module came about.
 */
import { hasWeights, isNeuron } from "../ir/op/known.ts";
import { assertNever } from "../ir/diagnostic.ts";
import { type Module, type Property, tensorAt } from "../ir/module.ts";
import { type Op, type ValueId, isOp } from "../ir/op/op.ts";
import { isFloat } from "../ir/type.ts";
import { isFoldable } from "./clean/fold-constants.ts";
import { rectifierCeiling } from "./convert/spiking-form.ts";

/** Why a property does not hold, at one op or (null) of the module as a whole. */
export interface Breach {
  readonly property: Property;
  readonly reason: string;
  readonly value: ValueId | null;
}

/** Every reason why `property` does not hold of `module`; empty where it does. */
export function breachesOf(module: Module, property: Property): readonly Breach[] {
  switch (property) {
    case "canonical":
      return canonicalBreaches(module);
    case "batchnorm-free":
      return eachOp(module, property, (op) =>
        op.kind === "ann.batchnorm" ? "a batch normalisation is left" : null,
      );
    case "spiking":
      return spikingBreaches(module);
    case "balanced":
      return balanced(module);
    case "integer":
      return integer(module);
    default:
      return assertNever(property);
  }
}

function eachOp(
  module: Module,
  property: Property,
  reasonOf: (op: Op) => string | null,
): readonly Breach[] {
  return module.ops.flatMap((op) => {
    const reason = reasonOf(op);
    return reason === null ? [] : [{ property, reason, value: op.result }];
  });
}

function canonicalBreaches(module: Module): readonly Breach[] {
  const constants = new Set<ValueId>();
  for (const op of module.ops) if (op.kind === "ann.constant") constants.add(op.result);
  return eachOp(module, "canonical", (op) => {
    if (op.kind === "ann.identity") return "an identity is left";
    const foldable = op.inputs.length > 0 && op.inputs.every((value) => constants.has(value));
    return foldable && isFoldable(op) ? `${op.kind} works on constants only` : null;
  });
}

function spikingBreaches(module: Module): readonly Breach[] {
  const property = "spiking";
  const domains = new Map(module.ops.map((op) => [op.result, op.type.domain]));
  const whole: Breach[] = [];
  if (module.code === "none") {
    whole.push({ property, reason: "the module has no code", value: null });
  }
  for (const { name, value } of module.outputs) {
    if (domains.get(value) !== "real") {
      whole.push({ property, reason: `output "${name}" is not read out`, value });
    }
  }
  // Behind a read-out analogue functions may stay, rectifiers included. In front of the neurons
  // only the others may, as types keep them away from what changes over time.
  const analogue = new Set<ValueId>();
  const weighted = new Set<ValueId>();
  for (const op of module.ops) {
    if (hasWeights(op) || op.inputs.some((value) => weighted.has(value))) weighted.add(op.result);
    const isDecoder = op.kind === "snn.readout" || op.kind === "snn.accumulate";
    const fromNeurons = isDecoder || op.inputs.some((value) => analogue.has(value));
    if (fromNeurons) analogue.add(op.result);
  }
  // What quantises the input may look like a rectifier.
  const isOfInput = (op: Op): boolean =>
    op.kind === "ann.fake-quantize" && !weighted.has(op.result);
  const left = eachOp(module, property, (op) =>
    rectifierCeiling(op) === null || analogue.has(op.result) || isOfInput(op)
      ? null
      : `${op.kind} is not a neuron`,
  );
  return [...whole, ...left];
}

function balanced(module: Module): readonly Breach[] {
  return eachOp(module, "balanced", (op) => {
    if (!isNeuron(op)) return null;
    const threshold = tensorAt(module, op.attrs.threshold);
    // Those of few-spikes neurons may be any: a spike that always comes has one below all values.
    const least = op.kind === "snn.few-spikes" ? -Infinity : 0;
    const fits = threshold.data.every((value) => value > least && Number.isFinite(value));
    return fits ? null : "a threshold is not a positive number";
  });
}

/**
 * Neurons and what flows to and from them are integers, and spikes of neurons that have one size are 0
 * and 1: floats are only what comes before the encoders and behind the read-outs.
 */
function integer(module: Module): readonly Breach[] {
  return eachOp(module, "integer", (op) => {
    const { domain, dtype } = op.type;
    if (domain !== "real" && isFloat(dtype)) return `${op.kind} makes ${dtype} over time`;
    if (!isNeuron(op)) return null;
    if (isFloat(dtype)) return "a neuron is not made of integers";
    if (!isOp(op, "snn.if")) return null;
    const amplitude = tensorAt(module, op.attrs.amplitude);
    return amplitude.data.every((value) => value === 1) ? null : "a spike is not 1";
  });
}

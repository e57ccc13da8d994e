/** Which neurons of a spiking network stand for which values of the analogue one. By value ids. */
import { isFramedNeuron, isNeuron } from "../../ir/op/known.ts";
import { known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { type NeuronKind, type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { elementCount } from "../../ir/type.ts";
import { producers } from "../../ir/analysis/walk.ts";

/**
 * What neurons send of the value they stand for: what an activation gives, a value of either sign, or
 * where two populations share that, its positive or its negative part.
 */
export type ValuePart = "activation" | "signed" | "positive" | "negative";

/** Neurons, and the value of the ANN that they stand for. */
export interface NeuronPair {
  /** The source node's name, made unique by a number where it is not. */
  readonly name: string;
  readonly part: ValuePart;
  readonly ann: ValueId;
  readonly annInput: ValueId;
  readonly neuron: OpOf<NeuronKind>;
  readonly snnInput: ValueId;
}

/** The pairs in the SNN's order, and the names of the neurons without a counterpart. */
export function pairNeurons(
  ann: Module,
  snn: Module,
): { readonly pairs: readonly NeuronPair[]; readonly unpaired: readonly string[] } {
  const counterparts = producers(ann);
  const makers = producers(snn);
  const pairs: NeuronPair[] = [];
  const unpaired: string[] = [];
  const seen = new Map<string, number>();
  for (const neuron of snn.ops.filter(isNeuron)) {
    const found = counterpartOf(neuron, counterparts, makers);
    const base = shortName(neuron.loc) + (found === null ? "" : suffixes[found.part]);
    const repeats = seen.get(base) ?? 0;
    seen.set(base, repeats + 1);
    const name = repeats === 0 ? base : `${base} (${repeats + 1})`;
    // An integer neuron's values are in a unit of its own, which nobody keeps.
    const fits =
      found !== null &&
      neuron.type.dtype === "f32" &&
      elementCount(found.shape) === elementCount(neuron.type.shape);
    if (!fits) {
      unpaired.push(name);
      continue;
    }
    const { part, ann: value, annInput } = found;
    const snnInput = known(neuron.inputs[0], "a neuron's operand");
    pairs.push({ name, part, ann: value, annInput, neuron, snnInput });
  }
  return { pairs, unpaired };
}

const suffixes: Readonly<Record<ValuePart, string>> = {
  activation: "",
  signed: "",
  positive: " (+)",
  negative: " (−)",
};

interface Counterpart extends Pick<NeuronPair, "part" | "ann" | "annInput"> {
  readonly shape: readonly number[];
}

function counterpartOf(
  neuron: OpOf<NeuronKind>,
  counterparts: ReadonlyMap<ValueId, Op>,
  makers: ReadonlyMap<ValueId, Op>,
): Counterpart | null {
  const activation = counterparts.get(neuron.result);
  const annInput = activation === undefined ? undefined : argumentOf(activation, counterparts);
  if (activation !== undefined && annInput !== undefined) {
    const { result, type } = activation;
    return { part: "activation", ann: result, annInput, shape: type.shape };
  }
  // Neurons that send the changes of a decoded value: the second of two takes them negated.
  const operand = makers.get(known(neuron.inputs[0], "a neuron's operand"));
  const negated = operand !== undefined && isOp(operand, "ann.affine");
  const changes = negated ? makers.get(known(operand.inputs[0], "an operand")) : operand;
  const decoded =
    changes !== undefined && isOp(changes, "snn.difference") ? changes.inputs[0] : undefined;
  // Or of a current, which is the value itself in another form, before weights that it would drive.
  const isFree = isOp(neuron, "snn.graded") && neuron.attrs.sign === "free";
  const sendsCurrents = isFree || isFramedNeuron(neuron);
  // What a fitting pass adds to a current stands between it and the neurons.
  const isShifted = operand !== undefined && isOp(operand, "snn.temporal-bias");
  const current = negated || isShifted ? operand.inputs[0] : neuron.inputs[0];
  const sent = decoded ?? (sendsCurrents ? current : undefined);
  const value = sent === undefined ? undefined : counterparts.get(sent);
  if (value === undefined) return null;
  const part = isFree ? "signed" : negated ? "negative" : "positive";
  return { part, ann: value.result, annInput: value.result, shape: value.type.shape };
}

/** What an activation is a function of: of x · sigmoid(x), which is two ops, x. */
function argumentOf({ kind, inputs }: Op, makers: ReadonlyMap<ValueId, Op>): ValueId | undefined {
  const [first, second] = inputs;
  const gate = first === undefined ? undefined : makers.get(first);
  return kind === "ann.mul" && gate?.inputs[0] === second ? second : first;
}

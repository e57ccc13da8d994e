/**
 * Questions about an op that its traits answer. Whoever wants to know what kind of op it has asks here, so that
 * a new kind is known everywhere once its family states its traits.
 */
import type {
  EncoderKind,
  FramedKind,
  NeuronKind,
  Op,
  OpKind,
  OpOf,
  StatefulKind,
  ValueId,
  WeightedKind,
} from "./op.ts";
import { specOf } from "./table.ts";
import type { Traits } from "./traits.ts";

/** What is known of the op's kind. */
export function traitsOf(op: Pick<Op, "kind">): Traits<OpKind> {
  return specOf(op.kind).traits;
}

/** Whether the op is a population of neurons. */
export function isNeuron(op: Op): op is OpOf<NeuronKind> {
  return traitsOf(op).isNeuron;
}

/** Whether the op makes spikes of a value: it sends, and is no neuron. */
export function isEncoder(op: Op): op is OpOf<EncoderKind> {
  return traitsOf(op).isEncoder;
}

/** The populations of neurons of a module, in order. */
export function neuronsOf({ ops }: { readonly ops: readonly Op[] }): readonly OpOf<NeuronKind>[] {
  return ops.filter(isNeuron);
}

/** Whether the op's result may change from timestep to timestep though its operands do not. */
export function variesByItself(op: Op): boolean {
  return traitsOf(op).time !== "none";
}

/** Whether the op brings in values that change over time: from outside, or from the timestep before. */
export function isSourceOverTime(op: Op): boolean {
  return traitsOf(op).structure === "source" && variesByItself(op);
}

/** Whether the op's result at a timestep depends on earlier ones. */
export function isStateful(op: Op): op is OpOf<StatefulKind> {
  const { time } = traitsOf(op);
  return time === "sums" || time === "steps";
}

/** Whether the op fires only when the frame of its operand is complete. */
export function isFramedNeuron(op: Op): op is OpOf<FramedKind> {
  return traitsOf(op).time === "frame";
}

/** Whether the op has a weight for each connection, and may have a bias. */
export function isWeighted(op: Op): op is OpOf<WeightedKind> {
  return traitsOf(op).weights === "attribute";
}

/** Whether the op weights its operand: what spikes are for. */
export function hasWeights(op: Op): boolean {
  return traitsOf(op).weights !== "none";
}

/** Whether each element of the result is one of an operand's, or a constant. */
export function isMove(op: Op): boolean {
  return traitsOf(op).structure === "move";
}

/** Whether the op is the same function at every place, of the elements there. */
export function isUniform(op: Op): boolean {
  return traitsOf(op).structure === "uniform";
}

/** Whether the op is the same function of one number at every place, and a larger one never gives less. */
export function isMonotone(op: Op): boolean {
  const { monotone } = traitsOf(op);
  return isUniform(op) && (typeof monotone === "boolean" ? monotone : monotone(op.attrs));
}

/** Whether the op is a product: linear in one operand, as long as the others stay the same. */
export function isProduct(op: Op): boolean {
  const { linear } = traitsOf(op);
  return linear === "one" || linear === "first";
}

/** The axis of the op's value that its biases and weights number; see `Channels`. */
export function ownChannelAxis(op: Op): number {
  const { length } = op.type.shape;
  if (traitsOf(op).channels === "last") return Math.max(0, length - 1);
  return length >= 2 ? 1 : 0;
}

/**
 * The operands, by number, whose elements `op` moves about: what a spike is made of and where it is
 * counted goes along with them. Null for an op that computes, and where indices are no constants.
 */
export function movedOperands(
  op: Op,
  opOf: (value: ValueId) => Op | undefined,
): readonly number[] | null {
  if (isMove(op)) return op.inputs.map((_, i) => i);
  if (traitsOf(op).structure !== "pick") return null;
  const [, indices] = op.inputs;
  const isConstant = indices !== undefined && opOf(indices)?.kind === "ann.constant";
  return isConstant ? [0] : null;
}

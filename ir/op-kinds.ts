/** Kinds of ops that belong together: neurons, ops that start anew, and ops that only move elements. */
import type { Op, OpKind, OpOf, ValueId } from "./op.ts";

/** Ops that are populations of neurons: they fire, and have a membrane potential. */
export const neuronKinds = [
  "snn.if",
  "snn.rehearsed-if",
  "snn.graded",
  "snn.lif",
  "snn.few-spikes",
  "snn.ttfs",
] as const satisfies readonly OpKind[];
export type NeuronKind = (typeof neuronKinds)[number];

/** Whether the op is a population of neurons. */
export function isNeuron(op: Op): op is OpOf<NeuronKind> {
  return isOp(op, ...neuronKinds);
}

/** Ops that start anew after `rehearsal` timesteps. */
export const rehearsedKinds = [
  "snn.rehearsed-if",
  "snn.rehearsed-max-pool",
  "snn.rehearsed-readout",
] as const satisfies readonly OpKind[];

/** Ops that move elements of their operands about and compute nothing. */
const moveKinds = [
  "ann.identity",
  "ann.reshape",
  "ann.transpose",
  "ann.concat",
  "ann.slice",
  "ann.pad",
  "ann.expand",
  "ann.tile",
  "ann.trilu",
] as const satisfies readonly OpKind[];

/** Ops that move elements of their first operands to where the second says. */
const gatherKinds = [
  "ann.gather",
  "ann.gather-elements",
  "ann.gather-nd",
] as const satisfies readonly OpKind[];

/** Whether each element of the result is one of an operand's, or a constant. */
export function isMove(op: Op): op is OpOf<(typeof moveKinds)[number]> {
  return isOp(op, ...moveKinds);
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
  if (!isOp(op, ...gatherKinds)) return null;
  const [, indices] = op.inputs;
  const isConstant = indices !== undefined && opOf(indices)?.kind === "ann.constant";
  return isConstant ? [0] : null;
}

/** Narrows an op to the kinds named. */
export function isOp<K extends OpKind>(op: Op, ...kinds: readonly K[]): op is OpOf<K> {
  return kinds.some((kind) => kind === op.kind);
}

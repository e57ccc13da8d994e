/**
 * The op set: one map from op kind to attributes. Everything else about an op (types, meaning,
 * text) follows this map, and TypeScript lists each table that lacks a new key.
 *
 * `ann.*` ops mean what their ONNX namesakes mean, with every attribute explicit and resolved to
 * the shapes at hand. `snn.*` ops have a state or look across timesteps. Synaptic and structural
 * `ann.*` ops are shared by both kinds of network.
 */
import type { Loc } from "../loc.ts";
import type { SourceOps } from "./attrs/source.ts";
import type { SynapseOps } from "./attrs/synapse.ts";
import type { ContractionOps } from "./attrs/contraction.ts";
import type { PoolOps } from "./attrs/pool.ts";
import type { NormOps } from "./attrs/norm.ts";
import type { ElementwiseOps } from "./attrs/elementwise.ts";
import type { ShapeOps } from "./attrs/shape.ts";
import type { SelectOps } from "./attrs/select.ts";
import type { ReduceOps } from "./attrs/reduce.ts";
import type { NeuronOps } from "./attrs/neurons.ts";
import type { TimeOps } from "./attrs/time.ts";
import type { None, ReduceAttrs } from "./attrs/shared.ts";
import type { BinaryName, ReduceName, UnaryName } from "./names.ts";
import type { Type } from "../type.ts";

export type {
  ReduceAttrs,
  WindowAttrs,
  PoolAttrs,
  ArgAttrs,
  Alphabet,
  Sign,
  Rounding,
  StepSchedule,
} from "./attrs/shared.ts";
export {
  binaryNames,
  reduceNames,
  unaryNames,
  type BinaryName,
  type ReduceName,
  type UnaryName,
} from "./names.ts";

/** Attributes of the ops that are written out by family, in `attrs/`. */
type WrittenAttrs = SourceOps &
  SynapseOps &
  ContractionOps &
  PoolOps &
  NormOps &
  ElementwiseOps &
  ShapeOps &
  SelectOps &
  ReduceOps &
  NeuronOps &
  TimeOps;

/** Attributes of every op, by kind. */
export type OpAttrs = { readonly [U in UnaryName as `ann.${U}`]: None } & {
  readonly [B in BinaryName as `ann.${B}`]: None;
} & { readonly [R in ReduceName as `ann.reduce-${R}`]: ReduceAttrs } & WrittenAttrs;

export type OpKind = keyof OpAttrs;

declare const valueId: unique symbol;
/** The result of one op. Branded, so that a plain number cannot pass for one. */
export type ValueId = number & { readonly [valueId]: true };

/** One op in the graph: `%result = kind(inputs) {attrs} : type`. */
export type Op<K extends OpKind = OpKind> = {
  [P in K]: {
    readonly kind: P;
    readonly result: ValueId;
    readonly inputs: readonly ValueId[];
    readonly attrs: OpAttrs[P];
    readonly type: Type;
    readonly loc: Loc;
  };
}[K];

/** The members of the union whose kind is one of `K`. */
export type OpOf<K extends OpKind> = Extract<Op, { readonly kind: K }>;

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

/** Ops whose value the caller gives: the same at every timestep, or a frame for each. */
export const inputKinds = ["ann.input", "snn.input"] as const satisfies readonly OpKind[];
export type InputKind = (typeof inputKinds)[number];

/** Whether the caller gives the op's value. */
export function isInput(op: Op): op is OpOf<InputKind> {
  return isOp(op, ...inputKinds);
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

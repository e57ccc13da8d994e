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
import type { EncoderOps } from "./attrs/encoders.ts";
import type { NeuronOps } from "./attrs/neurons.ts";
import type { TimeOps } from "./attrs/time.ts";
import type { None, ReduceAttrs } from "./attrs/shared.ts";
import type { BinaryName, ReduceName, UnaryName } from "./names.ts";
import type { TensorRef } from "../tensor.ts";
import type { Type } from "../type.ts";

export type {
  ReduceAttrs,
  WindowAttrs,
  PoolAttrs,
  ArgAttrs,
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
  TimeOps &
  EncoderOps;

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

/** Populations of neurons: they fire, and have a membrane potential. */
export type NeuronKind = keyof NeuronOps;

/** What looks across timesteps: neurons, encoders, pools of running sums, decoders. */
export type SpikingKind = NeuronKind | EncoderKind | keyof TimeOps;

/** Ops whose value the caller gives: the same at every timestep, or a frame for each. */
export const inputKinds = ["ann.input", "snn.input"] as const satisfies readonly OpKind[];
export type InputKind = (typeof inputKinds)[number];

/** Whether the caller gives the op's value. */
export function isInput(op: Op): op is OpOf<InputKind> {
  return isOp(op, ...inputKinds);
}

/** Ops that make spikes of values: they send, and are no neurons. */
export type EncoderKind = keyof EncoderOps;

/** Neurons that take the frame of their operand as a whole. */
export type FramedKind = "snn.few-spikes" | "snn.ttfs";

/** Kinds that are stepped through time with a state. */
export type StatefulKind = Exclude<SpikingKind, FramedKind>;

/** Synapses with a weight for each connection, and a bias. */
export type WeightedKind = KindWith<{
  readonly weight: TensorRef;
  readonly bias: TensorRef | null;
}>;

/** Kinds that start anew after `rehearsal` timesteps. */
export type RehearsedKind = KindWith<{ readonly rehearsal: number }>;

/** The kinds that have these attributes. */
type KindWith<A> = { [K in OpKind]: OpAttrs[K] extends A ? K : never }[OpKind];

/** Narrows an op to the kinds named. */
export function isOp<K extends OpKind>(op: Op, ...kinds: readonly K[]): op is OpOf<K> {
  return kinds.some((kind) => kind === op.kind);
}

/** Whether the op starts anew after `rehearsal` timesteps. */
export function isRehearsed(op: Op): op is OpOf<RehearsedKind> {
  return Object.hasOwn(op.attrs, "rehearsal");
}

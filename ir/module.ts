/**
 * A network: ops in topological order, the tensors they name, and what is claimed of the whole.
 * Immutable; a pass makes a new one and shares what it did not change.
 */
import { isSourceOverTime } from "./op/known.ts";
import { known } from "./diagnostic.ts";
import {
  type InputKind,
  type Op,
  type OpKind,
  type OpOf,
  type ValueId,
  inputKinds,
  isOp,
  isRehearsed,
} from "./op/op.ts";
import type { Tensor, TensorRef } from "./tensor.ts";

/**
 * The code of a module: how a value is carried by spikes. `none` before conversion: values are what
 * they are at each timestep, and there is one timestep unless an input changes over time or a value comes back.
 *
 * - `rate`: the mean over the timesteps of spikes of one size; can be read at any t.
 * - `signed-rate`: the same with spikes of either sign.
 * - `burst`: the same with spikes of several sizes.
 * - `differential`: the sum of spikes whose sizes may shrink over time; can be read at any t.
 * - `few-spikes`, `ttfs`: the sum over a frame of T timesteps. A neuron fires when the frames of all
 *   its operands are complete, so layers follow one another, and there is one answer, at the end.
 */
export type Code =
  "none" | "rate" | "signed-rate" | "burst" | "differential" | "few-spikes" | "ttfs";

export const codes = [
  "none",
  "rate",
  "signed-rate",
  "burst",
  "differential",
  "few-spikes",
  "ttfs",
] as const satisfies readonly Code[];

export type SpikingCode = Exclude<Code, "none">;

export const spikingCodes = codes.filter((code): code is SpikingCode => code !== "none");

export interface CodeTraits {
  /** How outputs are read: a mean or a sum over the timesteps, or a sum over a frame for each layer. */
  readonly decoder: "mean" | "sum" | "frame";
  /** Timesteps that a network of this code is made for unless somebody says otherwise. */
  readonly timesteps: number;
  /** What a timestep more adds: a level to those that a value can have, or a binary digit. */
  readonly gains: "levels" | "digits";
  /** Whether its spikes have a number of bits that can be chosen. */
  readonly hasBits: boolean;
}

/** What is known of each code; their neurons are in `ir/op/attrs/neurons.ts`. */
export const codeTraits: Readonly<Record<SpikingCode, CodeTraits>> = {
  rate: { decoder: "mean", timesteps: 32, gains: "levels", hasBits: false },
  "signed-rate": { decoder: "mean", timesteps: 16, gains: "levels", hasBits: false },
  burst: { decoder: "mean", timesteps: 4, gains: "levels", hasBits: true },
  differential: { decoder: "sum", timesteps: 4, gains: "digits", hasBits: true },
  // Eight binary digits.
  "few-spikes": { decoder: "frame", timesteps: 8, gains: "digits", hasBits: false },
  // Time in eight bits.
  ttfs: { decoder: "frame", timesteps: 255, gains: "levels", hasBits: false },
};

/** The traits of a code; null of a network that is not spiking. */
export function codeTraitsOf(code: Code): CodeTraits | null {
  return code === "none" ? null : codeTraits[code];
}

/** Whether neurons of this code fire only when the frames of their operands are complete. */
export function isFramed(code: Code): boolean {
  return codeTraitsOf(code)?.decoder === "frame";
}

/** Whether a network differs from timestep to timestep: it spikes, or what comes in or back changes. */
export function isOverTime(module: Pick<Module, "code" | "ops">): boolean {
  return module.code !== "none" || module.ops.some(isSourceOverTime);
}

/**
 * How many answers a run of `timesteps` gives: one at each timestep, but a single one where nothing
 * happens over time, or where there is nothing to read before the last frame is complete.
 */
export function answersOf(module: Pick<Module, "code" | "ops">, timesteps: number): number {
  return !isOverTime(module) || isFramed(module.code) ? 1 : timesteps;
}

/**
 * What passes may claim of a whole module; `passes/properties.ts` has the checker of each.
 *
 * - `canonical`: no dropouts, identities, or ops on constants only.
 * - `batchnorm-free`: no `ann.batchnorm`.
 * - `spiking`: every activation is a neuron; the outputs are read out.
 * - `balanced`: thresholds were chosen from calibration statistics.
 * - `integer`: everything between the encoder of the input and the read-out is made of integers.
 */
export type Property = "canonical" | "batchnorm-free" | "spiking" | "balanced" | "integer";

export const properties = [
  "canonical",
  "batchnorm-free",
  "spiking",
  "balanced",
  "integer",
] as const satisfies readonly Property[];

/**
 * Timesteps of a run, at most: a network's own, those asked for, and the frames of the longest sample. Buffers of
 * engines grow with them.
 */
export const maxTimesteps = 1_000_000;

export interface Output {
  /** The name that the source model gives this output. */
  readonly name: string;
  readonly value: ValueId;
}

/** Feedback: what a value is at t is what an `snn.previous` gives at t + 1. */
export interface Carry {
  /** The value that is carried; it may be made behind the op that it comes back in. */
  readonly value: ValueId;
  /** The result of the `snn.previous`, which has no other carry. */
  readonly source: ValueId;
}

export interface Module {
  readonly name: string;
  readonly code: Code;
  /** Timesteps a run takes unless the caller says otherwise; 1 where nothing is over time. */
  readonly timesteps: number;
  readonly ops: readonly Op[];
  readonly outputs: readonly Output[];
  /** One for each `snn.previous`; in no particular order. */
  readonly carries: readonly Carry[];
  readonly tensors: ReadonlyMap<TensorRef, Tensor>;
  readonly properties: ReadonlySet<Property>;
  /**
   * Spikes per neuron and timestep on calibration samples, of neuron ops for which they were measured. Engines may
   * choose between ways of computing the same by them; nothing that a network computes depends on them.
   */
  readonly rates?: ReadonlyMap<ValueId, number>;
  /**
   * Bits that the weights of a synapse are to have when they become integers, of synapses for which they were
   * chosen. Kept by whatever keeps the synapse.
   */
  readonly weightBits?: ReadonlyMap<ValueId, number>;
}

/** The op that makes `value`. */
export function producerOf(module: Module, value: ValueId): Op {
  const { ops } = module;
  let made = makers.get(ops);
  // A builder's list may have grown since.
  if (made?.size !== ops.length) {
    made = new Map(ops.map((op) => [op.result, op]));
    makers.set(ops, made);
  }
  return known(made.get(value), `the op that makes %${value}`);
}

/** What makes each value, for each list of ops that was asked about. */
const makers = new WeakMap<readonly Op[], ReadonlyMap<ValueId, Op>>();

/** The tensor that `ref` names. */
export function tensorAt(module: Pick<Module, "tensors">, ref: TensorRef): Tensor {
  return known(module.tensors.get(ref), `tensor @${ref}`);
}

/** The module's inputs, in the order of the source model. */
export function inputsOf(module: Pick<Module, "ops">): readonly OpOf<InputKind>[] {
  return opsOf(module, ...inputKinds);
}

/** The value that comes back in each `snn.previous`, by the result of that op. */
export function carriedTo({ carries }: Pick<Module, "carries">): ReadonlyMap<ValueId, ValueId> {
  return new Map(carries.map(({ value, source }) => [source, value]));
}

/** Timesteps after which the network starts anew; 0 where it does not rehearse. */
export function rehearsalOf(module: Module): number {
  const rehearsals = module.ops.filter(isRehearsed).map(({ attrs }) => attrs.rehearsal);
  return Math.max(0, ...rehearsals);
}

/** All ops of some kinds, in order. */
export function opsOf<K extends OpKind>(
  module: Pick<Module, "ops">,
  ...kinds: readonly K[]
): readonly OpOf<K>[] {
  return module.ops.filter((op): op is OpOf<K> => isOp(op, ...kinds));
}

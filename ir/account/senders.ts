/**
 * Who sends words, and how many weights each word meets: the fan-out of every neuron, through all that
 * words are moved, scaled and summed by on their way. Worked out backwards, from synapses to neurons; the
 * interpreter counts forwards, word by word.
 */
import { isEncoder, isNeuron, movedOperands } from "../op/known.ts";
import { known } from "../diagnostic.ts";
import { evaluate } from "../run/evaluate.ts";
import { type Module, carriedTo, producerOf, tensorAt } from "../module.ts";
import {
  type EncoderKind,
  type NeuronKind,
  type Op,
  type OpOf,
  type ValueId,
  isOp,
} from "../op/op.ts";
import { broadcastIndices } from "../semantics/semantics.ts";
import type { TensorLookup } from "../op/table.ts";
import { tensorOf } from "../tensor.ts";
import { elementCount } from "../type.ts";
import { type Drive, drivesOf, isDrivenBySpikes } from "./drive.ts";
import { synapseOf } from "./synapse.ts";

/** Neurons, encoders, and pools that let through the spikes of the neuron that has fired most. */
export type SenderOp = OpOf<NeuronKind | EncoderKind | "snn.max-pool" | "snn.rehearsed-max-pool">;

export interface Sender {
  readonly op: SenderOp;
  /** Timesteps between the word and these connections: 0, or more where words come back. */
  readonly delay: number;
  /** Connections that a word of each element meets, [numel]. */
  readonly fanOut: Float64Array;
  /** Whether a word times a weight is an addition, of the weight or of the shifted weight. */
  readonly isPlain: boolean;
  /** Whether a word may have more than one binary digit set. */
  readonly hasWords: boolean;
}

/** What sends in a module, in its order: once for its own timestep, and once for each later one. */
export function sendersOf(module: Module): readonly Sender[] {
  const drives = drivesOf(module);
  const fanOuts = fanOutsOf(module, drives);
  const tensors: TensorLookup = (ref) => tensorAt(module, ref);
  return module.ops.filter(isSenderIn(drives)).flatMap((op) =>
    fanOutsIn(fanOuts, op).map(({ delay, fanOut }): Sender => {
      return { op, delay, fanOut, isPlain: isPlain(op, tensors), hasWords: hasWords(op) };
    }),
  );
}

/** The connections of an op's words: those of its own timestep, and of each later one that has any. */
export function fanOutsIn(
  fanOuts: FanOuts,
  { result, type }: Op,
): readonly { readonly delay: number; readonly fanOut: Float64Array }[] {
  const all = fanOuts.map((each) => each.get(result));
  const now = all[0] ?? new Float64Array(elementCount(type.shape));
  return [
    { delay: 0, fanOut: now },
    ...all.flatMap((fanOut, delay) =>
      fanOut === undefined || delay === 0 ? [] : [{ delay, fanOut }],
    ),
  ];
}

/** Whether an op of the module is a sender. */
export function isSenderIn(drives: ReadonlyMap<ValueId, Drive>): (op: Op) => op is SenderOp {
  return (op): op is SenderOp =>
    isNeuron(op) ||
    isEncoder(op) ||
    (isOp(op, "snn.max-pool", "snn.rehearsed-max-pool") && drives.get(op.result) === "units");
}

/**
 * Whether a word times a weight is an addition: it is 1 or −1 of a unit that stays the same, or one power
 * of two of it, so that the receiver shifts. Otherwise it is a multiply-accumulate.
 */
export function isPlain(op: SenderOp, tensors: TensorLookup): boolean {
  return !hasWords(op) && hasShiftedSteps(op, tensors);
}

/**
 * Whether all steps of a neuron are powers of two of each other, so that each binary digit of its words
 * adds a shifted weight; otherwise a receiver multiplies.
 */
export function hasShiftedSteps(op: SenderOp, tensors: TensorLookup): boolean {
  if (isOp(op, "snn.few-spikes")) return isPowersOfFirst(op.attrs.amplitude, tensors);
  if (!isOp(op, "snn.graded")) return true;
  const { schedule, shares } = op.attrs;
  switch (schedule) {
    case "constant":
    case "halving":
      return true;
    case "reciprocal":
      return false;
    case "table":
      return shares !== null && isPowersOfFirst(shares, tensors);
  }
}

function hasWords(op: SenderOp): boolean {
  if (isOp(op, "snn.ttfs")) return true;
  return isOp(op, "snn.graded") && op.attrs.alphabet === "word" && op.attrs.bits > 1;
}

/** Whether each row of a table [R, …] is its first row times powers of two, element by element. */
function isPowersOfFirst(ref: string, tensors: TensorLookup): boolean {
  const { shape, data } = tensors(ref);
  const size = elementCount(shape.slice(1));
  return Array.from(data).every((value, i) => {
    const first = data[i % size] ?? 0;
    return value === 0 || Number.isInteger(Math.log2(Math.abs(value / first)));
  });
}

/** By the number of timesteps between: connections by the value of each sender and input of spikes, [numel]. */
export type FanOuts = readonly ReadonlyMap<ValueId, Float64Array>[];

export function fanOutsOf(module: Module, drives: ReadonlyMap<ValueId, Drive>): FanOuts {
  const all: ReadonlyMap<ValueId, Float64Array>[] = [];
  // It ends: words that go round without a neuron between are no words.
  for (let seeds: ReadonlyMap<ValueId, Float64Array> | null = null; ;) {
    const found = fanOutsFrom(module, drives, seeds);
    all.push(found.ofSenders);
    if (found.before.size === 0) return all;
    seeds = found.before;
  }
}

/**
 * Connections of senders within a timestep: those of all synapses, or those that words have which are
 * carried to the next timestep (`seeds`, by the values that are carried). What comes back in the ops of
 * this timestep has them a timestep earlier: `before`.
 */
function fanOutsFrom(
  module: Module,
  drives: ReadonlyMap<ValueId, Drive>,
  seeds: ReadonlyMap<ValueId, Float64Array> | null,
): {
  readonly ofSenders: ReadonlyMap<ValueId, Float64Array>;
  readonly before: ReadonlyMap<ValueId, Float64Array>;
} {
  const carried = carriedTo(module);
  const before = new Map<ValueId, Float64Array>();
  const opOf = (value: ValueId): Op => producerOf(module, value);
  const driveOf = (value: ValueId): Drive => known(drives.get(value), `the drive of %${value}`);
  const tensors: TensorLookup = (ref) => tensorAt(module, ref);
  const isSender = isSenderIn(drives);
  const fanOuts = new Map(seeds);
  const add = (value: ValueId, degrees: Float64Array): void => {
    if (!isDrivenBySpikes(driveOf(value))) return;
    fanOuts.set(value, plusDegrees(fanOuts.get(value), degrees));
  };
  // Backwards, so that all that a value meets is known before it is handed on.
  for (const op of module.ops.toReversed()) {
    const own = fanOuts.get(op.result);
    if (own !== undefined && isOp(op, "snn.previous")) {
      fanOuts.delete(op.result);
      const value = known(carried.get(op.result), "what is carried");
      before.set(value, plusDegrees(before.get(value), own));
    } else if (own !== undefined && !isSender(op) && !isOp(op, "snn.input")) {
      fanOuts.delete(op.result);
      handOn(op, own, opOf, tensors).forEach((degrees, i) => {
        add(known(op.inputs[i], "an operand"), degrees);
      });
    }
    const synapse = seeds === null ? synapseOf(op, driveOf, opOf, tensors) : null;
    if (synapse !== null) add(known(op.inputs[synapse.operand], "an operand"), synapse.degrees);
  }
  return { ofSenders: fanOuts, before };
}

function plusDegrees(a: Float64Array | undefined, b: Float64Array): Float64Array {
  return b.map((degree, i) => degree + (a?.[i] ?? 0));
}

/** The connections of an op's result as those of the elements of each operand; of an index none. */
function handOn(
  op: Op,
  degrees: Float64Array,
  opOf: (value: ValueId) => Op,
  tensors: TensorLookup,
): readonly Float64Array[] {
  const moved = movedOperands(op, opOf);
  if (moved !== null) return ofMove(op, moved, degrees, opOf, tensors);
  return op.inputs.map((value) => {
    const { shape } = opOf(value).type;
    const at = broadcastIndices(shape, op.type.shape);
    const sums = new Float64Array(elementCount(shape));
    at.forEach((from, to) => (sums[from] = (sums[from] ?? 0) + (degrees[to] ?? 0)));
    return sums;
  });
}

/** The same for a move, which says where elements go by being run on their numbers. */
function ofMove(
  op: Op,
  moved: readonly number[],
  degrees: Float64Array,
  opOf: (value: ValueId) => Op,
  tensors: TensorLookup,
): readonly Float64Array[] {
  // Elements by number, from 1 on: 0 is padding.
  let next = 1;
  const firsts = op.inputs.map((value, i) => {
    const first = next;
    if (moved.includes(i)) next += elementCount(opOf(value).type.shape);
    return first;
  });
  const operands = op.inputs.map((value, i) => {
    const producer = opOf(value);
    if (!moved.includes(i) && isOp(producer, "ann.constant")) return tensors(producer.attrs.value);
    const { shape } = producer.type;
    const first = known(firsts[i], "a first number");
    const numbers = Int32Array.from({ length: elementCount(shape) }, (_, k) => first + k);
    return tensorOf("i32", shape, numbers);
  });
  const from = evaluate({ ...op, type: { ...op.type, dtype: "i32" } }, operands, tensors);
  const sums = new Float64Array(next);
  from.data.forEach((source, i) => (sums[source] = (sums[source] ?? 0) + (degrees[i] ?? 0)));
  return op.inputs.map((value, i) => {
    const size = elementCount(opOf(value).type.shape);
    const first = known(firsts[i], "a first number");
    return moved.includes(i) ? sums.slice(first, first + size) : new Float64Array(size);
  });
}

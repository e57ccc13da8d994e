/**
 * What drives a value, and with it the weights that it is an operand of: spikes, or a number that is
 * there at every timestep. One rule for the counts, for what a conversion has still to mend, and for
 * what is said of a network.
 *
 * Words of neurons stay words where they are moved about, where they are scaled by constants, and where
 * words of several neurons meet in a sum, as a weighted sum is the sum of the weighted words. Anything
 * else that is computed of them is a current, whatever it was before.
 */
import { isEncoder, isNeuron, variesByItself, movedOperands, traitsOf } from "../op/known.ts";
import { known } from "../diagnostic.ts";
import { type Module, tensorAt } from "../module.ts";
import {
  type EncoderKind,
  type NeuronKind,
  type Op,
  type OpOf,
  type ValueId,
  isOp,
} from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import type { Tensor } from "../tensor.ts";

/**
 * - `still`: the same at every timestep of a run.
 * - `spikes`: words of neurons, of encoders or from outside, each of which is an event at every synapse that
 *   it meets.
 * - `units`: the same, of those whose words are 1 and −1 of a unit that is the same for a channel and
 *   does not change over time.
 * - `current`: any other value that changes: weights on it multiply at every timestep.
 */
export type Drive = "still" | "spikes" | "units" | "current";

export function isDrivenBySpikes(drive: Drive): boolean {
  return drive === "spikes" || drive === "units";
}

/** The drive of an op's result by those of its operands; `opOf` finds the ops that make these. */
export function driveOf(
  op: Op,
  operands: readonly Drive[],
  opOf: (value: ValueId) => Op | undefined,
  tensors: TensorLookup,
): Drive {
  if (isOp(op, "snn.input")) return op.type.domain === "spike" ? "spikes" : "current";
  // What is carried says more: `drivesOf` looks there.
  if (isOp(op, "snn.previous")) return "current";
  if (isNeuron(op) || isEncoder(op)) {
    return hasUnitWords(op) && isByChannel(op, tensors) ? "units" : "spikes";
  }
  if (operands.every((drive) => drive === "still")) {
    // The difference of what stays the same is there at the first timestep, and 0 from then on.
    const stays = !variesByItself(op) || isSilence(op, opOf, tensors);
    return stays ? "still" : "current";
  }
  // The largest of sums of ones changes by one at most; of other sums it changes by any difference.
  if (isOp(op, "snn.max-pool", "snn.rehearsed-max-pool")) {
    return operands[0] === "units" ? "units" : "current";
  }
  if (!isCarrying(op, opOf, tensors)) return "current";
  const carried = operands.filter(
    (drive, i) => !(drive === "still" && isNothing(op, i, opOf, tensors)),
  );
  if (carried.every((drive) => drive === "units") && movedOperands(op, opOf) !== null)
    return "units";
  return carried.every(isDrivenBySpikes) ? "spikes" : "current";
}

/**
 * The drive of every value of a module. Words of neurons stay words where they come back timesteps later,
 * if what is carried is of domain `spike`; words that go round without a neuron between do not.
 */
export function drivesOf(
  module: Pick<Module, "ops" | "tensors" | "carries">,
): ReadonlyMap<ValueId, Drive> {
  const coming = new Map<ValueId, Drive>();
  const spiking = new Set(
    module.ops.filter(({ type }) => type.domain === "spike").map(({ result }) => result),
  );
  for (;;) {
    const drives = drivesGiven(module, coming);
    let changed = false;
    for (const { value, source } of module.carries) {
      const drive = known(drives.get(value), `the drive of %${value}`);
      if (!spiking.has(source) || !isDrivenBySpikes(drive)) continue;
      if (coming.get(source) === drive) continue;
      coming.set(source, drive);
      changed = true;
    }
    if (!changed) return drives;
  }
}

/** The same where it is known what drives some values that come back. */
function drivesGiven(
  module: Pick<Module, "ops" | "tensors">,
  coming: ReadonlyMap<ValueId, Drive>,
): ReadonlyMap<ValueId, Drive> {
  const ops = new Map<ValueId, Op>();
  const drives = new Map<ValueId, Drive>();
  const tensors: TensorLookup = (ref) => tensorAt(module, ref);
  for (const op of module.ops) {
    const operands = op.inputs.map((value) => known(drives.get(value), `the drive of %${value}`));
    drives.set(
      op.result,
      coming.get(op.result) ?? driveOf(op, operands, (value) => ops.get(value), tensors),
    );
    ops.set(op.result, op);
  }
  return drives;
}

/** Whether a neuron or an encoder sends 1 or −1 of a unit that is the same at every timestep, and nothing else. */
function hasUnitWords(op: OpOf<NeuronKind | EncoderKind>): boolean {
  switch (op.kind) {
    case "snn.if":
    case "snn.rehearsed-if":
    case "snn.lif":
    case "snn.poisson-encode":
    case "snn.latency-encode":
    case "snn.delta-encode":
      return true;
    case "snn.graded":
      return op.attrs.bits === 1 && op.attrs.schedule === "constant";
    case "snn.few-spikes":
    case "snn.ttfs":
    // A phase has the size of its binary digit.
    case "snn.phase-encode":
      return false;
  }
}

/** Whether neurons of one channel send units of one size: the amplitude varies along axis 1 alone. */
function isByChannel(
  { attrs, type }: OpOf<NeuronKind | EncoderKind>,
  tensors: TensorLookup,
): boolean {
  const { shape } = tensors(attrs.amplitude);
  const missing = type.shape.length - shape.length;
  return shape.every((extent, axis) => extent === 1 || missing + axis === 1);
}

/** Whether words among the operands are words in the result, if all that is not nothing are words. */
function isCarrying(
  op: Op,
  opOf: (value: ValueId) => Op | undefined,
  tensors: TensorLookup,
): boolean {
  if (isOp(op, "ann.affine")) return tensors(op.attrs.shift).data.every((x) => x === 0);
  if (isOp(op, "ann.pad") && op.attrs.mode === "constant") return op.attrs.value === 0;
  const { carriesWords, structure } = traitsOf(op);
  return carriesWords && (structure !== "pick" || movedOperands(op, opOf) !== null);
}

/** Whether operand `i` brings nothing: zeros, or the indices of a move. */
export function isNothing(
  op: Op,
  i: number,
  opOf: (value: ValueId) => Op | undefined,
  tensors: TensorLookup,
): boolean {
  const value = known(op.inputs[i], "an operand");
  const moved = movedOperands(op, opOf);
  if (moved !== null && !moved.includes(i)) return true;
  const producer = opOf(value);
  if (producer === undefined) return false;
  if (isOp(producer, "ann.constant")) return isZero(tensors(producer.attrs.value));
  return isSilence(producer, opOf, tensors);
}

/** Whether an op makes increments of nothing: what stands in for a constant term among increments. */
function isSilence(
  op: Op,
  opOf: (value: ValueId) => Op | undefined,
  tensors: TensorLookup,
): boolean {
  return isOp(op, "snn.difference") && isNothing(op, 0, opOf, tensors);
}

function isZero({ data }: Tensor): boolean {
  return data.every((x) => x === 0);
}

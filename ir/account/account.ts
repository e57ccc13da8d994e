/**
 * What a network computes whether it spikes or not: products of weights with what is not a spike, products
 * of values, all other ops, and the updates of its neurons. It follows from the network alone, so no
 * engine counts it; with what an engine did count it makes the work of a run (`work.ts`).
 *
 * In a framed code a step is a frame: what no spike drives is computed once for a frame, on its sum.
 */
import { isEncoder, isNeuron } from "../op/known.ts";
import { known } from "../diagnostic.ts";
import { type Module, isFramed, isOverTime, producerOf, tensorAt } from "../module.ts";
import { type NeuronKind, type Op, type OpOf, type ValueId, isOp } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import { elementCount } from "../type.ts";
import { neuronDepth } from "../analysis/walk.ts";
import { type NeuronCost, costOf, neuronCost } from "./costs.ts";
import { type Drive, drivesOf, isDrivenBySpikes } from "./drive.ts";
import { type Operations, noOperations, plus } from "./operations.ts";
import { hasShiftedSteps } from "./senders.ts";
import { synapseOf } from "./synapse.ts";

export interface Account {
  /** Products of weights with what stays the same during a run: the first layer. Once per run. */
  readonly inputProducts: number;
  /** Products of weights with currents and decoded values, at every timestep. */
  readonly currentProducts: number;
  /** Products of two values that change, at every timestep. */
  readonly valueProducts: number;
  /** The same of values that stay the same, once per run: all of them in a network without time. */
  readonly stillProducts: number;
  /** The ops that `currentProducts` are of. */
  readonly realLayers: readonly Op[];
  /** All other ops, and biases: what is computed once, and what at every timestep. */
  readonly other: { readonly once: Operations; readonly each: Operations };
  readonly neurons: readonly NeuronAccount[];
}

/** What the neurons of one op do besides their synapses. */
export interface NeuronAccount {
  readonly op: OpOf<NeuronKind>;
  readonly neurons: number;
  /** Timesteps in one step of a run: those of a frame, or 1. */
  readonly ticks: number;
  /** Whether words may be counted by their bits, as additions: steps are powers of two of each other. */
  readonly shifts: boolean;
  /** Of one neuron. */
  readonly cost: NeuronCost;
}

/** The account of a module. */
export function accountOf(module: Module): Account {
  const drives = drivesOf(module);
  const opOf = (value: ValueId): Op => producerOf(module, value);
  const driveOf = (value: ValueId): Drive => known(drives.get(value), `the drive of %${value}`);
  const tensors: TensorLookup = (ref) => tensorAt(module, ref);
  const made = madeOfWords(module, driveOf, tensors);
  const sums = { inputProducts: 0, currentProducts: 0, valueProducts: 0, stillProducts: 0 };
  const realLayers: Op[] = [];
  const other = { once: noOperations, each: noOperations };
  const neurons: NeuronAccount[] = [];
  for (const op of module.ops) {
    if (isNeuron(op)) {
      const cost = neuronCost(op, tensors, module.timesteps);
      const ticks = isFramed(module.code) ? module.timesteps : 1;
      const shifts = hasShiftedSteps(op, tensors);
      neurons.push({ op, neurons: elementCount(op.type.shape), ticks, shifts, cost });
      continue;
    }
    const isStill = driveOf(op.result) === "still";
    const synapse = synapseOf(op, driveOf, opOf, tensors);
    const operand = synapse === null ? null : known(op.inputs[synapse.operand], "an operand");
    const drive = operand === null ? null : driveOf(operand);
    const isWeight = synapse !== null && !isOp(op, "ann.reduce-sum", "ann.reduce-mean");
    const products = synapse?.degrees.reduce((sum, degree) => sum + degree, 0) ?? 0;
    // Words that only go on to synapses and to further words are moved, scaled and added up there.
    if (isDrivenBySpikes(driveOf(op.result)) && !sendsAnew(op) && !made.has(op.result)) continue;
    const cost = costOf(
      op,
      op.inputs.map((value) => opOf(value).type),
      tensors,
    );
    const isDriven = drive !== null && isDrivenBySpikes(drive);
    if (isDriven && !isWeight) continue;
    if (isWeight && drive === "still") sums.inputProducts += products;
    if (isWeight && drive === "current") {
      sums.currentProducts += products;
      realLayers.push(op);
    }
    const isProduct = isOp(op, "ann.matmul", "ann.einsum");
    if (!isWeight && isProduct) {
      if (isStill) sums.stillProducts += cost.multiplyAccumulates;
      else sums.valueProducts += cost.multiplyAccumulates;
    }
    const rest = isWeight || isProduct ? { ...cost, multiplyAccumulates: 0 } : cost;
    if (isStill) other.once = plus(other.once, rest);
    else other.each = plus(other.each, rest);
  }
  return { ...sums, realLayers, other, neurons };
}

/** Whether the op makes words itself, of whatever it receives, and is no neuron. */
function sendsAnew(op: Op): boolean {
  return isEncoder(op) || isOp(op, "snn.max-pool", "snn.rehearsed-max-pool");
}

/**
 * Values made of words by moves, scalings and sums that something reads for what they are: neurons, sums
 * with a current, decoders, outputs. There the scaling and the sum are computed.
 */
function madeOfWords(
  module: Module,
  driveOf: (value: ValueId) => Drive,
  tensors: TensorLookup,
): ReadonlySet<ValueId> {
  const opOf = (value: ValueId): Op => producerOf(module, value);
  const made = new Set<ValueId>(module.outputs.map(({ value }) => value));
  const taken = module.carries.filter(({ source }) => !isDrivenBySpikes(driveOf(source)));
  for (const { value } of taken) if (isDrivenBySpikes(driveOf(value))) made.add(value);
  for (const op of module.ops.toReversed()) {
    const carries = isDrivenBySpikes(driveOf(op.result)) && !isNeuron(op) && !sendsAnew(op);
    if (carries ? !made.has(op.result) : synapseOf(op, driveOf, opOf, tensors) !== null) continue;
    for (const value of op.inputs) if (isDrivenBySpikes(driveOf(value))) made.add(value);
  }
  return made;
}

/** Multiply-accumulates on what is not a spike in a run of `steps` timesteps, or in a frame (1). */
export function multiplyAccumulatesIn(account: Account, steps: number): number {
  const { inputProducts, stillProducts, currentProducts, valueProducts } = account;
  return inputProducts + stillProducts + steps * (currentProducts + valueProducts);
}

/** How long an answer takes. */
export interface Latency {
  /** Timesteps from the first input to the answer, for the whole depth. */
  readonly timesteps: number;
  /** Layers of neurons that fire one after another, each within the timestep of the one before it. */
  readonly phases: number;
  /** Timesteps where every layer of neurons takes one timestep to hand its spikes on. */
  readonly withDelay: number;
}

/**
 * The latency of a run of `timesteps`. Where every layer sees the spikes of its own timestep, depth adds
 * no timestep, but it adds a phase. In framed codes each layer of neurons takes a frame of its own.
 */
export function latencyOf(module: Module, timesteps: number): Latency {
  if (!isOverTime(module)) return { timesteps: 0, phases: 0, withDelay: 0 };
  const depth = neuronDepth(module);
  const own = isFramed(module.code) ? module.timesteps * depth : timesteps;
  return { timesteps: own, phases: depth, withDelay: own + Math.max(0, depth - 1) };
}

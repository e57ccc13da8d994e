/**
 * From counts of operations to energy, by a stated table. An estimate for comparing two networks on the
 * same arithmetic, never a prediction for a chip: the caveat goes wherever the numbers go.
 */
import type { Account, NeuronAccount } from "../ir/account/account.ts";
import { type Operations, operationKinds } from "../ir/account/operations.ts";
import { type Work, workOfRun } from "../ir/account/work.ts";
import { isOp } from "../ir/op/op.ts";
import { isInteger } from "../ir/semantics/neurons/cell.ts";
import type { Evaluation } from "./evaluate.ts";

export interface EnergyTable {
  readonly name: string;
  readonly source: string;
  /** Energy of one operation of each kind, in picojoules. */
  readonly picojoules: Operations;
}

const horowitz =
  "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, 45 nm, 0.9 V";

/** What no table was published of, in multiply-accumulates of 32 bits. */
const assumed = { division: 4, function: 8 } as const;
const assumptions =
  `a comparison as an addition; assumed, as nothing was published: a division as ${assumed.division} ` +
  `multiply-accumulates (Newton's steps), a root, power, exponential or logarithm as ${assumed.function}`;

/** A table from what it has of multiplications by weights, of all others, and of additions. */
function tableOf(
  name: string,
  source: string,
  pJ: { readonly weight: number; readonly multiplication: number; readonly addition: number },
): EnergyTable {
  const { weight, multiplication, addition } = pJ;
  const wide = multiplication + addition;
  return {
    name,
    source: `${source}; ${assumptions}`,
    picojoules: {
      multiplyAccumulates: weight + addition,
      multiplications: multiplication,
      additions: addition,
      comparisons: addition,
      divisions: assumed.division * wide,
      functions: assumed.function * wide,
    },
  };
}

/** The arithmetic of networks of floats. */
const float32 = tableOf("float32", `${horowitz}: 3.7 pJ a multiplication, 0.9 pJ an addition`, {
  weight: 3.7,
  multiplication: 3.7,
  addition: 0.9,
});

/**
 * The arithmetic of networks of integers: weights and words of 8 bits, sums and potentials of 32. Inputs and
 * weights on shortcuts may have more bits, and are priced like the rest.
 */
export const int8 = tableOf(
  "int8",
  `${horowitz}: 0.2 pJ a multiplication by a weight, as of 8 by 8 bits also where an input has up to 12 or a shortcut's weight 16, ` +
    "3.1 pJ any other (32 bits), 0.1 pJ an addition of 32 bits",
  { weight: 0.2, multiplication: 3.1, addition: 0.1 },
);

/**
 * The same with values of `bits` between layers instead of 8: the energy of a multiplication is
 * proportional to the bits of either factor, as 8-bit weights stay, and sums stay as wide as they are.
 */
function tableOfBits(bits: number): EnergyTable {
  return tableOf(
    `int8 × ${bits} bits`,
    `as int8, but a weight of 8 bits times a value of ${bits} takes ${bits}/8 of that multiplication's energy`,
    { weight: (0.2 * bits) / 8, multiplication: 3.1, addition: 0.1 },
  );
}

export const energyCaveat =
  "Energy is counted from arithmetic operations alone: no memory traffic, no leakage, no clock tree, no " +
  "input or output, and an operation costs the same wherever it happens. Counted are all operations of " +
  "both networks, the first layer, the neurons' own and what is computed on real values at each timestep " +
  "among them. By events, a word times a weight is a multiply-accumulate, or an addition where the word " +
  "is one unit or one power of two that the receiver shifts by. By bits, it is an addition for each " +
  "binary digit that is set in the word. Shifts are not counted: they cost nothing here. On real hardware moving data usually costs more than computing " +
  "on it. Use these figures to compare two networks, not to predict a power supply.";

/** Energy of these operations, in picojoules. */
function energyOf(all: Operations, { picojoules }: EnergyTable): number {
  return operationKinds.reduce((sum, kind) => sum + all[kind] * picojoules[kind], 0);
}

type CountedEvaluation = Pick<
  Evaluation,
  | "account"
  | "timesteps"
  | "synapticOperationsPerSample"
  | "plainSynapticOperationsPerSample"
  | "synapticBitsPerSample"
  | "neurons"
>;

/** The work of one sample after the last timestep, mean over samples. */
export function workOf(evaluation: CountedEvaluation): Work {
  return workOfRun(evaluation.account, {
    steps: runStepsOf(evaluation),
    events: evaluation.synapticOperationsPerSample.at(-1) ?? 0,
    plainEvents: evaluation.plainSynapticOperationsPerSample.at(-1) ?? 0,
    eventBits: evaluation.synapticBitsPerSample.at(-1) ?? 0,
    spikes: evaluation.neurons.map(({ spikesPerSample }) => spikesPerSample),
  });
}

/** Steps of a run: timesteps, or one frame. */
export function runStepsOf({
  account,
  timesteps,
}: Pick<Evaluation, "account" | "timesteps">): number {
  const last = timesteps.at(-1) ?? 0;
  const ticks = account.neurons[0]?.ticks ?? 1;
  return Math.max(1, last / ticks);
}

/** The tables that a report shows for a network; the last is that of a plain ANN of as many bits. */
export interface EnergyTables {
  /** That of the network's own arithmetic: what is said of its energy in one figure is by this one. */
  readonly own: EnergyTable;
  readonly all: readonly EnergyTable[];
  readonly rival: Rival | null;
}

/** The plain quantised ANN that has as many bits between layers as a neuron of the network can say. */
export interface Rival {
  readonly bits: number;
  readonly table: EnergyTable;
  /** Whether it computes the same: every neuron sends one rounded value, once. */
  readonly isSame: boolean;
}

export function energyTablesFor(snn: Pick<Evaluation, "account" | "timesteps">): EnergyTables {
  const own = ownTable(snn.account);
  const rival = rivalOf(snn.account, snn.timesteps.at(-1) ?? 1);
  const all = [
    float32,
    int8,
    ...(rival === null || rival.table.name === int8.name ? [] : [rival.table]),
  ];
  return { own, all, rival };
}

function ownTable({ neurons }: Account): EnergyTable {
  return neurons.length > 0 && neurons.every(({ op }) => isInteger(op)) ? int8 : float32;
}

/**
 * Null where values between layers are not of so many bits: spike times between ticks. Of neurons that
 * send units it has as many levels as they have in the whole run.
 */
function rivalOf({ neurons }: Account, timesteps: number): Rival | null {
  if (neurons.length === 0) return null;
  if (neurons.some(({ op }) => isOp(op, "snn.ttfs") && op.attrs.resolution === "continuous")) {
    return null;
  }
  const bits = Math.max(...neurons.map((each) => bitsOf(each, timesteps)));
  const isSame = neurons.every((each) => sendsOnce(each, timesteps));
  return { bits, table: bits === 8 ? int8 : tableOfBits(bits), isSame };
}

function bitsOf({ op, ticks }: NeuronAccount, timesteps: number): number {
  switch (op.kind) {
    case "snn.graded":
      return op.attrs.bits > 1 ? op.attrs.bits : bitsOfLevels(timesteps);
    case "snn.few-spikes":
      return ticks;
    case "snn.ttfs":
      return bitsOfLevels(ticks);
    case "snn.rehearsed-if":
      return bitsOfLevels(timesteps - op.attrs.rehearsal);
    case "snn.if":
    case "snn.lif":
      return bitsOfLevels(timesteps);
  }
}

/** Bits that tell 0 … `most` apart. */
function bitsOfLevels(most: number): number {
  return Math.max(1, Math.ceil(Math.log2(most + 1)));
}

/** Whether a neuron's whole output is one rounded value: in one timestep, or digit by digit in a frame. */
function sendsOnce({ op, ticks, shifts }: NeuronAccount, timesteps: number): boolean {
  if (isOp(op, "snn.few-spikes")) return shifts;
  if (isOp(op, "snn.ttfs")) return true;
  return ticks === 1 && timesteps === 1 && isOp(op, "snn.graded", "snn.if");
}

/** Energy of one sample, in picojoules, for the ANN and the SNN beside it. */
export interface EnergyEstimate {
  readonly table: EnergyTable;
  readonly annPJ: number;
  readonly snnInputPJ: number;
  readonly snnRealPJ: number;
  readonly snnEventsPJ: number;
  /** In place of `snnEventsPJ`, where words are counted by bits; null where that would multiply too. */
  readonly snnBitsPJ: number | null;
  readonly snnNeuronsPJ: number;
  readonly snnOtherPJ: number;
  /** By events. */
  readonly snnPJ: number;
  readonly snnByBitsPJ: number | null;
  /** SNN over ANN, by events; below 1 the SNN is cheaper. Null for an ANN that computes nothing. */
  readonly ratio: number | null;
  readonly ratioByBits: number | null;
}

export function estimateEnergy(ann: Work, snn: Work, table: EnergyTable): EnergyEstimate {
  const of = (all: Operations): number => energyOf(all, table);
  const annPJ = of(ann.input) + of(ann.real) + of(ann.other);
  const [events, bits] = [of(snn.events), snn.bits === null ? null : of(snn.bits)];
  const rest = of(snn.input) + of(snn.real) + of(snn.neurons) + of(snn.other);
  const ratioOf = (all: number | null): number | null =>
    annPJ === 0 || all === null ? null : all / annPJ;
  const [snnPJ, snnByBitsPJ] = [rest + events, bits === null ? null : rest + bits];
  return {
    table,
    annPJ,
    snnInputPJ: of(snn.input),
    snnRealPJ: of(snn.real),
    snnEventsPJ: events,
    snnBitsPJ: bits,
    snnNeuronsPJ: of(snn.neurons),
    snnOtherPJ: of(snn.other),
    snnPJ,
    snnByBitsPJ,
    ratio: ratioOf(snnPJ),
    ratioByBits: ratioOf(snnByBitsPJ),
  };
}

/** The same of two evaluations, by the table of the spiking network's own arithmetic. */
export function ownEnergy(ann: CountedEvaluation, snn: CountedEvaluation): EnergyEstimate {
  return estimateEnergy(workOf(ann), workOf(snn), energyTablesFor(snn).own);
}

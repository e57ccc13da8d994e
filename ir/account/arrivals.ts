/**
 * Spikes that arrive from outside: they meet weights like those of neurons, and are no neuron's. An
 * element of an input of domain `spike` that is not 0 is one word; ±1 is plain. Engines count them on
 * the frames that they are given, by the fan-outs of `senders.ts`.
 */
import { known } from "../diagnostic.ts";
import { type Module, opsOf } from "../module.ts";
import type { OpOf } from "../op/op.ts";
import type { TensorData } from "../tensor.ts";
import { type Met, noneMet } from "./later.ts";
import { fanOutsIn, fanOutsOf } from "./senders.ts";
import { drivesOf } from "./drive.ts";

/** An input of spikes, and the weights that each of its elements meets. */
export interface Arrival {
  readonly op: OpOf<"snn.input">;
  /** Timesteps between the spike and these connections. */
  readonly delay: number;
  /** Connections of each element, [numel]. */
  readonly fanOut: Float64Array;
}

/** Inputs of spikes, in the order of the module: once for each delay that their spikes have. */
export function arrivalsOf(module: Module): readonly Arrival[] {
  const inputs = opsOf(module, "snn.input").filter(({ type }) => type.domain === "spike");
  if (inputs.length === 0) return [];
  const fanOuts = fanOutsOf(module, drivesOf(module));
  return inputs.flatMap((op) => fanOutsIn(fanOuts, op).map((each) => ({ op, ...each })));
}

/** Counts the elements `data[from …]` of one frame, of as many as the fan-out has. */
export function arrivedIn({ fanOut }: Pick<Arrival, "fanOut">, data: TensorData, from = 0): Met {
  const sum = noneMet();
  for (let i = 0; i < fanOut.length; i++) {
    const word = data[from + i] ?? 0;
    if (word === 0) continue;
    const degree = known(fanOut[i], "a fan-out");
    sum.events += degree;
    if (isPlainArrival(word)) sum.plainEvents += degree;
    sum.eventBits += arrivalBits(word) * degree;
  }
  return sum;
}

/** Whether a word from outside times a weight is an addition. */
export function isPlainArrival(word: number): boolean {
  return Math.abs(word) === 1;
}

/** Binary digits of a word from outside: those set in a whole number of 32 bits, or one. */
export function arrivalBits(word: number): number {
  const size = Math.abs(word);
  if (!Number.isInteger(size) || size >= 2 ** 32) return 1;
  let bits = 0;
  for (let rest = size >>> 0; rest !== 0; rest >>>= 1) bits += rest & 1;
  return bits;
}

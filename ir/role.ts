/**
 * What a pass declares of itself to those who know no pass by name: reports say by it what was done, and
 * what to change.
 */
import type { SpikingCode } from "./module.ts";

/**
 * What a pass is for.
 *
 * - `clean`: the same function, in fewer words. `fuse`: fewer linear ops.
 * - `prepare`: makes a network ready for its conversion. `convert`: from values to spikes.
 * - `encode`: makes spikes of the input. `balance`: chooses thresholds. `start`: chooses initial potentials.
 * - `fit`: fits layers to what they really receive. `allocate`: shares bits out among layers.
 * - `correct`: takes a measured error away. `rehearse`: runs the network twice.
 * - `read-out`: changes how outputs are read.
 * - `quantise`: integers in place of floats. `store`: the same tensors in fewer bytes.
 */
export type Role =
  | "clean"
  | "fuse"
  | "prepare"
  | "convert"
  | "encode"
  | "balance"
  | "start"
  | "fit"
  | "allocate"
  | "correct"
  | "rehearse"
  | "read-out"
  | "quantise"
  | "store";

/**
 * What an option stands for, whatever it is called.
 *
 * - `bits`: binary digits of a spike. `precision`: binary digits of the finest step below the range.
 * - `levels`: steps that a value is rounded to; 0 for as many as there are.
 * - `percentile`: of the activations, in percent, that a threshold lies at.
 * - `scope`: what has a threshold of its own.
 * - `samples`: calibration samples to look at. `rehearsal`: timesteps before those that answer.
 */
export type Meaning =
  "bits" | "precision" | "levels" | "percentile" | "scope" | "samples" | "rehearsal";

export interface OptionFacts {
  readonly default: number | string | boolean;
  readonly means?: Meaning;
  /** Of numbers. */
  readonly max?: number;
}

/** What a report may propose a pass for. */
export interface Remedy {
  readonly by: "higher-thresholds" | "lower-thresholds" | "start" | "fit" | "later-reading";
  /** What it does, as an order without its full stop: "Lower the thresholds". */
  readonly text: string;
  /** The codes whose networks it is for; all unless given. */
  readonly codes?: readonly SpikingCode[];
}

export interface PassFacts {
  readonly name: string;
  readonly role: Role;
  readonly remedy?: Remedy;
  /** Of a pass that chooses thresholds: whether they are what calibration saw at most, so nothing is cut off. */
  readonly coversAll?: true;
  readonly options: Readonly<Record<string, OptionFacts>>;
}

/**
 * Which kernel a window of spikes is given: what each would cost per output pixel, block of channels
 * and timestep, beside what neurons cost anyway. What counts is which is less, and that is alike on
 * other machines. It depends on the module and the options of compiling, on nothing that is measured
 * while compiling.
 */
import { tableBits, tableLength, tablesPerGroup } from "../../memory/tables.ts";

/** Walks over set bits, or look-ups in tables of sums. */
export type WindowKernel = "events" | "tables";

/** A window as costs see it. */
export interface WindowShape {
  readonly taps: number;
  readonly inputs: number;
  /** Vectors to a block, and bytes of a row of weights. */
  readonly vectors: number;
  readonly rowBytes: number;
  readonly blocks: number;
  /** Spikes per neuron and timestep that are expected. */
  readonly rate: number;
  readonly sharedTaps: boolean;
}

/** Where nothing is known of a network's activity. */
export const expectedRate = 0.12;

/** Tables beyond this leave the caches, and take memory out of proportion to the weights. */
const largestTables = 2 ** 20;

/** Of the first cache, beside spikes and what else there is. */
const firstLevelBytes = 2 ** 15;

/** Nanoseconds of each term, in the terms' order. */
export interface WindowCosts {
  readonly events: readonly number[];
  readonly tables: readonly number[];
}

/**
 * As `npm run bench -- fit` found them on an x64 processor (48 KB and 1 MB of caches): 128 pairs of
 * kernels on 16 layers, at rates from 0.02 to 0.35, with a residual of 17 % (root mean square of
 * relative errors), and of 17 % on 88 pairs on 11 other layers. Of those the faster kernel was chosen
 * for 92 %, and what was chosen took 1 % more time than the faster one, limits of memory included.
 */
export const windowCosts: WindowCosts = {
  events: [6.99, 0.32, 0.119, 0.362],
  tables: [0.248, 0.0282],
};

/** What the terms are, for people. */
export const termNames = {
  events: ["exit of a loop unforeseen", "event", "vector added for an event", "mask joined"],
  tables: ["vector looked up", "vector looked up, per doubling of tables beyond the first cache"],
} as const;

/**
 * Walking the bits: exits of loops over a word's bits that a branch predictor cannot foresee, events,
 * the vectors that they add, and masks of taps that are joined to words.
 */
export function eventTerms(shape: WindowShape): number[] {
  const { taps, inputs, vectors, rate } = shape;
  const misses = wordsOf(shape).reduce((sum, bits) => sum + missesOf(rate * bits), 0);
  const events = rate * taps * inputs;
  return [misses, events, events * vectors, taps * Math.ceil(inputs / 64)];
}

/** Looking sums up: dearer the more of the tables lies outside of the first cache. */
export function lookUpTerms(shape: WindowShape): number[] {
  const { taps, inputs, vectors, blocks } = shape;
  const added = taps * tablesPerGroup(inputs) * vectors;
  return [added, added * Math.log2(1 + tableBytes(shape) / blocks / firstLevelBytes)];
}

/** Bytes of all tables of a window. */
export function tableBytes({ taps, inputs, rowBytes, blocks, sharedTaps }: WindowShape): number {
  const groups = blocks * (sharedTaps ? 1 : taps);
  return tableLength({ groups, inputs, width: rowBytes });
}

/** The cheaper kernel, as long as tables are worth their memory. */
export function kernelFor(shape: WindowShape, costs: WindowCosts = windowCosts): WindowKernel {
  if (tableBits(shape.inputs) < 3 || tableBytes(shape) > largestTables) return "events";
  const tables = weighed(lookUpTerms(shape), costs.tables);
  return tables < weighed(eventTerms(shape), costs.events) ? "tables" : "events";
}

function weighed(terms: readonly number[], costs: readonly number[]): number {
  return terms.reduce((sum, term, i) => sum + term * (costs[i] ?? 0), 0);
}

/** Bits of each word that kernels/events.ts joins the masks of taps to. */
function wordsOf({ taps, inputs, sharedTaps }: WindowShape): number[] {
  const words: number[] = [];
  const perWord = sharedTaps ? 1 : Math.max(1, Math.floor(64 / inputs));
  for (let tap = 0; tap < taps; tap += perWord) {
    const bits = inputs * Math.min(perWord, taps - tap);
    for (let first = 0; first < bits; first += 64) words.push(Math.min(64, bits - first));
  }
  return words;
}

/**
 * How often a loop of a Poisson number of turns ends otherwise than it most often does, λ turns on
 * average: 1 − P(the most probable number), for which this is close to from a half on.
 */
export function missesOf(mean: number): number {
  return 1 - 1 / Math.sqrt(1 + 2 * Math.PI * mean);
}

/**
 * Which kernel a window of spikes is given: what each would cost in cycles per output pixel, block of
 * channels and timestep. The constants are those that `npm run bench -- --suite kernel` fits; what
 * counts is which is less, and that is alike on other machines.
 */
import { tableBits, tableLength, tablesPerGroup } from "../memory/tables.ts";

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

/** Walking the bits: joining masks to a word and leaving its loop, then each event. */
export function eventCost({ taps, inputs, vectors, rate }: WindowShape): number {
  const perWord = Math.max(1, Math.floor(64 / inputs));
  const words = inputs > 64 ? taps * Math.ceil(inputs / 64) : Math.ceil(taps / perWord);
  return 15 * words + 0.52 * (vectors + 2) * rate * taps * inputs;
}

/** Looking sums up: dearer the more of the tables lies outside of the first cache. */
export function lookUpCost(shape: WindowShape): number {
  const { taps, inputs, vectors } = shape;
  const bytes = tableBytes(shape) / shape.blocks;
  return 0.55 * (vectors + 1) * taps * tablesPerGroup(inputs) * (1 + bytes / 350_000);
}

/** Bytes of all tables of a window. */
export function tableBytes({ taps, inputs, rowBytes, blocks, sharedTaps }: WindowShape): number {
  const groups = blocks * (sharedTaps ? 1 : taps);
  return tableLength({ groups, inputs, width: rowBytes });
}

/** Whether tables are worth their memory. */
export function prefersTables(shape: WindowShape): boolean {
  if (tableBits(shape.inputs) < 3 || tableBytes(shape) > largestTables) return false;
  return lookUpCost(shape) < eventCost(shape);
}

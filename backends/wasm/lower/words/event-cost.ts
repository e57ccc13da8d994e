/**
 * Up to how many words a timestep of a window is cheaper by events than by multiplying all words. What counts
 * is which is less, and that is alike on other machines. Sums are the same integers either way, so nothing
 * but time depends on it.
 */
import {
  type EventWalk,
  joinedRows,
  reachesOf,
  walkedColumns,
} from "../../kernels/words/walk-events.ts";
import { missesOf } from "../neurons/cost.ts";

/** A window as costs see it. */
export interface CostShape {
  readonly walk: Pick<
    EventWalk,
    "kernel" | "stride" | "columns" | "vectors" | "together" | "inputs"
  >;
  /** Blocks of outputs of the walk, and rows of outputs. */
  readonly blocks: number;
  readonly rows: number;
  /** Output channels. */
  readonly outputs: number;
  /** Bytes of a word: 16 products an instruction of single ones, 8 of two. */
  readonly bytes: 1 | 2;
}

/**
 * Nanoseconds on an x64 processor with 48 KB of first-level cache, one thread of Node 26: a product of a word in a
 * dense sum; a column walked for a block of rows that are walked together; the end of its loop where it is not
 * foreseen; an event met by it; a vector that this adds; a pixel and an event that are listed; a vector of
 * four sums that is read again. Words have two bytes where there is no relaxed SIMD, in Node 20: a product takes
 * 0.0235 there, but all else 1.65 times as long as well.
 */
const eventCosts = {
  product: { 1: 0.0125, 2: 0.0142 },
  walk: 5,
  miss: 6,
  visit: 0.7,
  vector: 0.13,
  pixel: 1.1,
  listed: 1.5,
  read: 0.3,
} as const;

/** Nanoseconds of all rows of outputs at one timestep with `words` words that are not 0. */
export function eventNanoseconds(shape: CostShape, words: number): number {
  const { walk, blocks, rows, outputs } = shape;
  const { kernel, stride, columns, vectors, together } = walk;
  const reaches = reachesOf(kernel, stride).filter((reached) => reached > 0);
  const turns = Math.ceil(rows / together);
  const walks = blocks * turns * (walkedColumns(walk) / stride[1]) * reaches.length;
  const inputRows = (rows - 1) * stride[0] + kernel[0];
  // Each row of inputs is walked for so many groups of rows of outputs.
  const visits = (blocks * words * turns * joinedRows(walk)) / inputRows;
  const reached = reaches.reduce((sum, each) => sum + each, 0) / stride[1];
  const pixels = inputRows * walkedColumns(walk);
  const perWalk = visits / Math.max(1, walks);
  const costs = eventCosts;
  return (
    costs.walk * walks +
    costs.miss * walks * missesOf(perWalk) +
    costs.visit * visits +
    costs.vector * visits * reached * together * vectors +
    costs.pixel * pixels +
    costs.listed * words +
    (costs.read * rows * columns * outputs) / 4
  );
}

/** Nanoseconds of the same where all words are multiplied. */
export function denseNanoseconds({ walk, rows, outputs, bytes }: CostShape): number {
  const { kernel, columns, inputs } = walk;
  return eventCosts.product[bytes] * rows * columns * outputs * inputs * kernel[0] * kernel[1];
}

/** The most words of a timestep at which events are cheaper; 0 where they never are. */
export function mostEvents(shape: CostShape): number {
  const { walk, rows } = shape;
  const dense = denseNanoseconds(shape);
  let [low, high] = [
    0,
    ((rows - 1) * walk.stride[0] + walk.kernel[0]) * walkedColumns(walk) * walk.inputs,
  ];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (eventNanoseconds(shape, middle) < dense) low = middle;
    else high = middle - 1;
  }
  return low;
}

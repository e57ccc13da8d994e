/**
 * How the words of one timestep lie as events. For each column of pixels there is a list of what its
 * neurons send, row by row: words, and beside them the places that say which weights they meet. Where the
 * list of a pixel begins stands in a table, with the sum of all magnitudes before it, so that the events
 * of any run of rows and a bound on what they add up to are known from two entries.
 */
import type { Buffer } from "./view.ts";

export interface EventLists {
  /** One part for each thread that shares a sample. */
  readonly buffer: Buffer;
  /** Columns of pixels, those around the grid that windows reach included. */
  readonly columns: number;
  /** Rows of pixels at most. */
  readonly rows: number;
  /** Events at most. */
  readonly capacity: number;
}

/** Of one pixel: the address of its first event, and the sum of the magnitudes of all before. */
export const entryBytes = 8;
export const magnitudeOffset = 4;

/** Events that a vector stores at once, of which only the first may count. */
const overhang = 8;

/** Bytes from one column's entries to the next; there is one entry more than there are rows. */
export function columnBytes({ rows }: Pick<EventLists, "rows">): number {
  return entryBytes * (rows + 1);
}

/** Bytes from the start of a part to its first event. */
export function eventsOffset(lists: Omit<EventLists, "buffer">): number {
  return Math.ceil((lists.columns * columnBytes(lists)) / 16) * 16;
}

/** Bytes from a word (i16) to its place (u16). */
export function placesOffset({ capacity }: Pick<EventLists, "capacity">): number {
  return Math.ceil((2 * (capacity + overhang)) / 16) * 16;
}

/** Bytes of a part. */
export function listsBytes(lists: Omit<EventLists, "buffer">): number {
  return eventsOffset(lists) + 2 * placesOffset(lists);
}

/**
 * How the words of graded neurons lie in memory: a byte or two for each neuron and timestep. Neurons
 * are a grid of pixels by channels, channels last and padded to whole blocks; each timestep has a plane of its
 * own. Around the grid lies a halo of zeros for windows that reach over.
 */
import { type Halo, type PixelGrid } from "./spikes.ts";
import type { Buffer } from "./view.ts";

export interface WordPlanes {
  readonly buffer: Buffer;
  readonly grid: PixelGrid;
  readonly halo: Halo;
  readonly steps: number;
  /** Of a word. */
  readonly bytes: 1 | 2;
  /**
   * What is added to each word before it is stored: words of either sign become bytes from 0 to 127,
   * which is what one of the operands of a product of bytes has to be.
   */
  readonly bias: number;
  /** The largest magnitude of a word. */
  readonly most: number;
  /** Channels of a pixel with the padding. */
  readonly lanes: number;
  /**
   * A bit for each timestep at which a pixel sends anything, 64 bits a pixel, halo included. A pixel that is
   * alone has as many as it has blocks of channels, since threads share these.
   */
  readonly activity: Buffer | null;
  /** Blocks of channels that note when they send, each in 64 bits of its own; 1 where a pixel is not alone. */
  readonly noted: number;
}

/** What lies of words without saying where. */
export type WordShape = Omit<WordPlanes, "buffer" | "activity">;

/** Bytes of one pixel at one timestep. */
export function wordPixelBytes({ lanes, bytes }: Pick<WordShape, "lanes" | "bytes">): number {
  return lanes * bytes;
}

/** Bytes from one row of pixels to the next. */
export function wordRowBytes(shape: WordShape): number {
  return (shape.halo.left + shape.grid.columns + shape.halo.right) * wordPixelBytes(shape);
}

/** Bytes from one timestep to the next. */
export function wordPlaneBytes(shape: WordShape): number {
  const rows = shape.halo.top + shape.grid.rows + shape.halo.bottom;
  return Math.ceil((rows * wordRowBytes(shape)) / 16) * 16;
}

/** Bytes of all timesteps. Groups of four bytes are read whole, the last one too. */
export function wordsBytes(shape: WordShape): number {
  return shape.steps * wordPlaneBytes(shape) + 16;
}

/** Bytes from the buffer's start to a pixel at the first timestep; may lie in the halo. */
export function wordOffset(shape: WordShape, row: number, column: number): number {
  const { halo } = shape;
  return (row + halo.top) * wordRowBytes(shape) + (column + halo.left) * wordPixelBytes(shape);
}

type ActivityShape = Pick<WordShape, "halo" | "grid" | "noted">;

/** Bytes of the activity of a row of pixels, and of all of them. */
export function activityRowBytes({ halo, grid, noted }: ActivityShape): number {
  return 8 * noted * (halo.left + grid.columns + halo.right);
}

export function activityBytes(shape: ActivityShape): number {
  return (shape.halo.top + shape.grid.rows + shape.halo.bottom) * activityRowBytes(shape);
}

/** Bytes from the activity's start to that of a pixel. */
export function activityOffset(shape: ActivityShape, row: number, column: number): number {
  const before = 8 * shape.noted * (column + shape.halo.left);
  return (row + shape.halo.top) * activityRowBytes(shape) + before;
}

/**
 * How spikes lie in memory: a bit per neuron and timestep. Neurons are a grid of pixels by channels
 * (a vector is one pixel); a pixel holds its timesteps one after the other, each a mask of its
 * channels, so that a window's masks of one timestep are a few words apart and a neuron population
 * writes its output in order. Around the grid lies a halo of zeros for windows that reach over.
 */
import type { Buffer } from "./view.ts";

/** Pixels in rows and columns, and channels. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

/** Rows and columns around a grid that read as zero. */
export interface Halo {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

export const noHalo: Halo = { top: 0, left: 0, bottom: 0, right: 0 };

export interface SpikeMasks {
  readonly buffer: Buffer;
  readonly grid: Grid;
  readonly halo: Halo;
  readonly steps: number;
  /** Of one pixel at one timestep. */
  readonly maskBytes: number;
}

/** Bytes of one pixel over all timesteps. */
export function pixelBytes(masks: Pick<SpikeMasks, "steps" | "maskBytes">): number {
  return masks.steps * masks.maskBytes;
}

/** Bytes from one row of pixels to the next. */
export function rowBytes(masks: Pick<SpikeMasks, "grid" | "halo" | "steps" | "maskBytes">): number {
  return (masks.grid.columns + masks.halo.left + masks.halo.right) * pixelBytes(masks);
}

/** Bytes of all masks with their halo. */
export function masksBytes(masks: Omit<SpikeMasks, "buffer">): number {
  return (masks.grid.rows + masks.halo.top + masks.halo.bottom) * rowBytes(masks);
}

/** Bytes from the buffer's start to the mask of a pixel at the first timestep; may lie in the halo. */
export function pixelOffset(
  masks: Omit<SpikeMasks, "buffer">,
  row: number,
  column: number,
): number {
  return (row + masks.halo.top) * rowBytes(masks) + (column + masks.halo.left) * pixelBytes(masks);
}

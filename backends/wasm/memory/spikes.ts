/**
 * How spikes lie in memory: a bit per neuron and timestep. Neurons are a grid of pixels by channels
 * (a vector is one pixel); a pixel holds its timesteps one after the other, each a mask of its
 * channels, so that a window's masks of one timestep are a few words apart and a neuron population
 * writes its output in order. Around the grid lies a halo of zeros for windows that reach over.
 * Spikes with signs are masks twice: those of +1, and beside them those of −1.
 */
import type { Buffer } from "./view.ts";

/** Pixels in rows and columns, and channels. */
export interface PixelGrid {
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
  /** Where spikes of −1 lie, in the same way; null where there are none. */
  readonly minus: Buffer | null;
  readonly grid: PixelGrid;
  readonly halo: Halo;
  readonly steps: number;
  /** Of one pixel at one timestep. */
  readonly maskBytes: number;
}

/** What lies of masks without saying where. */
export type MaskShape = Omit<SpikeMasks, "buffer" | "minus">;

/** The masks of one sign. */
export interface SignedMasks {
  readonly buffer: Buffer;
  readonly sign: 1 | -1;
}

/** The masks of each sign that there is. Both are reached from one pointer. */
export function signsOf({ buffer, minus }: Pick<SpikeMasks, "buffer" | "minus">): SignedMasks[] {
  const plus: SignedMasks = { buffer, sign: 1 };
  return minus === null ? [plus] : [plus, { buffer: minus, sign: -1 }];
}

/** All buffers of the masks. */
export function maskBuffers(masks: Pick<SpikeMasks, "buffer" | "minus">): Buffer[] {
  return signsOf(masks).map(({ buffer }) => buffer);
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
export function masksBytes(masks: MaskShape): number {
  return (masks.grid.rows + masks.halo.top + masks.halo.bottom) * rowBytes(masks);
}

/** Bytes from the buffer's start to the mask of a pixel at the first timestep; may lie in the halo. */
export function pixelOffset(masks: MaskShape, row: number, column: number): number {
  return (row + masks.halo.top) * rowBytes(masks) + (column + masks.halo.left) * pixelBytes(masks);
}

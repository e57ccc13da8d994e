/**
 * Which timesteps of a value are there: where most are 0, only the others are written, and readers pass the
 * rest over.
 */
import type { Buffer } from "./view.ts";

/** For each row of pixels 64 bits, one for each timestep of a chunk that is there; others are 0, whatever memory holds. */
export interface RowSteps {
  readonly buffer: Buffer;
  readonly rows: number;
}

/** Timesteps of a chunk that the bits of a row hold. */
export const mostRowSteps = 64;

export function rowStepsBytes(rows: number): number {
  return 8 * rows;
}

/**
 * A second witness: a simulator of `.snn` files written from docs/ir.md and docs/numerics.md alone.
 * It imports nothing of the project, so that what both agree on is what the docs say.
 */
import { readContainer } from "./container.ts";
import { run, type Simulation } from "./run.ts";
import { parse } from "./text.ts";
import type { Network } from "./types.ts";

function read(bytes: Uint8Array): Network {
  const { text, tensors } = readContainer(bytes);
  return parse(text, tensors);
}

/** Outputs, what neurons send, and all that is counted, of one sample: an array for each input. */
export function simulate(
  bytes: Uint8Array,
  inputs: readonly Float32Array[],
  timesteps?: number,
): Simulation {
  return run(read(bytes), inputs, timesteps);
}

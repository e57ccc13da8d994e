/**
 * Neurons that fire once: in a run of one timestep nothing of a potential is left to anybody, so what a neuron begins
 * at, its bias and what rounds ties up are one number in float32. That is exact while nothing is near 2^22.
 */
import { integerBounds } from "../../../../ir/analysis/bounds.ts";
import { magnitude } from "../../../../ir/analysis/interval.ts";
import { isAlongTime } from "../../kernels/words/form.ts";
import { pixelGridOf } from "../grid.ts";
import type { Lowering } from "../lowering.ts";
import type { WordNeurons } from "./senders.ts";

/**
 * Numbers below this have room for a quarter in float32. Steps are 1 or more, so that quotients are below it, too: they are
 * rounded to whole numbers by what is added to them, and are cut to 16 bits after that.
 */
const mostWhole = 2 ** 22 - 1;

/**
 * For each pixel and channel what potentials begin at (`starts`) with the bias by channel and ¼; null where neurons fire more
 * than once, words may be negative, there is a ceiling, or numbers are too large.
 */
export function onceOf(
  lowering: Lowering,
  { op, isSigned }: Pick<WordNeurons, "op" | "isSigned">,
  bias: Float64Array | null,
  starts: Float64Array,
): Float64Array | null {
  const grid = pixelGridOf(op.type.shape, lowering.layouts.images.has(op.result));
  const isOnce = lowering.options.timesteps === 1 && !isAlongTime({ grid });
  if (!isOnce || isSigned || op.attrs.ceiling !== null) return null;
  const current = integerBounds(lowering.module).neurons.get(op.result)?.current;
  if (current === undefined) return null;
  // What is summed here has no bias yet.
  const most = magnitude(current) + largestOf(bias ?? []) + largestOf(starts);
  if (most >= mostWhole) return null;
  return starts.map((start, i) => start + (bias?.[i % grid.channels] ?? 0) + 0.25);
}

function largestOf(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/**
 * Steps that are powers of two of one base, for channels that shift alike: a receiver shifts the sum of all
 * their spikes once for each timestep, and the base of each channel goes into weights.
 */
import { known } from "../../ir/diagnostic.ts";
import type { StepLimits } from "./steps.ts";

/** By how many halvings the steps of all channels shrink: 0 at the first timestep, never less than before. */
export type Exponents = readonly number[];

/**
 * Steps b_c·2^(−e_t) for channels c whose `wanted` steps [channel][t] shrink as they like: the exponents, and the
 * base of each channel. No step is smaller than wanted, so that spikes reach as far as wanted, and each base is as
 * small as that allows:
 *
 *     b_c = max_t q_ct·2^(e_t)        e = argmin Σ_ct log2(b_c·2^(−e_t) / q_ct)
 *
 * Of one channel and two timesteps that is its ratio of steps, rounded; of many, the median of theirs.
 */
export function inPowers(
  wanted: readonly (readonly number[])[],
  limits: StepLimits,
): { readonly exponents: Exponents; readonly bases: readonly number[] } {
  const logs = wanted.map((steps) => steps.map((q) => Math.log2(q)));
  const exponents = leastExponents(logs, limits);
  const bases = wanted.map((steps) =>
    Math.max(...steps.map((q, t) => q * 2 ** known(exponents[t], "an exponent"))),
  );
  return { exponents, bases };
}

/**
 * The exponents that make steps larger by the least in all. The sum above is L♮-convex in the exponents, and so
 * are the limits (constraints on differences): where no move of a subset of timesteps by 1 makes it less, nothing
 * does (Murota, Discrete Convex Analysis, 2003). There are 2^(T−1) subsets of at most seven timesteps.
 */
export function leastExponents(
  logs: readonly (readonly number[])[],
  { shrink, finest }: StepLimits,
): Exponents {
  const timesteps = logs[0]?.length ?? 0;
  const mostAtOnce = Math.round(-Math.log2(shrink));
  const deepest = Math.max(0, Math.floor(-Math.log2(finest)));
  const within = (exponents: Exponents): boolean =>
    exponents.every((e, t) => {
      const more = e - (exponents[t - 1] ?? 0);
      return t === 0 ? e === 0 : more >= 0 && more <= mostAtOnce && e <= deepest;
    });
  let best: Exponents = new Array<number>(timesteps).fill(0);
  let least = enlarged(logs, best);
  for (;;) {
    const from = best;
    for (let subset = 1; subset < 2 ** (timesteps - 1); subset++) {
      for (const by of [1, -1]) {
        const moved = from.map((e, t) => e + (t > 0 && (subset >> (t - 1)) & 1 ? by : 0));
        if (!within(moved)) continue;
        const sum = enlarged(logs, moved);
        // Roundings of the sum must not lead in circles.
        if (sum < least - 1e-9 * Math.abs(least)) [best, least] = [moved, sum];
      }
    }
    if (best === from) return best;
  }
}

/** By how many doublings all steps of all channels are larger than they are wanted to be. */
function enlarged(logs: readonly (readonly number[])[], exponents: Exponents): number {
  let sum = 0;
  for (const log of logs) {
    let base = -Infinity;
    for (const [t, e] of exponents.entries()) base = Math.max(base, (log[t] ?? 0) + e);
    for (const [t, e] of exponents.entries()) sum += base - e - (log[t] ?? 0);
  }
  return sum;
}

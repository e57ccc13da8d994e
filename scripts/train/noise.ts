/**
 * The noise that stands for spikes while a network is trained: what a spike train of a given rate strays
 * from its mean, as a neuron sees it behind the filters of its synapse and its membrane.
 */
import { uniform } from "../../ir/random.ts";
import type { Disturb } from "./network.ts";

export interface SpikeNoise {
  /** The value of a rate of 1 Hz. */
  readonly amplitude: number;
  /** Time that neurons average over, in seconds. */
  readonly tau: number;
  /** Share of the noise that spikes would make. */
  readonly share: number;
  readonly seed: number;
}

/** For sample after sample, what averages over spikes of the rates that stand for values stray by. */
export function spikeNoise({ amplitude, tau, share, seed }: SpikeNoise) {
  return (sample: number): Disturb =>
    (values, layer) => {
      for (let o = 0; o < values.length; o += 2) {
        const pair = normalPair(seed, sample, layer, o / 2);
        pair.forEach((normal, k) => {
          const y = values[o + k];
          if (y === undefined) return;
          values[o + k] = y + share * amplitude * ripple(y / amplitude, tau) * normal;
        });
      }
    };
}

/**
 * Standard deviation, in Hz, of a regular train of `rate` behind a filter exp(−t/tau)/tau. Between two
 * spikes, D = 1/rate apart, it decays from 1/(tau (1 − exp(−D/tau))); the mean of its square over D is
 * coth(D/2tau) / (2 tau D), and the square of its mean is rate².
 */
export function ripple(rate: number, tau: number): number {
  if (!(rate > 0)) return 0;
  const interval = 1 / rate;
  const square = 1 / (2 * tau * interval * Math.tanh(interval / (2 * tau)));
  return Math.sqrt(Math.max(0, square - rate * rate));
}

/** Two independent normal numbers keyed by three counters (Box & Muller 1958). */
export function normalPair(seed: number, a: number, b: number, c: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed, a, b, 2 * c)));
  const angle = 2 * Math.PI * uniform(seed, a, b, 2 * c + 1);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

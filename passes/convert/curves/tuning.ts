/**
 * Fits the tuning curve of leaky neurons to a rectifier: which gain and bias of the current, and which
 * worth of a spike, make the firing rate the nearest to what the rectifier gives.
 */
import { type LeakyTimes, lifCurrent, lifRate } from "../../../ir/semantics/soft-lif.ts";
import type { Mass } from "../../../ir/run/stats.ts";

/** f(x) ≈ amplitude · rate(gain · x + bias), rates in Hz. */
export interface Tuning {
  readonly gain: number;
  readonly bias: number;
  readonly amplitude: number;
}

/**
 * Biases that are tried, below the threshold of 1 in units of the way from there to the current of the
 * largest activation: small activations are silent then, and the bend of the curve lies elsewhere. Above
 * the threshold neurons would fire at rest.
 */
const leastBias = -0.5;
const biasStep = 1 / 64;

/**
 * The fit with the least squared error Σ count · (amplitude · rate − y)² over y = min(max(x, 0), ceiling)
 * of `masses`, where the activation `largest` fires at `rate`. The bias is from a grid; the amplitude
 * that belongs to it is Σ count · y · rate / Σ count · rate².
 */
export function fitTuning(
  masses: readonly Mass[],
  { largest, ceiling, rate }: { largest: number; ceiling: number; rate: number },
  times: LeakyTimes,
): Tuning {
  const reach = lifCurrent(rate, times) - 1;
  let best = tuningAt(0);
  let leastError = Infinity;
  for (let k = leastBias; k <= 0; k += biasStep) {
    const tuning = tuningAt(k);
    const { amplitude, error } = leastSquares(masses, tuning, ceiling, times);
    if (error < leastError) {
      leastError = error;
      best = { ...tuning, amplitude };
    }
  }
  return best;

  function tuningAt(k: number): Tuning {
    const bias = 1 + k * reach;
    return { bias, gain: (1 + reach - bias) / largest, amplitude: largest / rate };
  }
}

/** The amplitude with the least squared error, and that error. */
function leastSquares(
  masses: readonly Mass[],
  { gain, bias }: Tuning,
  ceiling: number,
  times: LeakyTimes,
): { readonly amplitude: number; readonly error: number } {
  let product = 0;
  let power = 0;
  let whole = 0;
  for (const { value, count } of masses) {
    const y = Math.min(ceiling, Math.max(0, value));
    const rate = lifRate(gain * value + bias, times);
    product += count * y * rate;
    power += count * rate * rate;
    whole += count * y * y;
  }
  if (!(product > 0)) return { amplitude: 0, error: Infinity };
  return { amplitude: product / power, error: whole - (product * product) / power };
}

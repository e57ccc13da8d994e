/** Attributes of the ops that make spikes of values from outside: how an input becomes spikes. */
import type { TensorRef } from "../../tensor.ts";

/** Whether a value below 0 sends nothing, or spikes of −1 by its size. */
export type EncoderSign = "positive" | "free";

/** What encoders of a value's size share. Both tensors broadcast to the value; gains are above 0. */
interface SizeEncoder {
  readonly gain: TensorRef;
  readonly amplitude: TensorRef;
  readonly sign: EncoderSign;
}

export interface EncoderOps {
  /**
   * Spikes at random: at each timestep, independently of every other,
   *
   *     p = clip(gain · x, 0, 1)                    a spike has this probability
   *     s[t] = 1 where p · 2³² > r, else 0          r: 32 random bits of this element and timestep
   *     y[t] = amplitude · s[t]
   *
   * so that 0 never fires and 1 always does. With sign `free` p = clip(gain · |x|, 0, 1), and s is −1 where
   * x < 0. The mean of y over time tends to amplitude · p, with a standard error of amplitude · √(p(1 − p)/T).
   *
   * Operands: x, and a value, as a rule an input, whose content r depends on. r is a function of the seed, of
   * what is in all of that value at this timestep, of the element's place in x and of t: of nothing that
   * was drawn before, and so not of threads, batches or the order of samples. A sample gets the same
   * spikes wherever it stands in a set; two encoders of shapes alike draw the same unless their seeds differ.
   * (ir/random.ts; Philox4x32-10.) Of an input every engine has the same bits; a computed value may differ in the
   * last one, and then every draw does. gain · x is rounded to f32.
   */
  "snn.poisson-encode": SizeEncoder & { readonly seed: number };
  /**
   * The time of one spike, earlier for larger values: with u = clip(gain · x, 0, 1), in each period of N =
   * `steps` timesteps
   *
   *     t* = 1 + ⌊(N − 1) · (1 − u)⌉                 a tie is the later timestep
   *     s[t] = 1 where u > 0, u ≥ threshold and t is the timestep t* of its period, else 0
   *     y[t] = amplitude · s[t]
   *
   * With sign `free` u = clip(gain · |x|, 0, 1), and s is −1 where x < 0. This is snnTorch's
   * `latency` with linear, normalize and clip; N timesteps are the window there, and a run of N has one spike
   * of each element at most. gain · x is rounded to f32, the rest is in double precision.
   */
  "snn.latency-encode": SizeEncoder & { readonly steps: number; readonly threshold: number };
  /**
   * The binary digits of a value, one at each timestep, the most significant first (Kim et al. 2018):
   * with u = clip(gain · x, 0, 1), K = `bits` and k = (t − 1) mod K
   *
   *     n = min(⌊u · 2^K + ½⌋, 2^K − 1)             the value as a whole number
   *     s[t] = digit K − 1 − k of n                 1 or 0
   *     y[t] = amplitude · 2^−(1+k) · s[t]
   *
   * so that y sums to amplitude · n/2^K over each period of K timesteps. With sign `free` u = clip(gain · |x|,
   * 0, 1), and s is negative where x < 0. gain · x is rounded to f32, y once more.
   */
  "snn.phase-encode": SizeEncoder & { readonly bits: number };
  /**
   * Changes of a value: a spike each time it has moved by a threshold from where it was when it was last
   * followed,
   *
   *     d[t] = x[t] − r[t−1]
   *     s[t] = 1 where d[t] ≥ threshold, −1 where d[t] ≤ −threshold, else 0
   *     r[t] = r[t−1] + threshold · s[t],  r[0] = 0
   *     y[t] = amplitude · s[t]
   *
   * One spike at most for each timestep: of a larger change the rest follows at later ones. With the
   * threshold as amplitude the sum of y is r, within a threshold of x once x has been followed. On f32,
   * d and r are each rounded once.
   */
  "snn.delta-encode": { readonly threshold: TensorRef; readonly amplitude: TensorRef };
}

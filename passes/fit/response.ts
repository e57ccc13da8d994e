/**
 * What neurons of rate code make of currents over time, and the threshold and bias that make their
 * means come nearest to the activations wanted. The rule is that of `snn.graded` with words and a constant
 * step, which with one bit and v[0] = 0 is that of `snn.if` with v[0] = θ/2, in double precision: enough to
 * choose by.
 */
import type { Sign } from "../../ir/op/op.ts";
import { doublesFor } from "../../ir/semantics/neurons/arithmetic.ts";
import { wordRule } from "../../ir/semantics/neurons/graded.ts";

/** Currents of one channel at some places over time, with the activations wanted there. */
export interface Observed {
  /** [timestep, place]. */
  readonly currents: Float32Array;
  /** [place]. */
  readonly wanted: Float32Array;
  readonly timesteps: number;
}

export interface RateFiring {
  /** The largest spike in units of the step: 1 for binary spikes. */
  readonly most: number;
  /** Whether spikes of the other sign may take back what was sent, or bring values of that sign. */
  readonly sign: Sign;
}

/** The mean over time of what is sent, for each place. */
export function meanSent(
  { currents, wanted, timesteps }: Observed,
  { most, sign }: RateFiring,
  step: number,
  bias: number,
): Float64Array {
  const places = wanted.length;
  const sent = new Float64Array(places);
  const { integrate, fire, reset } = wordRule(most, sign, doublesFor(step));
  for (let place = 0; place < places; place++) {
    let v = 0;
    let units = 0;
    for (let t = 0; t < timesteps; t++) {
      const u = integrate(v, (currents[t * places + place] ?? 0) + bias);
      const k = fire(u, units * step, step, Infinity);
      v = reset(u, k, k * step);
      units += k;
    }
    sent[place] = (units * step) / timesteps;
  }
  return sent;
}

export interface ChosenResponse {
  readonly step: number;
  readonly bias: number;
}

/** Candidates for the range, as shares of the largest magnitude: closer together where they are usual. */
const shares = [
  0.12, 0.16, 0.2, 0.25, 0.3, 0.35, 0.41, 0.47, 0.54, 0.62, 0.7, 0.8, 0.9, 1, 1.15,
] as const;
const refinements = [0.93, 1.07] as const;
const biasRounds = 2;

/**
 * The step and the bias per timestep with the least squared error of means; `ceiling` bounds the range.
 * Where nothing is to be sent the step is 0.
 */
export function chooseResponse(
  observed: Observed,
  firing: RateFiring,
  ceiling: number,
): ChosenResponse {
  const { wanted } = observed;
  const isSigned = firing.sign === "free";
  const largest = wanted.reduce((most, a) => Math.max(most, isSigned ? Math.abs(a) : a), 0);
  if (largest === 0) return { step: 0, bias: 0 };
  const errorAt = (range: number): number =>
    squaredError(wanted, meanSent(observed, firing, range / firing.most, 0));
  let range = Math.min(ceiling, largest);
  let least = errorAt(range);
  const attempt = (candidate: number): void => {
    const bounded = Math.min(ceiling, candidate);
    const error = errorAt(bounded);
    if (error < least) [range, least] = [bounded, error];
  };
  for (const share of shares) attempt(share * largest);
  const found = range;
  for (const factor of refinements) attempt(factor * found);
  const step = range / firing.most;
  let bias = 0;
  for (let round = 0; round < biasRounds; round++) {
    const sent = meanSent(observed, firing, step, bias);
    const missing = wanted.reduce((sum, a, i) => sum + a - (sent[i] ?? 0), 0) / wanted.length;
    const error = squaredError(wanted, meanSent(observed, firing, step, bias + missing));
    if (error >= least) break;
    [bias, least] = [bias + missing, error];
  }
  return { step, bias };
}

function squaredError(wanted: Float32Array, sent: Float64Array): number {
  return wanted.reduce((sum, a, i) => sum + (a - (sent[i] ?? 0)) ** 2, 0);
}

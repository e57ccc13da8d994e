/**
 * What neurons of rate code make of currents over time, and the threshold and bias that make their
 * means come nearest to the activations wanted. The rule is that of `snn.graded` with words and a constant
 * step, which with one bit and v[0] = 0 is that of `snn.if` with v[0] = θ/2, in double precision: enough to
 * choose by.
 */
import type { Sign } from "../../ir/op/op.ts";

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
  observed: Observed,
  firing: RateFiring,
  step: number,
  bias: number,
): Float64Array {
  const { wanted, timesteps } = observed;
  const sent = senderOf(observed, firing, step, bias);
  return Float64Array.from(wanted, (_, place) => (sent(place) * step) / timesteps);
}

/**
 * How many steps a neuron at a place sends in all: the rule of `snn.graded` without a ceiling, by the step's
 * reciprocal, in one piece, as calls would take most of the time of hundreds of millions of timesteps.
 */
function senderOf(
  { currents, wanted, timesteps }: Observed,
  { most, sign }: RateFiring,
  step: number,
  bias: number,
): (place: number) => number {
  const places = wanted.length;
  const inverse = 1 / step;
  const retracts = sign === "retract";
  const least = sign === "positive" ? 0 : -most;
  return (place) => {
    let v = 0;
    let units = 0;
    for (let t = 0, at = place; t < timesteps; t++, at += places) {
      v += (currents[at] ?? 0) + bias;
      // No more goes back than was sent.
      const back = -(units * step);
      const reached = retracts && back > v ? back : v;
      const wanted = Math.floor(reached * inverse + 0.5);
      const k = wanted > most ? most : wanted < least ? least : wanted;
      v -= k * step;
      units += k;
    }
    return units;
  };
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
  let range = Math.min(ceiling, largest);
  let least = errorWithin(Infinity, observed, firing, range / firing.most, 0);
  const attempt = (candidate: number): void => {
    const bounded = Math.min(ceiling, candidate);
    const error = errorWithin(least, observed, firing, bounded / firing.most, 0);
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
    const error = errorWithin(least, observed, firing, step, bias + missing);
    if (error >= least) break;
    [bias, least] = [bias + missing, error];
  }
  return { step, bias };
}

/** The squared error of what is sent; Infinity where it is not below `limit`, which half of the sum may show. */
function errorWithin(
  limit: number,
  observed: Observed,
  firing: RateFiring,
  step: number,
  bias: number,
): number {
  const { wanted, timesteps } = observed;
  const sent = senderOf(observed, firing, step, bias);
  let error = 0;
  for (let place = 0; place < wanted.length; place++) {
    error += ((wanted[place] ?? 0) - (sent(place) * step) / timesteps) ** 2;
    // Sums of squares never become less.
    if (error >= limit) return Infinity;
  }
  return error;
}

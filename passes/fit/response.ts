/**
 * What neurons of rate code make of currents over time, and the threshold and bias that make their
 * means come nearest to the activations wanted. The rule is that of `snn.graded` with words and a constant
 * step, which with one bit and v[0] = 0 is that of `snn.if` with v[0] = θ/2, in double precision: enough to
 * choose by.
 */
import type { FitLoops, RateNeurons, RateRule } from "../../ir/run/loops.ts";
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

/** The mean over time of what neurons send, for each place. */
export function meanSent(
  neurons: RateNeurons,
  { wanted, timesteps }: Observed,
  firing: RateFiring,
  step: number,
  bias: number,
): Float64Array {
  const units = neurons.unitsSent(ruleOf(firing, step, bias), 0, wanted.length);
  return Float64Array.from(units, (sent) => (sent * step) / timesteps);
}

function ruleOf({ most, sign }: RateFiring, step: number, bias: number): RateRule {
  const least = sign === "positive" ? 0 : -most;
  return { step, bias, most, least, retracts: sign === "retract" };
}

/**
 * The rule of `snn.graded` without a ceiling, by the step's reciprocal, in one piece, as calls would take most
 * of the time of hundreds of millions of timesteps.
 */
export function plainNeurons({ currents, wanted, timesteps }: Observed): RateNeurons {
  const places = wanted.length;
  const units = new Float64Array(places);
  return {
    unitsSent({ step, bias, most, least, retracts }, first, count) {
      const inverse = 1 / step;
      for (let place = first; place < first + count; place++) {
        let v = 0;
        let sent = 0;
        for (let t = 0, at = place; t < timesteps; t++, at += places) {
          v += (currents[at] ?? 0) + bias;
          // No more goes back than was sent.
          const back = -(sent * step);
          const reached = retracts && back > v ? back : v;
          const wanted = Math.floor(reached * inverse + 0.5);
          const k = wanted > most ? most : wanted < least ? least : wanted;
          v -= k * step;
          sent += k;
        }
        units[place] = sent;
      }
      return units.subarray(first, first + count);
    },
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
/** Places that are simulated before it is asked whether their error is too large already. */
const placesTogether = 64;

/**
 * The step and the bias per timestep with the least squared error of means; `ceiling` bounds the range.
 * Where nothing is to be sent the step is 0. `loops` save time, and change no bit.
 */
export function chooseResponse(
  observed: Observed,
  firing: RateFiring,
  ceiling: number,
  loops: FitLoops | null = null,
): ChosenResponse {
  const { currents, wanted } = observed;
  const isSigned = firing.sign === "free";
  const largest = wanted.reduce((most, a) => Math.max(most, isSigned ? Math.abs(a) : a), 0);
  if (largest === 0) return { step: 0, bias: 0 };
  const neurons = loops?.rateNeurons(currents, wanted.length) ?? plainNeurons(observed);
  const errorWithin = (limit: number, step: number, bias: number): number =>
    errorOf(neurons, limit, observed, ruleOf(firing, step, bias));
  let range = Math.min(ceiling, largest);
  let least = errorWithin(Infinity, range / firing.most, 0);
  const attempt = (candidate: number): void => {
    const bounded = Math.min(ceiling, candidate);
    const error = errorWithin(least, bounded / firing.most, 0);
    if (error < least) [range, least] = [bounded, error];
  };
  for (const share of shares) attempt(share * largest);
  const found = range;
  for (const factor of refinements) attempt(factor * found);
  const step = range / firing.most;
  let bias = 0;
  for (let round = 0; round < biasRounds; round++) {
    const sent = meanSent(neurons, observed, firing, step, bias);
    const missing = wanted.reduce((sum, a, i) => sum + a - (sent[i] ?? 0), 0) / wanted.length;
    const error = errorWithin(least, step, bias + missing);
    if (error >= least) break;
    [bias, least] = [bias + missing, error];
  }
  return { step, bias };
}

/** The squared error of what is sent; Infinity where it is not below `limit`, which half of the sum may show. */
function errorOf(
  neurons: RateNeurons,
  limit: number,
  { wanted, timesteps }: Observed,
  rule: RateRule,
): number {
  let error = 0;
  for (let first = 0; first < wanted.length; first += placesTogether) {
    const count = Math.min(placesTogether, wanted.length - first);
    const units = neurons.unitsSent(rule, first, count);
    for (let i = 0; i < count; i++) {
      error += ((wanted[first + i] ?? 0) - ((units[i] ?? 0) * rule.step) / timesteps) ** 2;
    }
    // Sums of squares never become less.
    if (error >= limit) return Infinity;
  }
  return error;
}

/**
 * The steps of one channel of graded neurons over time, from the currents that some of them received.
 * In double precision: enough to choose by.
 */
import type { OpOf } from "../../ir/op/op.ts";
import { doubles, floats } from "../../ir/semantics/neurons/arithmetic.ts";
import { gradedRule, largestSpike } from "../../ir/semantics/neurons/graded.ts";

export interface Sending {
  readonly attrs: Pick<OpOf<"snn.graded">["attrs"], "alphabet" | "bits" | "sign">;
  /** The potential at the start. */
  readonly vInit: number;
  /** The most that may be sent in all; Infinity where there is no limit. */
  readonly ceiling: number;
}

export interface StepLimits {
  /** The least share of the step before. */
  readonly shrink: number;
  /** The least share of the first step. */
  readonly finest: number;
}

/** Candidates for a step: each this much smaller than the one before, so many of them. */
const ratio = 2 ** (-1 / 4);
const candidates = 33;
/** And so many between the best and each of its neighbours. */
const closer = 4;
/** Neurons that candidates are tried on. */
const mostTried = 4096;
/** Neurons to be ready for: more than were seen, of which the furthest will have more to send. */
const expected = 1e5;

/** Bits from which on a spike can reach the furthest and still tell what is usual from nothing. */
const enoughBits = 4;

/**
 * The step of each of `timesteps` for neurons that receive `currents` [T, neurons]: all but the last
 * reach what the furthest of a hundred thousand of them would have to send, or with few bits leave the
 * least squared error to the steps to come, and the last has the least squared error. Null where none
 * ever has anything to send.
 */
export function chooseSteps(
  currents: Float32Array,
  timesteps: number,
  sending: Sending,
  { shrink, finest }: StepLimits,
): number[] | null {
  const neurons = currents.length / timesteps;
  const most = largestSpike(sending.attrs);
  const missingOf = missingBy(sending);
  const spikeOf = spikeBy(sending);
  const { integrate, reset } = gradedRule(sending.attrs, doubles);
  const v = new Float64Array(neurons).fill(sending.vInit);
  const sent = new Float64Array(neurons);
  const steps: number[] = [];
  for (let t = 0; t < timesteps; t++) {
    const [first] = steps;
    const before = steps.at(-1);
    // What goes out by the step before and what comes in, in one go: there are millions of neurons.
    let furthest = 0;
    let seen = 0;
    for (let i = 0; i < neurons; i++) {
      let held = v[i] ?? 0;
      let gone = sent[i] ?? 0;
      if (before !== undefined) {
        const k = spikeOf(held, gone, before);
        const change = before * k;
        held = reset(held, k, change);
        gone += change;
        sent[i] = gone;
      }
      held = integrate(held, currents[t * neurons + i] ?? 0);
      v[i] = held;
      const d = Math.abs(missingOf(held, gone));
      furthest = Math.max(furthest, d);
      seen += d === 0 ? 0 : 1;
    }
    const largest = Math.min(sending.ceiling, reachOf(furthest, seen)) / most;
    const isLast = t === timesteps - 1;
    const sampled = (): Group[] => sampleOf(v, sent, missingOf);
    // What the steps from here on can reach, each as much smaller than the one before as may be.
    const plan: StepSearch = { most, shrink, steps: timesteps - t };
    const chosen = (upTo: number): number => {
      if (isLast) return leastError(spikeOf, sampled(), upTo);
      return sending.attrs.bits < enoughBits
        ? leastLeft(sampled(), plan, Math.min(upTo, largest))
        : largest;
    };
    let step: number;
    if (first === undefined || before === undefined) {
      // What arrives later may be the first that there is to send.
      const start = largest > 0 ? largest : laterReach(currents, timesteps, sending) / most;
      if (start === 0) return null;
      step = largest > 0 ? chosen(start) : start;
    } else {
      step = Math.min(before, Math.max(chosen(before), before * shrink, first * finest));
    }
    steps.push(step);
  }
  return steps;
}

/**
 * What the furthest of `expected` would have to send: more than the furthest that was seen by the ratio
 * of such extremes of a normal distribution, √(ln expected / ln seen).
 */
function reachOf(furthest: number, seen: number): number {
  return furthest * Math.sqrt(Math.log(expected) / Math.log(Math.min(expected, Math.max(2, seen))));
}

/** The largest that there will be to send at any timestep, if nothing is sent until then. */
function laterReach(currents: Float32Array, timesteps: number, sending: Sending): number {
  const neurons = currents.length / timesteps;
  const missingOf = missingBy(sending);
  let furthest = 0;
  for (let i = 0; i < neurons; i++) {
    let v = sending.vInit;
    for (let t = 0; t < timesteps; t++) {
      v += currents[t * neurons + i] ?? 0;
      furthest = Math.max(furthest, Math.abs(missingOf(v, 0)));
    }
  }
  return furthest;
}

/** The step, at most `largest`, with which one spike leaves the least behind. */
function leastError(spikeOf: SpikeOf, tried: readonly Group[], largest: number): number {
  let best = largest;
  let least = Infinity;
  const tryOut = (step: number): void => {
    let error = 0;
    for (const { v, sent, missing, weight } of tried) {
      for (let i = 0; i < v.length && error < least; i++) {
        const left = (missing[i] ?? 0) - step * spikeOf(v[i] ?? 0, sent[i] ?? 0, step);
        error += weight * left * left;
      }
    }
    if (error < least) [best, least] = [step, error];
  };
  for (let j = 0; j < candidates; j++) tryOut(largest * ratio ** j);
  // The error is no smooth function of the step: a closer look around the best pays.
  const around = best;
  for (let j = -closer; j <= closer; j++) tryOut(Math.min(largest, around * ratio ** (j / closer)));
  return best;
}

interface StepSearch {
  /** The largest spike in units of the step. */
  readonly most: number;
  /** What each step is of the one before. */
  readonly shrink: number;
  /** How many steps there are, with the first. */
  readonly steps: number;
}

/**
 * The first step, at most `largest`, of a plan that leaves the least behind: what is beyond the reach of all
 * its steps together, and what the last of them rounds, a third of the square of half a step in the mean.
 */
function leastLeft(tried: readonly Group[], plan: StepSearch, largest: number): number {
  const { most, shrink, steps } = plan;
  const reach = (most * (1 - shrink ** steps)) / (1 - shrink);
  const half = shrink ** (steps - 1) / 2;
  let best = largest;
  let least = Infinity;
  for (let j = 0; j < candidates; j++) {
    const step = largest * ratio ** j;
    let error = 0;
    for (const { missing, weight } of tried) {
      for (let i = 0; i < missing.length; i++) {
        const far = Math.abs(missing[i] ?? 0);
        const beyond = Math.max(0, far - step * reach);
        const rounded = Math.min(far, step * half);
        error += weight * (beyond * beyond + (rounded * rounded) / 3);
      }
    }
    if (error < least) [best, least] = [step, error];
  }
  return best;
}

/** Neurons that steps are tried on. */
interface Group {
  /** How many neurons each of them stands for. */
  readonly weight: number;
  readonly v: Float64Array;
  readonly sent: Float64Array;
  /** What each of them still has to send. */
  readonly missing: Float64Array;
}

/**
 * Some neurons to try steps on, those that have the most to send first: few have much, and much of the
 * error is theirs, so as many are taken of these as of all the others.
 */
function sampleOf(
  v: Float64Array,
  sent: Float64Array,
  missingOf: (v: number, sent: number) => number,
): Group[] {
  const missing = new Float64Array(v.length);
  let furthest = 0;
  for (let i = 0; i < v.length; i++) {
    const d = missingOf(v[i] ?? 0, sent[i] ?? 0);
    missing[i] = d;
    furthest = Math.max(furthest, Math.abs(d));
  }
  const limit = furthest / 16;
  let count = 0;
  for (let i = 0; i < v.length; i++) count += Math.abs(missing[i] ?? 0) > limit ? 1 : 0;
  const far = new Int32Array(count);
  const near = new Int32Array(v.length - count);
  let [fars, nears] = [0, 0];
  for (let i = 0; i < v.length; i++) {
    if (Math.abs(missing[i] ?? 0) > limit) far[fars++] = i;
    else near[nears++] = i;
  }
  return [far, near].map((all) => {
    const stride = Math.max(1, Math.floor(all.length / mostTried));
    const drawn = all.filter((_, i) => i % stride === 0);
    const of = (values: Float64Array): Float64Array => {
      const gathered = new Float64Array(drawn.length);
      for (let i = 0; i < drawn.length; i++) gathered[i] = values[drawn[i] ?? 0] ?? 0;
      return gathered;
    };
    return { weight: stride, v: of(v), sent: of(sent), missing: of(missing) };
  });
}

/** What a neuron that holds `v` and has sent `sent` still has to send, as far as it may. */
function missingBy({ attrs: { sign }, ceiling }: Sending): (v: number, sent: number) => number {
  switch (sign) {
    case "free":
      return (v, sent) => Math.min(ceiling - sent, v);
    case "retract":
      return (v, sent) => Math.max(-sent, Math.min(ceiling - sent, v));
    case "positive":
      return (v, sent) => Math.max(0, Math.min(ceiling - sent, v));
  }
}

/** The spike of a neuron that holds `v` and has sent `sent`, in units of the step. */
type SpikeOf = (v: number, sent: number, step: number) => number;

function spikeBy({ attrs, ceiling }: Sending): SpikeOf {
  // Powers are chosen in float32, as engines choose them; words in double precision.
  const { fire } = gradedRule(attrs, attrs.alphabet === "power" ? floats : doubles);
  return (v, sent, step) => fire(v, sent, step, ceiling);
}

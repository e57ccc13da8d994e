/**
 * The steps of one channel of graded neurons over time, from the currents that some of them received.
 * In double precision: enough to choose by.
 */
import { twoToThe } from "../../ir/run/octaves.ts";
import type { ErrorWithin, FitLoops, WordGroup } from "../../ir/run/loops.ts";
import { largestSpike } from "../../ir/semantics/neurons/graded.ts";
import { type Neurons, type Sending, missingBy, trialOf } from "./trial.ts";

export interface StepLimits {
  /** The least share of the step before. */
  readonly shrink: number;
  /** The least share of the first step. */
  readonly finest: number;
}

/** Candidates for a step: so many in an octave, from the largest down, so many of them. */
const perOctave = 4;
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
 * ever has anything to send. `loops` save time, and change no bit.
 */
export function chooseSteps(
  currents: Float32Array,
  timesteps: number,
  sending: Sending,
  { shrink, finest }: StepLimits,
  loops: FitLoops | null = null,
): number[] | null {
  const neurons = currents.length / timesteps;
  const most = largestSpike(sending.attrs);
  const trial = trialOf(sending, neurons, loops);
  const steps: number[] = [];
  for (let t = 0; t < timesteps; t++) {
    const [first] = steps;
    const before = steps.at(-1);
    // What goes out by the step before and what comes in, in one go: there are millions of neurons.
    const { furthest, seen } = trial.advance(before ?? null, currents, t * neurons);
    const largest = Math.min(sending.ceiling, reachOf(furthest, seen)) / most;
    const isLast = t === timesteps - 1;
    const sampled = (): WordGroup[] => sampleOf(trial.neurons, furthest);
    // What the steps from here on can reach, each as much smaller than the one before as may be.
    const plan: StepSearch = { most, shrink, steps: timesteps - t };
    const chosen = (upTo: number): number => {
      if (isLast) return leastError(trial.errorsOf(sampled()), upTo);
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
  const missingOf = missingBy(sending.attrs.sign, sending.ceiling);
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
function leastError(errorWithin: ErrorWithin, largest: number): number {
  let best = largest;
  let least = Infinity;
  const tryOut = (step: number): void => {
    const error = errorWithin(least, step);
    if (error < least) [best, least] = [step, error];
  };
  for (let j = 0; j < candidates; j++) tryOut(largest * twoToThe(-j, perOctave));
  // The error is no smooth function of the step: a closer look around the best pays.
  const around = best;
  for (let j = -closer; j <= closer; j++)
    tryOut(Math.min(largest, around * twoToThe(-j, perOctave * closer)));
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
function leastLeft(tried: readonly WordGroup[], plan: StepSearch, largest: number): number {
  const { most, shrink, steps } = plan;
  const reach = (most * (1 - shrink ** steps)) / (1 - shrink);
  const half = shrink ** (steps - 1) / 2;
  let best = largest;
  let least = Infinity;
  for (let j = 0; j < candidates; j++) {
    const step = largest * twoToThe(-j, perOctave);
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

/**
 * Some neurons to try steps on, those that have the most to send first: few have much, and much of the
 * error is theirs, so as many are taken of these as of all the others. `furthest` is the most that is missing.
 */
function sampleOf({ v, sent, missing }: Neurons, furthest: number): WordGroup[] {
  const limit = furthest / 16;
  let count = 0;
  for (let i = 0; i < missing.length; i++) if (Math.abs(missing[i] ?? 0) > limit) count++;
  const far = new Drawn(count);
  const near = new Drawn(v.length - count);
  for (let i = 0; i < missing.length; i++) {
    const d = missing[i] ?? 0;
    const group = Math.abs(d) > limit ? far : near;
    if (group.isNext()) group.take(v[i] ?? 0, sent[i] ?? 0, d);
  }
  return [far, near];
}

/** One out of `weight` neurons, as they come. */
class Drawn implements WordGroup {
  readonly weight: number;
  readonly v: Float64Array;
  readonly sent: Float64Array;
  readonly missing: Float64Array;
  private to = 0;
  private wait = 1;

  constructor(all: number) {
    this.weight = Math.max(1, Math.floor(all / mostTried));
    const drawn = Math.ceil(all / this.weight);
    this.v = new Float64Array(drawn);
    this.sent = new Float64Array(drawn);
    this.missing = new Float64Array(drawn);
  }

  /** Whether the next neuron is one to take. */
  isNext(): boolean {
    this.wait--;
    return this.wait === 0;
  }

  take(v: number, sent: number, missing: number): void {
    this.wait = this.weight;
    this.v[this.to] = v;
    this.sent[this.to] = sent;
    this.missing[this.to] = missing;
    this.to++;
  }
}

/**
 * The steps of one channel of graded neurons over time, from the currents that some of them received.
 * In double precision: enough to choose by.
 */
import { type OpOf } from "../../../ir/op.ts";
import { gradedSpike, largestSpike } from "../../../ir/semantics/neurons/graded.ts";

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

/** Candidates for the last step: each this much smaller than the one before, so many of them. */
const ratio = 2 ** (-1 / 8);
const candidates = 65;
/** Neurons that candidates are tried on. */
const mostTried = 4096;

/**
 * The step of each of `timesteps` for neurons that receive `currents` [T, neurons]: all but the last
 * reach what the furthest of them has to send, and the last has the least squared error. Null where
 * none ever has anything to send.
 */
export function chooseSteps(
  currents: Float32Array,
  timesteps: number,
  sending: Sending,
  { shrink, finest }: StepLimits,
): number[] | null {
  const neurons = currents.length / timesteps;
  const most = largestSpike(sending.attrs);
  const v = new Float64Array(neurons).fill(sending.vInit);
  const sent = new Float64Array(neurons);
  const steps: number[] = [];
  for (let t = 0; t < timesteps; t++) {
    let furthest = 0;
    for (let i = 0; i < neurons; i++) {
      v[i] = (v[i] ?? 0) + (currents[t * neurons + i] ?? 0);
      const missing = missingOf(sending, v[i] ?? 0, sent[i] ?? 0);
      furthest = Math.max(furthest, Math.abs(missing));
    }
    const [first] = steps;
    const before = steps.at(-1);
    let step = furthest / most;
    if (first === undefined || before === undefined) {
      // What arrives later may be the first that there is to send.
      if (step === 0) step = laterReach(currents, t, timesteps, sending) / most;
      if (step === 0) return null;
      if (t === timesteps - 1) step = leastError(sending, v, sent, step);
    } else {
      if (t === timesteps - 1) step = leastError(sending, v, sent, before);
      step = Math.min(before, Math.max(step, before * shrink, first * finest));
    }
    steps.push(step);
    for (let i = 0; i < neurons; i++) {
      const change = step * spikeOf(sending, v[i] ?? 0, sent[i] ?? 0, step);
      v[i] = (v[i] ?? 0) - change;
      sent[i] = (sent[i] ?? 0) + change;
    }
  }
  return steps;
}

/** What neurons that hold `v` and have sent `sent` still have to send, as far as they may. */
function missingOf({ attrs, ceiling }: Sending, v: number, sent: number): number {
  const low = attrs.sign === "free" ? -Infinity : attrs.sign === "retract" ? -sent : 0;
  return Math.max(low, Math.min(ceiling - sent, v));
}

/** The largest that there will be to send after timestep `t`, if nothing is sent until then. */
function laterReach(
  currents: Float32Array,
  t: number,
  timesteps: number,
  sending: Sending,
): number {
  const neurons = currents.length / timesteps;
  let furthest = 0;
  for (let i = 0; i < neurons; i++) {
    let v = sending.vInit;
    for (let at = 0; at < timesteps; at++) {
      v += currents[at * neurons + i] ?? 0;
      if (at > t) furthest = Math.max(furthest, Math.abs(missingOf(sending, v, 0)));
    }
  }
  return furthest;
}

/** The step, at most `largest`, with which one spike leaves the least behind. */
function leastError(
  sending: Sending,
  v: Float64Array,
  sent: Float64Array,
  largest: number,
): number {
  const stride = Math.max(1, Math.floor(v.length / mostTried));
  let best = largest;
  let least = Infinity;
  for (let j = 0; j < candidates; j++) {
    const step = largest * ratio ** j;
    let error = 0;
    for (let i = 0; i < v.length && error < least; i += stride) {
      const [u, r] = [v[i] ?? 0, sent[i] ?? 0];
      error += (missingOf(sending, u, r) - step * spikeOf(sending, u, r, step)) ** 2;
    }
    if (error < least) [best, least] = [step, error];
  }
  return best;
}

/** In units of the step. */
function spikeOf(sending: Sending, v: number, sent: number, step: number): number {
  const { attrs, ceiling } = sending;
  if (attrs.alphabet === "power") return gradedSpike(attrs, v, sent, step, ceiling);
  const most = 2 ** attrs.bits - 1;
  const taken = Math.min(most, Math.max(0, Math.floor(sent / step + 0.5)));
  const low = attrs.sign === "free" ? -most : attrs.sign === "retract" ? -taken : 0;
  const high =
    ceiling === Infinity ? most : Math.min(most, Math.floor((ceiling - sent) / step + 0.5));
  return Math.max(low, Math.min(high, Math.floor(v / step + 0.5)));
}

/**
 * Neurons of one channel that steps are tried on: what a rule makes of millions of them, timestep by
 * timestep, and the error of one more step. Words, which nearly all neurons send, have their rule in one piece
 * with these loops: calls for each neuron would take ten times as long. In double precision: enough to choose by.
 */
import type {
  ErrorWithin,
  FitLoops,
  WordGroup,
  WordNeurons,
  WordRule,
} from "../../ir/run/loops.ts";
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

/** What each of some neurons is at. */
export type Neurons = Pick<WordNeurons, "v" | "sent" | "missing">;

export interface Trial {
  readonly neurons: Neurons;
  /** As `WordNeurons.advance`, whatever they send: the currents of a timestep begin at `from`. */
  advance(before: number | null, currents: Float32Array, from: number): Found;
  /** The error of one more spike, of these neurons. With loops it is the end of `neurons`. */
  errorsOf(groups: readonly WordGroup[]): ErrorWithin;
}

type Found = ReturnType<WordNeurons["advance"]>;

/** `count` neurons at the start of a trial. Where `loops` hold them, they are good until these are used again. */
export function trialOf(sending: Sending, count: number, loops: FitLoops | null): Trial {
  return sending.attrs.alphabet === "word"
    ? wordTrial(sending, count, loops)
    : powerTrial(sending, count);
}

/** Signs differ in the least spike, and in the least that may be missing. */
function wordTrial(
  { attrs, ceiling, vInit }: Sending,
  count: number,
  loops: FitLoops | null,
): Trial {
  const most = largestSpike(attrs);
  const isPositive = attrs.sign === "positive";
  const rule: WordRule = {
    most,
    least: isPositive ? 0 : -most,
    ceiling,
    retracts: attrs.sign === "retract",
    floor: isPositive ? 0 : -Infinity,
  };
  const neurons = loops?.wordNeurons(count, vInit) ?? plainNeurons(count, vInit);
  return {
    neurons,
    advance: (before, currents, from) =>
      neurons.advance(rule, before, currents.subarray(from, from + count)),
    errorsOf: (groups) => loops?.wordErrors(groups, rule) ?? plainErrors(groups, rule),
  };
}

/** Where no engine has loops for them. */
export function plainErrors(
  groups: readonly WordGroup[],
  { most, least, ceiling, retracts }: WordRule,
): ErrorWithin {
  const isBounded = ceiling !== Infinity;
  return (limit, step) => {
    let error = 0;
    for (const { v, sent, missing, weight } of groups) {
      for (let i = 0; i < v.length && error < limit; i++) {
        const held = v[i] ?? 0;
        const gone = sent[i] ?? 0;
        const reached = retracts && -gone > held ? -gone : held;
        let k = Math.floor(reached / step + 0.5);
        if (k > most) k = most;
        if (isBounded) k = Math.min(k, Math.floor((ceiling - gone) / step + 0.5));
        if (k < least) k = least;
        const left = (missing[i] ?? 0) - step * k;
        error += weight * left * left;
      }
    }
    return error;
  };
}

function atStart(count: number, vInit: number): Neurons {
  return {
    v: new Float64Array(count).fill(vInit),
    sent: new Float64Array(count),
    missing: new Float64Array(count),
  };
}

/** Where no engine has loops for them. */
export function plainNeurons(count: number, vInit: number): WordNeurons {
  const { v, sent, missing } = atStart(count, vInit);
  return {
    ...{ v, sent, missing },
    advance({ most, least, ceiling, retracts, floor }, before, currents) {
      const isBounded = ceiling !== Infinity;
      let furthest = 0;
      let seen = 0;
      for (let i = 0; i < count; i++) {
        let held = v[i] ?? 0;
        let gone = sent[i] ?? 0;
        if (before !== null) {
          const reached = retracts && -gone > held ? -gone : held;
          let k = Math.floor(reached / before + 0.5);
          if (k > most) k = most;
          if (isBounded) k = Math.min(k, Math.floor((ceiling - gone) / before + 0.5));
          if (k < least) k = least;
          const change = before * k;
          held -= change;
          gone += change;
          sent[i] = gone;
        }
        held += currents[i] ?? 0;
        v[i] = held;
        let left = isBounded && ceiling - gone < held ? ceiling - gone : held;
        const low = retracts ? -gone : floor;
        if (left < low) left = low;
        missing[i] = left;
        const d = Math.abs(left);
        if (d > furthest) furthest = d;
        if (d !== 0) seen++;
      }
      return { furthest, seen };
    },
  };
}

/** Spikes are chosen in float32, as engines choose them; all else is in double precision. */
function powerTrial({ attrs, ceiling, vInit }: Sending, count: number): Trial {
  const neurons = atStart(count, vInit);
  const missingOf = missingBy(attrs.sign, ceiling);
  const { fire } = gradedRule(attrs, floats);
  const { integrate, reset } = gradedRule(attrs, doubles);
  return {
    neurons,
    advance(before, currents, from) {
      const { v, sent, missing } = neurons;
      let furthest = 0;
      let seen = 0;
      for (let i = 0; i < v.length; i++) {
        let held = v[i] ?? 0;
        let gone = sent[i] ?? 0;
        if (before !== null) {
          const k = fire(held, gone, before, ceiling);
          const change = before * k;
          held = reset(held, k, change);
          gone += change;
          sent[i] = gone;
        }
        held = integrate(held, currents[from + i] ?? 0);
        v[i] = held;
        const left = missingOf(held, gone);
        missing[i] = left;
        furthest = Math.max(furthest, Math.abs(left));
        seen += left === 0 ? 0 : 1;
      }
      return { furthest, seen };
    },
    errorsOf: (groups) => (limit, step) => {
      let error = 0;
      for (const { v, sent, missing, weight } of groups) {
        for (let i = 0; i < v.length && error < limit; i++) {
          const left = (missing[i] ?? 0) - step * fire(v[i] ?? 0, sent[i] ?? 0, step, ceiling);
          error += weight * left * left;
        }
      }
      return error;
    },
  };
}

/** What a neuron that holds `v` and has sent `sent` still has to send, as far as it may. */
export function missingBy(
  sign: Sending["attrs"]["sign"],
  ceiling: number,
): (v: number, sent: number) => number {
  switch (sign) {
    case "free":
      return (v, sent) => Math.min(ceiling - sent, v);
    case "retract":
      return (v, sent) => Math.max(-sent, Math.min(ceiling - sent, v));
    case "positive":
      return (v, sent) => Math.max(0, Math.min(ceiling - sent, v));
  }
}

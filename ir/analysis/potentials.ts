/** Where the membrane potentials of integer neurons stay, and for how many timesteps they fit 32 bits. */
import { known } from "../diagnostic.ts";
import { type TensorRef } from "../tensor.ts";
import { type Module, tensorAt } from "../module.ts";
import type { NeuronKind, OpOf } from "../op/op.ts";
import { largestSpike } from "../semantics/neurons/graded.ts";
import {
  type Interval,
  hullOf,
  intervalOf,
  magnitude,
  plus,
  rowIntervals,
  times,
  withZero,
} from "./interval.ts";
import { type Course, type Span, longestRun, stateAfter, tableWithin } from "./spans.ts";

const largest = 2 ** 31 - 1;
const smallest = -(2 ** 31);

/** What is proved of the neurons of one op. */
export interface NeuronBounds {
  /** One timestep's current, whichever timestep it is. */
  readonly current: Interval;
  /** No sum of some of the terms of that current, biases included, is larger in magnitude. */
  readonly partialSum: number;
  /** Timesteps for which no membrane potential leaves 32 bits, before the reset or after it. */
  readonly timesteps: number;
  /** Where membrane potentials stay in a run of so many timesteps, before the reset and after. */
  potential(timesteps: number): Interval;
}

/** Neurons that may be made of integers. */
export type IntegerKind = Exclude<NeuronKind, "snn.rehearsed-if">;

/** What `NeuronBounds` says of potentials. */
type PotentialBounds = Pick<NeuronBounds, "timesteps" | "potential">;

/** Currents of one op in each span of its module. */
interface Currents {
  readonly spans: readonly Span[];
  readonly currents: readonly Interval[];
}

export function potentialsOf(
  op: OpOf<IntegerKind>,
  over: Currents,
  module: Module,
): PotentialBounds {
  const x = hullOf(over.currents);
  switch (op.kind) {
    case "snn.if":
      return followed(neuronCourse(op, over, module), over.spans);
    case "snn.graded":
      return followed(gradedCourse(op, over, module), over.spans);
    case "snn.lif":
      return unmoved(withZero(hullOf([intervalOf(tensorAt(module, op.attrs.vInit)), x])));
    case "snn.few-spikes":
      return fewSpikesPotentials(op, x, module);
    case "snn.ttfs":
      return unmoved(plus(intervalOf(tensorAt(module, op.attrs.vInit)), x));
  }
}

/** Potentials that stay within an interval for as long as a network runs. */
function unmoved(interval: Interval): PotentialBounds {
  const fits = interval.low >= smallest && interval.high <= largest;
  return { timesteps: fits ? Infinity : 0, potential: () => interval };
}

/** What is known of neurons after some timesteps. */
interface Piled {
  /** What is left in them. */
  readonly left: Interval;
  /** All potentials so far, before the reset and after. */
  readonly met: Interval;
}

/** What piles up, as it does in `course`. */
function followed<State extends Piled>(
  course: Course<State>,
  spans: readonly Span[],
): PotentialBounds {
  return {
    timesteps: longestRun(course, spans),
    potential: (timesteps) => stateAfter(course, spans, timesteps).met,
  };
}

/** Row by row: a neuron that fires was at the threshold or above it, one that does not is below. */
function fewSpikesPotentials(
  op: OpOf<"snn.few-spikes">,
  x: Interval,
  module: Module,
): PotentialBounds {
  const rowsOf = (ref: TensorRef): Interval[] => rowIntervals(tensorAt(module, ref));
  const resets = rowsOf(op.attrs.reset);
  let v = plus(intervalOf(tensorAt(module, op.attrs.vInit)), x);
  const met = [v];
  rowsOf(op.attrs.threshold).forEach((threshold, row) => {
    const reset = known(resets[row], "a reset");
    const fired = { low: Math.max(v.low, threshold.low) - reset.high, high: v.high - reset.low };
    const silent = { low: v.low, high: Math.min(v.high, threshold.high - 1) };
    v = hullOf([fired, silent].filter(({ low, high }) => low <= high));
    met.push(v);
  });
  return unmoved(hullOf(met));
}

/**
 * With x[t] in [low, high] and reset by subtraction a potential after t steps obeys
 *
 *     min(v0, 0) + Σ min(low, 0)  ≤  v[t]  ≤  max(v0, θ) + Σ max(high − θ, 0)
 *
 * because it is below θ where the neuron did not fire, and at least 0 where it did. Before the reset
 * of step t it is at most v[t−1] + high. With reset to zero nothing piles up above θ.
 */
function neuronCourse(op: OpOf<"snn.if">, { currents }: Currents, module: Module): Course<Piled> {
  const at = (ref: TensorRef): Interval => intervalOf(tensorAt(module, ref));
  const threshold = at(op.attrs.threshold);
  const vInit = at(op.attrs.vInit);
  const start = { low: Math.min(0, vInit.low), high: Math.max(vInit.high, threshold.high) };
  return {
    start: { left: start, met: vInit },
    advance({ left, met }, i, timesteps) {
      const x = known(currents[i], "a current");
      const up = Math.max(0, x.high);
      const rise = op.attrs.reset === "subtract" ? Math.max(0, x.high - threshold.low) : 0;
      const fallen = left.low - timesteps * Math.max(0, -x.low);
      const risen = left.high + (timesteps - 1) * rise;
      return {
        left: { low: fallen, high: risen + rise },
        met: hullOf([met, { low: fallen, high: risen + up }]),
      };
    },
    fits: ({ met }) => met.low >= smallest && met.high <= largest,
  };
}

interface GradedState extends Piled {
  /** The largest rest that a step so far may leave. */
  readonly rest: number;
  /** Sums over the timesteps: the largest of spikes in units of the potential, and of currents up and down. */
  readonly fired: number;
  readonly up: number;
  readonly down: number;
}

/**
 * With L the largest spike in units of the step q[t], the threshold times a share of it, a potential that did
 * not meet a bound of its spikes is left within `rest` = r · q[t] of 0: r is ½ where every size is there, L at
 * most where only powers are. What meets a bound moves on by x[t] less L · q[t], or by all of x[t] where there is
 * none left to fire: below 0 where nothing negative is sent, or no more than was sent.
 *
 * There, after the last spike above 0, the potential was above −rest; or what had been taken back too much was
 * sent again, and then no more than a rest had been sent in total, so that v ≥ v[0] + Σ x − rest. A ceiling below
 * what was sent has spikes below 0 sent, until the total is within a rest of it.
 *
 * The total that was sent is no more than was fired; and no more than v[0] + Σ x and a rest, as there was
 * at the last spike above 0, nor less than it takes back.
 */
function gradedCourse(
  op: OpOf<"snn.graded">,
  { spans, currents }: Currents,
  module: Module,
): Course<GradedState> {
  const at = (ref: TensorRef): Interval => intervalOf(tensorAt(module, ref));
  const { attrs } = op;
  const threshold = at(attrs.threshold);
  const vInit = at(attrs.vInit);
  const ceiling = attrs.ceiling === null ? null : at(attrs.ceiling);
  const most = largestSpike(attrs);
  const steps = spans.map((span) => times(threshold, sharesWithin(op, span, module)));
  const restOf = (i: number): number =>
    Math.ceil((attrs.alphabet === "word" ? 0.5 : most) * known(steps[i], "a step").high);
  const isSymmetric = attrs.sign === "free" && ceiling === null;
  const forced = ceiling === null ? 0 : Math.max(0, -ceiling.low);
  /** Where potentials have come to from where they began, without what `moved` says. */
  const highest = (rest: number): number =>
    Math.max(vInit.high, rest) + (ceiling === null ? 0 : forced + rest);
  const lowest = (rest: number): number =>
    Math.min(vInit.low - (attrs.sign === "retract" ? rest : 0), -rest);
  const totalOf = ({ fired, up, down, rest }: GradedState): number => {
    const above = Math.max(0, vInit.high + up) + rest;
    const takenBack = forced + rest;
    const below = attrs.sign === "free" ? Math.max(0, down - vInit.low) + takenBack : takenBack;
    return Math.min(fired, Math.max(above, below)) + (ceiling === null ? 0 : magnitude(ceiling));
  };
  const isKept = attrs.sign === "retract" || ceiling !== null;
  const rest = restOf(0);
  return {
    start: {
      left: { low: lowest(rest), high: highest(rest) },
      met: vInit,
      rest,
      ...{ fired: 0, up: 0, down: 0 },
    },
    advance(state, i, timesteps) {
      const x = known(currents[i], "a current");
      const step = known(steps[i], "a step");
      const [up, down] = [Math.max(0, x.high), Math.max(0, -x.low)];
      const own = restOf(i);
      const rest = Math.max(state.rest, own);
      const sums = {
        rest,
        fired: state.fired + timesteps * most * step.high,
        up: state.up + timesteps * up,
        down: state.down + timesteps * down,
      };
      const fired = most * step.low;
      const high =
        ceiling === null
          ? moved(state.left.high, up, { fired, rest: own, timesteps })
          : piled(highest(rest) + state.up, up, timesteps);
      const low = isSymmetric
        ? moved(-state.left.low, down, { fired, rest: own, timesteps })
        : piled(state.down - lowest(rest), down, timesteps);
      return {
        ...sums,
        left: { low: -low.left, high: high.left },
        met: hullOf([state.met, { low: -low.met, high: high.met }]),
      };
    },
    fits: (state) =>
      state.met.low - state.rest >= smallest &&
      state.met.high + state.rest <= largest &&
      (!isKept || totalOf(state) <= largest),
  };
}

/** The height that is left after some timesteps, and the largest on the way. */
interface Height {
  readonly left: number;
  readonly met: number;
}

/** From a height `from` up by `up` in each timestep, less what is fired; no less than a rest is left. */
function moved(
  from: number,
  up: number,
  {
    fired,
    rest,
    timesteps,
  }: { readonly fired: number; readonly rest: number; readonly timesteps: number },
): Height {
  const first = Math.max(rest, from + up - fired);
  const rise = Math.max(0, up - fired);
  const met = timesteps > 1 ? Math.max(from, first + (timesteps - 2) * rise) : from;
  return { left: first + (timesteps - 1) * rise, met: met + up };
}

/** The same where nothing may be fired. */
function piled(from: number, up: number, timesteps: number): Height {
  const left = from + timesteps * up;
  return { left, met: left };
}

/** What the steps of graded neurons within `span` are multiples of their threshold by. */
export function sharesWithin(op: OpOf<"snn.graded">, span: Span, module: Module): Interval {
  return op.attrs.shares === null ? { low: 1, high: 1 } : tableWithin(op, span, module);
}

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
  plus,
  rowIntervals,
  times,
  withZero,
} from "./interval.ts";

const largest = 2 ** 31 - 1;
const smallest = -(2 ** 31);

/** What is proved of the neurons of one op. */
export interface NeuronBounds {
  /** One timestep's current. */
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

export function potentialsOf(op: OpOf<IntegerKind>, x: Interval, module: Module): PotentialBounds {
  switch (op.kind) {
    case "snn.if":
      return neuronPotentials(op, x, module);
    case "snn.graded":
      return gradedPotentials(op, x, module);
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
 * With x in [low, high] and reset by subtraction a potential after t steps obeys
 *
 *     min(v0, 0) + t · min(low, 0)  ≤  v[t]  ≤  max(v0, θ) + t · max(high − θ, 0)
 *
 * because it is below θ where the neuron did not fire, and at least 0 where it did. Before the reset
 * of step t it is at most v[t−1] + high. With reset to zero nothing piles up above θ.
 */
function neuronPotentials(op: OpOf<"snn.if">, x: Interval, module: Module): PotentialBounds {
  const at = (ref: TensorRef): Interval => intervalOf(tensorAt(module, ref));
  const threshold = at(op.attrs.threshold);
  const vInit = at(op.attrs.vInit);
  const top = Math.max(vInit.high, threshold.high) + Math.max(0, x.high);
  const rise = op.attrs.reset === "subtract" ? Math.max(0, x.high - threshold.low) : 0;
  const bottom = Math.min(0, vInit.low);
  const fall = Math.max(0, -x.low);
  const potential = (timesteps: number): Interval => ({
    low: bottom - timesteps * fall,
    high: top + (timesteps - 1) * rise,
  });
  const upTo = top > largest ? 0 : rise === 0 ? Infinity : 1 + Math.floor((largest - top) / rise);
  const downTo = fall === 0 ? Infinity : Math.floor((bottom - smallest) / fall);
  return { timesteps: Math.min(upTo, downTo), potential };
}

/**
 * With L the largest spike in units of the step θ, the threshold times some share of it, a potential that did not meet a bound of its
 * spikes is left within `rest` · θ of 0: ½ where every size is there, L at most where only powers are.
 * What meets a bound moves on by x less L · θ, or by all of x where there is none left to fire. The
 * total that was sent is no more than was fired, and no more than was received and is not left over.
 */
function gradedPotentials(op: OpOf<"snn.graded">, x: Interval, module: Module): PotentialBounds {
  const at = (ref: TensorRef): Interval => intervalOf(tensorAt(module, ref));
  const { attrs } = op;
  const step = times(at(attrs.threshold), sharesOf(op, module));
  const vInit = at(attrs.vInit);
  const most = largestSpike(attrs);
  const [up, down] = [Math.max(0, x.high), Math.max(0, -x.low)];
  const rest = Math.ceil((attrs.alphabet === "word" ? 0.5 : most) * step.high);
  const top = Math.max(vInit.high, rest) + up;
  // What was taken back too much, half a step at most, is sent again whatever the potential.
  const owed = attrs.sign === "retract" ? rest : 0;
  const bottom = Math.min(vInit.low - owed, -rest) - down;
  const fired = most * step.low;
  const rise = attrs.ceiling === null ? Math.max(0, up - fired) : up;
  const fall = attrs.sign === "free" && attrs.ceiling === null ? Math.max(0, down - fired) : down;
  const potential = (timesteps: number): Interval => ({
    low: bottom - (timesteps - 1) * fall,
    high: top + (timesteps - 1) * rise,
  });
  const room = (width: number, rate: number): number =>
    width < 0 ? 0 : rate === 0 ? Infinity : 1 + Math.floor(width / rate);
  // A spike's share of the potential may be half a step larger than the potential.
  const upTo = room(largest - rest - top, rise);
  const downTo = room(bottom - rest - smallest, fall);
  const isKept = attrs.sign === "retract" || attrs.ceiling !== null;
  const received = room(
    largest - Math.max(Math.abs(top), Math.abs(bottom)) * 2,
    up + rise + fall + down,
  );
  const sent = Math.floor(largest / (most * step.high));
  const total = isKept ? Math.max(received, sent) : Infinity;
  return { timesteps: Math.min(upTo, downTo, total), potential };
}

/** What the steps of graded neurons are multiples of their threshold by. */
export function sharesOf({ attrs: { shares } }: OpOf<"snn.graded">, module: Module): Interval {
  return shares === null ? { low: 1, high: 1 } : intervalOf(tensorAt(module, shares));
}

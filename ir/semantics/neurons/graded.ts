/** `snn.graded`: spikes of several sizes and signs, as `ir/op/attrs/neurons.ts` has it. */
import { known } from "../../diagnostic.ts";
import type { OpOf, Sign, StepSchedule } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { type Arithmetic, arithmeticOf } from "./arithmetic.ts";
import {
  type Population,
  type Potentials,
  bitsSet,
  counted,
  isInteger,
  perNeuron,
  rowsOf,
} from "./cell.ts";
import type { NeuronRule } from "./rule.ts";

/** What steps do not shrink below, as a share of the first: float32 potentials have no more digits. */
export const finestShare = 2 ** -24;

/** `value · ρ_t` for t = 1, 2, …, rounded to float32, where no table has ρ. */
function scheduled(value: number, schedule: Exclude<StepSchedule, "table">, t: number): number {
  switch (schedule) {
    case "constant":
      return value;
    case "reciprocal":
      return Math.fround(value / t);
    case "halving":
      return Math.fround(value * Math.max(finestShare, 2 ** (1 - t)));
  }
}

/**
 * ρ_t for t = 1, 2, … of neuron `i` of a population of `shape`: what its step is a share of.
 */
export function sharesOf(
  { schedule, shares }: Pick<OpOf<"snn.graded">["attrs"], "schedule" | "shares">,
  shape: Shape,
  tensors: TensorLookup,
): (t: number, i: number) => number {
  if (schedule !== "table") return (t) => scheduled(1, schedule, t);
  const rows = rowsOf(known(shares ?? undefined, "a table of shares"), shape, tensors);
  return (t, i) => rows[Math.min(t, rows.length) - 1]?.[i] ?? 1;
}

/** The largest magnitude of a spike in units of the step: K, or the largest power. */
export function largestSpike({
  bits,
  alphabet,
}: Pick<OpOf<"snn.graded">["attrs"], "bits" | "alphabet">): number {
  return alphabet === "word" ? 2 ** bits - 1 : 2 ** (bits - 1);
}

export function graded(op: OpOf<"snn.graded">, shape: Shape, tensors: TensorLookup): Population {
  const { schedule, shares } = op.attrs;
  const integer = isInteger(op);
  const arithmetic = arithmeticOf(integer);
  const { integrate, fire, reset } = gradedRule(op.attrs, arithmetic);
  const { add, multiply } = arithmetic;
  const rows = shares === null ? [] : rowsOf(shares, shape, tensors);
  // A share of 1/t is a quotient: the product with its rounded value would be another number.
  const at = (value: number, row: Potentials | undefined, i: number): number =>
    schedule === "table" ? multiply(value, row?.[i] ?? 1) : scheduled(value, schedule, t);
  const spread = (ref: string): Potentials => perNeuron(ref, shape, tensors, integer);
  const threshold = spread(op.attrs.threshold);
  const amplitude = spread(op.attrs.amplitude);
  const ceiling = op.attrs.ceiling === null ? null : spread(op.attrs.ceiling);
  const vInit = spread(op.attrs.vInit);
  const v = vInit.slice();
  const sent = v.map(() => 0);
  const neurons = counted(v, "words");
  const { spikesOfEach, bitsOfEach } = neurons;
  let t = 0;
  return {
    neurons,
    restart() {
      t = 0;
      v.set(vInit);
      sent.fill(0);
    },
    step(x, y) {
      t++;
      const row = rows[Math.min(t, rows.length) - 1];
      for (let i = 0; i < v.length; i++) {
        const step = at(threshold[i] ?? 1, row, i);
        const u = integrate(v[i] ?? 0, x[i] ?? 0);
        const r = sent[i] ?? 0;
        const k = fire(u, r, step, ceiling === null ? Infinity : (ceiling[i] ?? Infinity));
        const change = multiply(k, step);
        v[i] = reset(u, k, change);
        sent[i] = add(r, change);
        const digits = bitsSet(Math.abs(k));
        spikesOfEach[i] = Number(digits > 0);
        bitsOfEach[i] = digits;
        y[i] = k * at(amplitude[i] ?? 0, row, i);
      }
    },
  };
}

export type SpikeSizes = Pick<OpOf<"snn.graded">["attrs"], "bits" | "alphabet" | "sign">;

/** A spike is a whole number of steps, or a power of two of them. */
export function gradedRule(firing: SpikeSizes, arithmetic: Arithmetic): NeuronRule {
  const rule = wordRule(largestSpike(firing), firing.sign, arithmetic);
  return firing.alphabet === "word" ? rule : { ...rule, fire: powersOf(firing, arithmetic) };
}

/** The same for words of up to `most` steps, which need not be 2^bits − 1. */
function wordRule(most: number, sign: Sign, arithmetic: Arithmetic): NeuronRule {
  const { add } = arithmetic;
  return {
    integrate: add,
    fire: wordsOf(most, sign, arithmetic),
    reset: (u, _k, change) => add(u, -change),
  };
}

/** The nearest multiple of the step, as far as sizes, ceiling and what was sent allow. */
function wordsOf(most: number, sign: Sign, { nearest }: Arithmetic): NeuronRule["fire"] {
  const highest = (sent: number, step: number, ceiling: number): number =>
    ceiling === Infinity ? most : Math.min(most, nearest(ceiling - sent, step));
  switch (sign) {
    case "free":
      return (u, sent, step, ceiling) =>
        Math.max(-most, Math.min(highest(sent, step, ceiling), nearest(u, step)));
    case "retract":
      return (u, sent, step, ceiling) => {
        const k = nearest(Math.max(u, -sent), step);
        return Math.max(-most, Math.min(highest(sent, step, ceiling), k));
      };
    case "positive":
      return (u, sent, step, ceiling) =>
        Math.max(0, Math.min(highest(sent, step, ceiling), nearest(u, step)));
  }
}

/** ±2^e with the largest e whose three quarters `u` reaches and that keeps within bounds; else 0. */
function powersOf(firing: SpikeSizes, { share, nearest }: Arithmetic): NeuronRule["fire"] {
  const { bits, sign } = firing;
  const most = largestSpike(firing);
  return (u, sent, step, ceiling) => {
    const wanted = sign === "retract" ? Math.max(u, -sent) : u;
    const room = ceiling === Infinity ? Infinity : nearest(ceiling - sent, step);
    const high = Math.min(most, room);
    // The nearest power may be larger than what is wanted, so what was sent bounds it once more.
    const low = lowest(sign, most, sign === "retract" ? nearest(sent, step) : 0);
    let k = 0;
    for (let e = 0; e < bits; e++) {
      const size = wanted < 0 ? -(2 ** e) : 2 ** e;
      const reached = Math.abs(wanted) >= share(0.75 * 2 ** e, step);
      if (reached && size >= low && size <= high) k = size;
    }
    return k;
  };
}

/** The least spike of neurons whose largest is `most`, and that have sent so many steps. */
function lowest(sign: Sign, most: number, sent: number): number {
  switch (sign) {
    case "positive":
      return 0;
    case "retract":
      return -Math.max(0, Math.min(most, sent));
    case "free":
      return -most;
  }
}

/** `snn.graded`: spikes of several sizes and signs, as `ir/op/op.ts` has it. */
import { known } from "../../diagnostic.ts";
import type { OpOf, StepSchedule } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { resultOf } from "../semantics.ts";
import { type Arithmetic, arithmeticOf, floats } from "./arithmetic.ts";
import { type Cell, bitsSet, counted, isInteger, perNeuron, rowsOf } from "./cell.ts";

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

export function graded(op: OpOf<"snn.graded">, shape: Shape, tensors: TensorLookup): Cell {
  const { schedule } = op.attrs;
  const integer = isInteger(op);
  const arithmetic = arithmeticOf(integer);
  const shareOf = sharesOf(op.attrs, shape, tensors);
  // A share of 1/t is a quotient: the product with its rounded value would be another number.
  const at = (value: number, i: number): number =>
    schedule === "table"
      ? arithmetic.multiply(value, shareOf(t, i))
      : scheduled(value, schedule, t);
  const spread = (ref: string): Float32Array | Int32Array =>
    perNeuron(ref, shape, tensors, integer);
  const threshold = spread(op.attrs.threshold);
  const amplitude = spread(op.attrs.amplitude);
  const ceiling = op.attrs.ceiling === null ? null : spread(op.attrs.ceiling);
  const v = spread(op.attrs.vInit);
  const sent = v.map(() => 0);
  const neurons = counted(v, "words");
  let t = 0;
  return {
    neurons,
    step(x) {
      t++;
      const y = new Float64Array(v.length);
      for (let i = 0; i < v.length; i++) {
        const step = at(threshold[i] ?? 1, i);
        const u = arithmetic.add(v[i] ?? 0, x.data[i] ?? 0);
        const r = sent[i] ?? 0;
        const k = spikeOf(op.attrs, arithmetic, u, r, step, ceiling?.[i] ?? Infinity);
        const change = arithmetic.multiply(k, step);
        v[i] = arithmetic.add(u, -change);
        sent[i] = arithmetic.add(r, change);
        const digits = bitsSet(Math.abs(k));
        neurons.spikesOfEach[i] = Number(digits > 0);
        neurons.bitsOfEach[i] = digits;
        y[i] = k * at(amplitude[i] ?? 0, i);
      }
      return resultOf(op, y);
    },
  };
}

/**
 * The spike of one float neuron in units of the step, with a potential of `u`, after it has sent `sent`;
 * `ceiling` is Infinity where there is none.
 */
export function gradedSpike(
  attrs: Firing,
  u: number,
  sent: number,
  step: number,
  ceiling: number,
): number {
  return spikeOf(attrs, floats, u, sent, step, ceiling);
}

type Firing = Pick<OpOf<"snn.graded">["attrs"], "bits" | "alphabet" | "sign">;

function spikeOf(
  attrs: Firing,
  arithmetic: Arithmetic,
  u: number,
  sent: number,
  step: number,
  ceiling: number,
): number {
  const { bits, alphabet, sign } = attrs;
  const most = largestSpike(attrs);
  const wanted = sign === "retract" ? Math.max(u, -sent) : u;
  const room = ceiling === Infinity ? Infinity : arithmetic.nearest(ceiling - sent, step);
  const high = Math.min(most, room);
  const low = sign === "positive" ? 0 : -most;
  if (alphabet === "word") return Math.max(low, Math.min(high, arithmetic.nearest(wanted, step)));
  // The nearest power may be larger than what is wanted.
  const returnable =
    sign === "retract" ? -Math.max(0, Math.min(most, arithmetic.nearest(sent, step))) : low;
  return nearestPower(arithmetic, wanted, step, bits, returnable, high);
}

/** ±2^e with the largest e whose three quarters `u` reaches and that keeps within bounds; else 0. */
function nearestPower(
  arithmetic: Arithmetic,
  u: number,
  step: number,
  bits: number,
  low: number,
  high: number,
): number {
  let k = 0;
  for (let e = 0; e < bits; e++) {
    const size = u < 0 ? -(2 ** e) : 2 ** e;
    const reached = Math.abs(u) >= arithmetic.share(0.75 * 2 ** e, step);
    if (reached && size >= low && size <= high) k = size;
  }
  return k;
}

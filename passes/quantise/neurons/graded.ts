/**
 * `snn.graded` in integers. The finest step of a neuron becomes its threshold θ' in units of the current, the
 * others whole multiples of it, and a word is sent as that many finest steps: y = k · share'.
 *
 *     θ' = round(f / q)    share'[t] = whole(q[t] / f)    v0' = round(v0 / q)    ceiling' = round(ceiling / q)
 *
 * where f is the finest step. A neuron sends exactly what it takes off its potential, so a step that was
 * rounded is another step and no error: what a spike stands for is corrected by θ'·q / f, and earlier steps
 * are rounded up, so that their largest word reaches as far as before. Finer than its currents count no
 * neuron can be: where weights are so coarse that the middle one of all channels' f is less than a unit, the
 * finest step is doubled until it is one, as far as there are coarser steps; of single channels θ' is 1.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { OpOf } from "../../../ir/op/op.ts";
import type { TensorLookup } from "../../../ir/op/spec.ts";
import { scalar } from "../../../ir/tensor.ts";
import { finestShare, largestSpike } from "../../../ir/semantics/neurons/graded.ts";
import { type Grid, combine, compress, uniformGrid } from "../grid.ts";
import { roundHalfAway } from "../units/scale.ts";
import {
  type NeuronForm,
  type NeuronMaker,
  keepGrid,
  keepRows,
  parametersOf,
  rowsBeside,
  startsOf,
  unitsBeside,
  partOf,
  fineEnough,
} from "./form.ts";

/** Multiples that are whole but for the rounding of floats. */
const nearlyWhole = 1e-4;

/** `increments`: whether what is received is summed once, so that no bias is added at each timestep. */
export function graded(
  op: OpOf<"snn.graded">,
  tensors: TensorLookup,
  timesteps: number,
  increments: boolean,
): NeuronForm {
  const { attrs } = op;
  const at = parametersOf(op, tensors);
  const threshold = at(attrs.threshold);
  const vInit = at(attrs.vInit);
  const amplitude = at(attrs.amplitude);
  const ceiling = attrs.ceiling === null ? null : at(attrs.ceiling);
  const shares = sharesBeside(op, tensors, timesteps);
  const least = combine(shares, (all) => Math.min(...all));
  const most = combine(shares, (all) => Math.max(...all));
  const ratio = combine([most, least], ([up = 1, down = 1]) => up / down);
  const widest = ratio.data.reduce((most, each) => Math.max(most, each), 1);
  // Channels count alike: of one with fewer steps a part of the finest, so that weights are rounded alike.
  const part = { ...ratio, data: ratio.data.map((each) => Math.round(widest / each)) };
  const base = combine([least, part], ([share = 1, divisor = 1]) => share / divisor);
  const finest = combine([threshold, base], ([theta = 1, share = 1]) => theta * share);
  const first = combine([threshold, most], ([theta = 1, share = 1]) => theta * share);
  const largest =
    ceiling === null
      ? first
      : combine([first, ceiling], ([step = 1, total = 0]) => Math.max(step, Math.abs(total)));
  const worth = combine([amplitude, base], ([a = 1, share = 1]) => a * share);
  const reach = largestSpike(attrs) * widest;
  /** How often the finest step is doubled, and its units then, where currents are in `units`. */
  const counted = (units: Grid): { readonly thetas: Grid; readonly doubled: number } => {
    const exact = combine([finest, units], ([step = 1, unit = 1]) => step / unit);
    const middle = exact.data.toSorted()[exact.data.length >> 1] ?? 1;
    // 0.5 is rounded up to a unit. The largest step remains a whole multiple of the finest.
    const wanted = Math.max(0, Math.ceil(-1 - Math.log2(middle)));
    const doubled = Math.min(wanted, Math.floor(Math.log2(widest)));
    const whole = (x: number): number => Math.max(1, roundHalfAway(x * 2 ** doubled));
    const thetas = { ...exact, data: exact.data.map(whole) };
    return { thetas, doubled };
  };
  const sent = (units: Grid): Grid => {
    const beside = unitsBeside(units, finest);
    const { thetas } = counted(beside);
    return combine(
      [amplitude, thetas, beside, threshold],
      ([a = 1, steps = 1, unit = 1, theta = 1]) => (a * steps * unit) / theta,
    );
  };
  return {
    step: increments ? uniformGrid(op.type.shape.length, Infinity) : finest,
    fine: partOf(finest, increments ? fineEnough : Infinity),
    largest,
    start: vInit,
    worth,
    bits: Math.ceil(Math.log2(reach)),
    sent,
    make(maker) {
      const units = unitsBeside(maker.units, finest);
      const { thetas, doubled } = counted(units);
      const multiples = shares.map((row) =>
        combine([row, base], ([share = 1, down = 1]) => wholeUp(share / down / 2 ** doubled)),
      );
      const inUnits = (grid: Grid): Grid =>
        combine([grid, units], ([x = 0, unit = 1]) => roundHalfAway(x / unit));
      const made = {
        ...attrs,
        threshold: keepGrid(maker, op, "threshold", thetas),
        vInit: keepGrid(maker, op, "v_init", startsOf(vInit, units, maker.surplus)),
        amplitude: maker.builder.tensor("one", scalar("i32", 1)),
        ceiling: ceiling === null ? null : keepGrid(maker, op, "ceiling", inUnits(ceiling)),
        ...scheduleOf(maker, op, multiples),
      };
      const value = maker.builder.add(op.kind, [maker.current], made, op.loc, op.result);
      return { value, units: compress(sent(maker.units)) };
    },
  };
}

/** The share of the threshold that each step is, in rows. */
function sharesBeside(
  op: OpOf<"snn.graded">,
  tensors: TensorLookup,
  timesteps: number,
): readonly Grid[] {
  const { schedule, shares } = op.attrs;
  const rank = op.type.shape.length;
  const rows = (count: number, share: (t: number) => number): readonly Grid[] =>
    Array.from({ length: count }, (_, row) => uniformGrid(rank, share(row + 1)));
  switch (schedule) {
    case "constant":
      return rows(1, () => 1);
    case "table":
      return rowsBeside(op, known(shares ?? undefined, "a table of shares"), tensors);
    case "reciprocal":
      return rows(timesteps, (t) => 1 / t);
    case "halving":
      return rows(Math.min(timesteps, 1 - Math.log2(finestShare)), (t) => 2 ** (1 - t));
  }
}

/** The next whole number from 1 up, or the nearest where floats are off by their rounding. */
function wholeUp(x: number): number {
  const nearest = Math.round(x);
  return Math.max(1, Math.abs(x - nearest) <= nearlyWhole * x ? nearest : Math.ceil(x));
}

/** A table of multiples; a constant step where all are 1, and no row twice at the end. */
function scheduleOf(
  maker: NeuronMaker,
  op: OpOf<"snn.graded">,
  multiples: readonly Grid[],
): Pick<OpOf<"snn.graded">["attrs"], "schedule" | "shares"> {
  if (multiples.every(({ data }) => data.every((multiple) => multiple === 1))) {
    return { schedule: "constant", shares: null };
  }
  return { schedule: "table", shares: keepRows(maker, op, "shares", multiples) };
}

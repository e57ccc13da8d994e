/**
 * `snn.few-spikes` in integers: thresholds and resets in units of the current, and spikes that are whole
 * multiples of the least. Where spikes are as large as what they take off a potential, and all of it whole
 * multiples of one step, as in rectifiers, the step is rounded as a whole, and what a spike stands for is
 * corrected by as much. Amplitudes that were fitted to another function are rounded to 10 binary digits.
 */
import type { OpOf } from "../../../ir/op/op.ts";
import type { TensorLookup } from "../../../ir/op/spec.ts";
import { type Grid, combine, compress } from "../grid.ts";
import { leastThreshold, roundHalfAway } from "../units/scale.ts";
import {
  type NeuronForm,
  keepGrid,
  keepRows,
  parametersOf,
  rowsBeside,
  startsOf,
  unitsBeside,
  partOf,
  fineEnough,
} from "./form.ts";

/** Of fitted amplitudes the largest becomes this. */
const largestFitted = 2 ** 10 - 1;

/** Multiples that are whole but for the rounding of floats. */
const nearlyWhole = 1e-4;

export function fewSpikes(op: OpOf<"snn.few-spikes">, tensors: TensorLookup): NeuronForm {
  const rowsOf = (ref: string): readonly Grid[] => rowsBeside(op, ref, tensors);
  const thresholds = rowsOf(op.attrs.threshold);
  const resets = rowsOf(op.attrs.reset);
  const amplitudes = rowsOf(op.attrs.amplitude);
  const vInit = parametersOf(op, tensors)(op.attrs.vInit);
  const all = [...thresholds, ...resets];
  const step = combine(resets, leastOf);
  const isWhole = [...all, ...amplitudes].every((row, i) =>
    areWhole(row, i < all.length ? step : combine(amplitudes, leastOf)),
  );
  const isCorrected = isWhole && areAlike(resets, amplitudes);
  const worth = isWhole
    ? combine(amplitudes, leastOf)
    : combine(amplitudes, (each) => Math.max(...each.map(Math.abs)) / largestFitted || 1);
  const largestSent = Math.max(
    ...amplitudes.flatMap((row) => [
      ...combine([row, worth], ([a = 0, w = 1]) => Math.abs(a / w)).data,
    ]),
  );
  const stepsOf = (units: Grid): Grid =>
    combine([step, units], ([theta = 1, unit = 1]) => Math.max(1, roundHalfAway(theta / unit)));
  const sent = (given: Grid): Grid => {
    const units = unitsBeside(given, step);
    return combine([worth, stepsOf(units), units, step], ([a = 1, n = 1, unit = 1, theta = 1]) =>
      isCorrected ? (a * n * unit) / theta : a,
    );
  };
  return {
    // Nothing is added at each timestep: the least step need only be one unit.
    step: partOf(step, 1 / leastThreshold),
    fine: partOf(step, fineEnough),
    largest: combine(all, (each) => Math.max(...each.map(Math.abs))),
    start: vInit,
    worth,
    bits: Math.ceil(Math.log2(Math.max(1, largestSent) + 1)),
    sent,
    make(maker) {
      const units = unitsBeside(maker.units, step);
      const steps = stepsOf(units);
      const inUnits = (row: Grid): Grid =>
        isWhole
          ? combine([row, step, steps], ([x = 0, theta = 1, n = 1]) => Math.round(x / theta) * n)
          : combine([row, units], ([x = 0, unit = 1]) => roundHalfAway(x / unit));
      const inWorth = (row: Grid): Grid =>
        combine([row, worth], ([a = 0, w = 1]) => roundHalfAway(a / w));
      const attrs = {
        threshold: keepRows(maker, op, "threshold", thresholds.map(inUnits)),
        reset: keepRows(maker, op, "reset", resets.map(inUnits)),
        amplitude: keepRows(maker, op, "amplitude", amplitudes.map(inWorth)),
        vInit: keepGrid(maker, op, "v_init", startsOf(vInit, units, maker.surplus)),
      };
      const value = maker.builder.add(op.kind, [maker.current], attrs, op.loc, op.result);
      return { value, units: compress(sent(maker.units)) };
    },
  };
}

/** The least magnitude that is not 0; 1 where all are. */
function leastOf(numbers: readonly number[]): number {
  const least = Math.min(...numbers.map((x) => (x === 0 ? Infinity : Math.abs(x))));
  return least === Infinity ? 1 : least;
}

function areWhole(row: Grid, unit: Grid): boolean {
  const off = combine([row, unit], ([x = 0, of = 1]) => Math.abs(x / of - Math.round(x / of)));
  return off.data.every((each) => each <= nearlyWhole);
}

/** Whether each spike takes as much off a potential as the others do of what they stand for. */
function areAlike(resets: readonly Grid[], amplitudes: readonly Grid[]): boolean {
  const ratios = resets.map((row, i) =>
    combine([row, amplitudes[i] ?? row], ([reset = 1, amplitude = 1]) => reset / amplitude),
  );
  const spread = combine(ratios, (all) => Math.max(...all) / Math.min(...all));
  return spread.data.every((each) => each > 0 && each - 1 <= nearlyWhole);
}

/**
 * Finds the integers that a model's weights were before: whether all weights of a layer, or of an
 * output channel, are whole multiples of one unit. What a quantiser has rounded is, whether it was
 * written as integers with a scale, or as floats that were rounded in training; and it stays so when
 * batch normalisation or another scale of a channel goes into the weights. So the units need not be
 * carried from the model to here: they are read off the values.
 */
import { ownChannelAxis } from "../../../ir/op/known.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { type WeightedOp, eachWeight } from "../../fuse/weights.ts";

/**
 * How far a multiple may be from a whole number. Floats of 24 bits that were scaled twice or three times
 * on their way differ by less than 3 · 2^−24 of themselves, and so 128 units by less than 3e-5.
 */
const nearlyWhole = 1e-4;

/** The largest integer that a weight of an op may become. */
export type LevelsOf = (op: WeightedOp) => number;

/** One weight is a whole multiple of itself, and of two it may be chance. So many more than rows are none. */
const leastEvidence = 8;

/**
 * The unit of each output channel; 0 of channels whose weights are no multiples of at most `levels`
 * of one (or of −levels − 1, where integers are two's complements), and of all where there are too
 * few weights to tell. A unit that all channels share comes first. Of the units there are it is the
 * largest.
 */
export function ownUnits(op: WeightedOp, weight: Tensor, levels: number): Float64Array {
  const channels = op.type.shape[ownChannelAxis(op)] ?? 0;
  const shared = sharedUnit(weight.data, levels);
  if (shared !== null && evidenceOf(weight.data) >= leastEvidence) {
    return new Float64Array(channels).fill(shared);
  }
  const rows = Array.from({ length: channels }, (): number[] => []);
  eachWeight(op, weight.shape, (index, _, output) => rows[output]?.push(weight.data[index] ?? 0));
  const units = rows.map((row) => sharedUnit(row, levels));
  const evidence = rows.reduce((sum, row, k) => sum + (units[k] === null ? 0 : evidenceOf(row)), 0);
  return Float64Array.from(units, (unit) => (evidence >= leastEvidence ? (unit ?? 0) : 0));
}

/** Weights that need not have been multiples of what another is a multiple of. */
function evidenceOf(values: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) count++;
  return Math.max(0, count - 1);
}

/**
 * The largest unit of which all values are whole multiples, of at most ±`levels` (−levels − 1 where the largest is
 * negative); null where there is none.
 */
export function sharedUnit(values: ArrayLike<number>, levels: number): number | null {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  if (largest === 0 || !Number.isFinite(largest)) return null;
  const most = largest < 0 ? levels + 1 : levels;
  for (let count = 1; count <= most; count++) {
    const unit = Math.abs(largest) / count;
    if (areMultiples(values, unit, levels)) return unit;
  }
  return null;
}

function areMultiples(values: ArrayLike<number>, unit: number, levels: number): boolean {
  const perUnit = 1 / unit;
  for (let i = 0; i < values.length; i++) {
    const multiple = (values[i] ?? 0) * perUnit;
    const whole = Math.round(multiple);
    if (Math.abs(multiple - whole) > nearlyWhole || whole > levels) return false;
  }
  return true;
}

/** Rounds weights and tables into units, and says by how much that shifts what they sum to. */
import type { Tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { type WeightedOp, eachWeight } from "../fuse/weights.ts";
import { type Grid, combine, gridOf } from "./grid.ts";
import { quantised, roundHalfAway } from "./units/scale.ts";
import type { Known, UnitSource } from "./units/table.ts";

/** What weights are rounded for. */
export interface Rounding {
  /** Units of what comes in, by input channel, and of what goes out, by output channel; 0 of what is always 0. */
  readonly inputs: Float64Array;
  readonly units: Float64Array;
  readonly source: UnitSource;
  /** The mean of each input, where calibration saw it, and by how much it is too large on average. */
  readonly means: readonly number[] | null;
  readonly surplus: Float64Array | null;
}

export interface RoundedWeights {
  /** Integers, in the order of the weights. */
  readonly rounded: Float64Array;
  /** By how much each output is too large on average, in the units of the network before. */
  readonly shifts: Float64Array;
}

/** A way to round the weights of a synapse. */
export type RoundWeights = (op: WeightedOp, weight: Tensor, rounding: Rounding) => RoundedWeights;

/** The units, and how weights are rounded into them. */
export interface Chosen extends Known {
  readonly round: RoundWeights;
}

/** The nearest integers. */
export function roundWeights(
  op: WeightedOp,
  weight: Tensor,
  { inputs, units, source, means, surplus }: Rounding,
): RoundedWeights {
  const shifts = new Float64Array(units.length);
  const rounded = new Float64Array(weight.data.length);
  eachWeight(op, weight.shape, (i, input, output) => {
    const w = weight.data[i] ?? 0;
    const unit = units[output] ?? 0;
    if (unit === 0) return;
    const from = inputs[input % inputs.length] ?? 0;
    const step = quantised(w * from, unit, source.levels, source.isWhole(output));
    rounded[i] = step;
    if (from === 0) return;
    const over = surplus?.[input % surplus.length] ?? 0;
    const shift = ((step * unit) / from - w) * (means?.[input] ?? 0) + w * over;
    shifts[output] = (shifts[output] ?? 0) + shift;
  });
  return { rounded, shifts };
}

/** The rows of a table [R, …] in the units of what they are added to: as many numbers in each as either has. */
export function roundRows(
  { shape: [rows = 0, ...rest], data }: Tensor,
  units: Grid,
): { readonly rows: number; readonly shape: Shape; readonly data: Float64Array } {
  const size = elementCount(rest);
  const rank = units.shape.length;
  const beside = combine(
    [units, gridOf({ shape: rest, data: new Float64Array(size) }, rank)],
    () => 0,
  );
  const made = Array.from({ length: rows }, (_, row) => {
    const given = gridOf({ shape: rest, data: data.slice(row * size, (row + 1) * size) }, rank);
    return combine([units, given, beside], ([unit = 0, bias = 0]) =>
      unit === 0 ? 0 : roundHalfAway(bias / unit),
    );
  });
  return {
    rows,
    shape: beside.shape,
    data: Float64Array.from(made.flatMap((row) => [...row.data])),
  };
}

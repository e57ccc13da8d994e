/**
 * What neurons of one kind become in integers, which each file of this folder says of its kind: what they
 * demand of the unit of their current, what their spikes stand for, and their integer parameters.
 */
import type { Builder } from "../../../ir/build.ts";
import { shortName } from "../../../ir/loc.ts";
import type { NeuronKind, OpOf, ValueId } from "../../../ir/op/op.ts";
import type { TensorLookup } from "../../../ir/op/spec.ts";
import { type TensorRef, tensorOf } from "../../../ir/tensor.ts";
import type { DType } from "../../../ir/type.ts";
import { type Grid, combine, compress, gridOf } from "../grid.ts";
import { roundHalfAway } from "../units/scale.ts";

/** How neurons of one op are made of integers. Grids are beside their value, in the units of the network before. */
export interface NeuronForm {
  /** What is to be several units of the current, so that rounding it matters little; Infinity where nothing is. */
  readonly step: Grid;
  /** A unit of the current that is fine enough: of a finer one numbers only get larger. 0 where none is. */
  readonly fine: Grid;
  /** The largest threshold, ceiling or other constant, and the largest |v[0]|: what has to fit 32 bits. */
  readonly largest: Grid;
  readonly start: Grid;
  /** What 1 stands for among the spikes, before thresholds are rounded. Negative ones turn signs. */
  readonly worth: Grid;
  /** Binary digits of the largest integer that is sent. */
  readonly bits: number;
  /**
   * What 1 stands for where currents are in these units; null where `worth` is near enough to choose the
   * units of receivers by.
   */
  readonly sent: ((units: Grid) => Grid) | null;
  make(made: NeuronMaker): { readonly value: ValueId; readonly units: Grid };
}

/** What is known when neurons are made. */
export interface NeuronMaker {
  readonly builder: Builder;
  /** The current, its units (0 where none ever comes), and by how much its sums are too large on average. */
  readonly current: ValueId;
  readonly units: Grid;
  readonly surplus: Grid;
}

/** What an op has no integer form for. */
export interface NoForm {
  readonly why: string;
  /** What to do about it. */
  readonly instead: string;
}

/** Of what is received once, more units than this to a step are none that a weight of 8 bits could tell apart. */
export const fineEnough = 2 ** 16;

/** Reads an op's parameters as grids beside its value. */
export function parametersOf(
  op: OpOf<NeuronKind>,
  tensors: TensorLookup,
): (ref: TensorRef) => Grid {
  const rank = op.type.shape.length;
  return (ref) => gridOf(tensors(ref), rank);
}

/** The rows of a table [R, …], each a grid beside the value of an op. */
export function rowsBeside(
  op: OpOf<NeuronKind>,
  ref: TensorRef,
  tensors: TensorLookup,
): readonly Grid[] {
  const { shape, data } = tensors(ref);
  const [rows = 0, ...rest] = shape;
  const size = rows === 0 ? 0 : data.length / rows;
  const rank = op.type.shape.length;
  return Array.from({ length: rows }, (_, row) =>
    gridOf({ shape: rest, data: Array.from(data.slice(row * size, (row + 1) * size)) }, rank),
  );
}

/** Keeps a parameter's integers under the op's name. */
export function keepGrid(
  { builder }: NeuronMaker,
  op: OpOf<NeuronKind>,
  name: string,
  grid: Grid,
  dtype: DType = "i32",
): TensorRef {
  const { shape, data } = compress(grid);
  return builder.tensor(`${shortName(op.loc)}.${name}`, tensorOf(dtype, shape, data));
}

/** Keeps a table of rows, each as wide as the widest of them. */
export function keepRows(
  { builder }: NeuronMaker,
  op: OpOf<NeuronKind>,
  name: string,
  rows: readonly Grid[],
): TensorRef {
  const all = combine(rows, () => 0);
  const wide = rows.map((row) => combine([all, row], ([, x = 0]) => x));
  // Beside a value of one axis more, whose first has to stay as it is.
  const stacked = {
    shape: [1, wide.length, ...all.shape],
    data: Float64Array.from(wide.flatMap(({ data }) => [...data])),
  };
  const { shape, data } = compress(stacked);
  const isShort = shape[1] !== wide.length;
  const held = isShort ? Float64Array.from(wide.flatMap(() => [...data])) : data;
  const table = tensorOf("i32", [wide.length, ...shape.slice(2)], held);
  return builder.tensor(`${shortName(op.loc)}.${name}`, table);
}

/** A part of each number. */
export function partOf({ shape, data }: Grid, divisor: number): Grid {
  return { shape, data: data.map((x) => x / divisor) };
}

/** Units of a current, and where none ever comes, so that the unit is anyone's, a small part of a step. */
export function unitsBeside(units: Grid, step: Grid): Grid {
  return combine([units, step], ([unit = 0, theta = 1]) => (unit === 0 ? theta / 2 ** 12 : unit));
}

/** Thresholds in units; no neuron counts finer than its currents. */
export function thresholdsIn(threshold: Grid, units: Grid): Grid {
  return combine([threshold, units], ([theta = 1, unit = 1]) =>
    Math.max(1, roundHalfAway(theta / unit)),
  );
}

/** Initial potentials in units, less what currents bring too much on average. */
export function startsOf(vInit: Grid, units: Grid, surplus: Grid): Grid {
  return combine([vInit, units, surplus], ([v = 0, unit = 1, over = 0]) =>
    roundHalfAway((v - over) / unit),
  );
}

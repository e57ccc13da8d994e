/**
 * What every element of a value is counted in: numbers beside a value, of a shape that broadcasts to
 * it, with extent 1 along each axis along which they do not change. Knows no scale and no op but
 * those that move elements.
 */
import { isMove as isMoveOfElements } from "../../ir/op/known.ts";
import { known } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import { type Op, isOp } from "../../ir/op/op.ts";
import { broadcastIndices } from "../../ir/semantics/semantics.ts";
import type { Tensor, TensorRef } from "../../ir/tensor.ts";
import { type Shape, broadcastShapes, elementCount, stridesOf } from "../../ir/type.ts";

/** One number per element of `shape`, which has the rank of the value it belongs to. */
export interface Grid {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** The same number everywhere in a value of `rank` axes. */
export function uniformGrid(rank: number, value: number): Grid {
  return { shape: new Array<number>(rank).fill(1), data: Float64Array.of(value) };
}

/** One number per element along one axis of a value of `rank` axes. */
export function along(rank: number, axis: number, data: Float64Array): Grid {
  const shape = new Array<number>(rank).fill(1);
  if (rank > 0) shape[axis] = data.length;
  return { shape, data };
}

/** A parameter's elements as a grid beside a value of `rank` axes. */
export function gridOf(
  { shape, data }: { readonly shape: Shape; readonly data: ArrayLike<number> },
  rank: number,
): Grid {
  const missing = new Array<number>(rank - shape.length).fill(1);
  return { shape: [...missing, ...shape], data: Float64Array.from(data) };
}

/** Every element of a value of shape `target`, row-major. */
function spread(grid: Grid, target: Shape): Float64Array {
  return Float64Array.from(broadcastIndices(grid.shape, target), (at) => grid.data[at] ?? 0);
}

/** f of the numbers of several grids beside the same value. */
export function combine(grids: readonly Grid[], f: (numbers: readonly number[]) => number): Grid {
  const shape = grids.reduce<Shape>(
    (joined, grid) => known(broadcastShapes(joined, grid.shape), "grids beside one value"),
    [],
  );
  const at = grids.map((grid) => broadcastIndices(grid.shape, shape));
  const numbers = new Array<number>(grids.length).fill(0);
  const data = new Float64Array(elementCount(shape)).map((_, i) => {
    grids.forEach((grid, g) => (numbers[g] = grid.data[at[g]?.[i] ?? 0] ?? 0));
    return f(numbers);
  });
  return { shape, data };
}

/** The mean of a grid at each index along `axis`; of a single one where it does not change along it. */
export function meansAlong({ shape, data }: Grid, axis: number): Float64Array {
  const extent = shape[axis] ?? 1;
  const stride = stridesOf(shape)[axis] ?? 1;
  const means = new Float64Array(extent);
  data.forEach((x, i) => {
    const index = Math.floor(i / stride) % extent;
    means[index] = (means[index] ?? 0) + (x * extent) / data.length;
  });
  return means;
}

/** The same numbers with extent 1 along each axis along which they do not change. */
export function compress(grid: Grid): Grid {
  let { shape, data } = grid;
  for (let axis = 0; axis < shape.length; axis++) {
    const extent = shape[axis] ?? 1;
    if (extent <= 1) continue;
    const stride = stridesOf(shape)[axis] ?? 1;
    const first = (i: number): number => i - (Math.floor(i / stride) % extent) * stride;
    if (!data.every((value, i) => value === data[first(i)])) continue;
    data = data.filter((_, i) => first(i) === i);
    shape = shape.map((n, a) => (a === axis ? 1 : n));
  }
  return { shape, data };
}

/** Ops that move elements, and so move with them what they are counted in; the zeros of a triangle have no unit. */
export function movesUnits(op: Op): boolean {
  return isMoveOfElements(op) && !isOp(op, "ann.trilu");
}

/**
 * The grid of what a move makes of values of these shapes. What padding by zero adds is zero in any
 * unit: along spatial axes it takes its neighbour's number, so that channels stay uniform, and
 * along others 0.
 */
export function moved(op: Op, grids: readonly Grid[], shapes: readonly Shape[]): Grid {
  if (op.kind === "ann.pad" && op.attrs.mode === "constant") {
    const spatial = (pads: readonly number[]): number[] =>
      pads.map((count, axis) => (axis >= 2 ? count : 0));
    const others = (pads: readonly number[]): number[] =>
      pads.map((count, axis) => (axis >= 2 ? 0 : count));
    const { begin, end } = op.attrs;
    const between = known(shapes[0], "a shape").map(
      (extent, axis) => extent + (axis >= 2 ? (begin[axis] ?? 0) + (end[axis] ?? 0) : 0),
    );
    const grown = padded(op, spatial(begin), spatial(end), "edge", between, grids, shapes);
    const { shape } = op.type;
    return padded(op, others(begin), others(end), "constant", shape, [grown], [between]);
  }
  return evaluated(op, grids, shapes);
}

function padded(
  op: Op,
  begin: readonly number[],
  end: readonly number[],
  mode: "edge" | "constant",
  shape: Shape,
  grids: readonly Grid[],
  shapes: readonly Shape[],
): Grid {
  if (op.kind !== "ann.pad") return known(grids[0], "a grid");
  if ([...begin, ...end].every((count) => count === 0)) return known(grids[0], "a grid");
  const attrs = { begin, end, mode, value: 0 };
  return evaluated({ ...op, attrs, type: { ...op.type, shape } }, grids, shapes);
}

function evaluated(op: Op, grids: readonly Grid[], shapes: readonly Shape[]): Grid {
  const operands = grids.map((grid, i) => {
    const shape = known(shapes[i], "a shape");
    return { dtype: "f64", shape, data: spread(grid, shape) } as const;
  });
  const asDoubles: Op = { ...op, type: { ...op.type, dtype: "f64" } };
  const { data } = evaluate(asDoubles, operands, noTensors);
  return compress({ shape: op.type.shape, data: Float64Array.from(data) });
}

/** For evaluating ops that name no tensors. */
export function noTensors(ref: TensorRef): Tensor {
  return known<Tensor>(null, `a tensor @${ref}`);
}

/**
 * Where the elements of a value lie. A value is an array and, for each of its elements, a place in that
 * array, so that moves (reshape, transpose, slice, pad …) only compute other places. Loops need strides:
 * they are found again from the places where there are any.
 */
import { known } from "../../../ir/diagnostic.ts";
import { type Shape, elementCount, sameShape, stridesOf } from "../../../ir/type.ts";
import { broadcastIndices, stridedIndices } from "../../../ir/semantics/semantics.ts";
import type { CArray } from "./arrays.ts";

/** Elements of a value, row-major: the place of each in `array`; −1 for one that is always 0. */
export interface Held {
  readonly array: CArray;
  readonly shape: Shape;
  readonly places: Int32Array;
}

/** Elements at `offset` + Σ index · stride. */
export interface View {
  readonly array: CArray;
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Axes from the outermost to the innermost in memory: as they are, or channels last where windows slide. */
export function memoryOrder(shape: Shape): readonly number[] {
  const axes = shape.map((_, axis) => axis);
  const [batch = 0, channel = 1, ...spatial] = axes;
  return shape.length < 3 ? axes : [batch, ...spatial, channel];
}

/** A value that fills `array` alone, its axes in `order`. */
export function filling(array: CArray, shape: Shape, order: readonly number[]): Held {
  const inOrder = stridesOf(order.map((axis) => known(shape[axis], "an extent")));
  const strides = shape.map((_, axis) => known(inOrder[order.indexOf(axis)], "a stride"));
  return { array, shape, places: stridedIndices(shape, strides) };
}

/** The strides of a value, or null where its places have none. */
export function viewOf({ array, shape, places }: Held): View | null {
  const found = stridesIn(shape, places);
  return found === null ? null : { array, shape, ...found };
}

function stridesIn(
  shape: Shape,
  places: Int32Array,
): { readonly strides: readonly number[]; readonly offset: number } | null {
  const offset = places[0] ?? 0;
  if (offset < 0) return null;
  const rowMajor = stridesOf(shape);
  const strides = shape.map((extent, axis) =>
    extent > 1 ? (places[known(rowMajor[axis], "a stride")] ?? 0) - offset : 0,
  );
  const expected = stridedIndices(shape, strides);
  return places.every((place, i) => place === offset + (expected[i] ?? 0))
    ? { strides, offset }
    : null;
}

/** Where a value is not always 0: a part of its shape, from `start` on, with strides. */
export interface Box {
  readonly start: readonly number[];
  readonly view: View;
}

/** The smallest box with all that is not always 0; null where there is none, or it has no strides. */
export function boxOf(held: Held): Box | null {
  const { array, shape, places } = held;
  const strides = stridesOf(shape);
  const low = shape.map(() => Infinity);
  const high = shape.map(() => -1);
  for (let i = 0; i < places.length; i++) {
    if ((places[i] ?? -1) < 0) continue;
    shape.forEach((extent, axis) => {
      const at = Math.floor(i / known(strides[axis], "a stride")) % extent;
      low[axis] = Math.min(low[axis] ?? at, at);
      high[axis] = Math.max(high[axis] ?? at, at);
    });
  }
  if (high.some((at) => at < 0)) return null;
  const inner = shape.map((_, axis) => (high[axis] ?? 0) - (low[axis] ?? 0) + 1);
  const first = low.reduce((sum, at, axis) => sum + at * (strides[axis] ?? 0), 0);
  const within = stridedIndices(inner, strides).map((at) => places[first + at] ?? -1);
  const found = stridesIn(inner, within);
  return found === null ? null : { start: low, view: { array, shape: inner, ...found } };
}

/** The part of a view that a box of a value is to meet. */
export function partOf(view: View, { start, view: { shape } }: Box): View {
  const offset = view.strides.reduce(
    (sum, stride, axis) => sum + stride * (start[axis] ?? 0),
    view.offset,
  );
  return { ...view, shape, offset };
}

/** The axes of a view from the outermost to the innermost in memory. */
export function orderOf({ strides }: View): readonly number[] {
  const axes = strides.map((_, axis) => axis);
  return axes.toSorted((a, b) => (strides[b] ?? 0) - (strides[a] ?? 0) || a - b);
}

/** Whether a view fills its array and nothing lies between its elements. */
export function isWhole({ array, shape, strides, offset }: View): boolean {
  if (offset !== 0 || elementCount(shape) !== array.length) return false;
  const order = orderOf({ array, shape, strides, offset });
  const inOrder = stridesOf(order.map((axis) => known(shape[axis], "an extent")));
  return order.every((axis, i) => shape[axis] === 1 || strides[axis] === inOrder[i]);
}

/** A value as it is in an elementwise op whose result has `shape`. */
export function broadcast(held: Held, shape: Shape): Held {
  if (sameShape(held.shape, shape)) return held;
  const from = broadcastIndices(held.shape, shape);
  return { ...held, shape, places: from.map((at) => held.places[at] ?? -1) };
}

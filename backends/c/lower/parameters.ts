/**
 * Numbers that belong to elements of a value: thresholds, initial potentials, biases. They are kept as few
 * times as they differ: a number alone is written where it is used, one for each channel is an array of
 * channels, and so on, in the narrowest type that holds them.
 */
import { known } from "../../../ir/diagnostic.ts";
import { type Tensor } from "../../../ir/tensor.ts";
import { broadcastIndices, stridedIndices } from "../../../ir/semantics/semantics.ts";
import { type Shape, elementCount, stridesOf } from "../../../ir/type.ts";
import type { View } from "./views.ts";

/** A number for all elements, or a view of an array of them. */
export type Parameter = number | View;

/** The elements of `tensor`, broadcast to `shape`, row-major. */
export function spread(tensor: Tensor, shape: Shape): Float64Array {
  const { data } = tensor;
  return Float64Array.from(broadcastIndices(tensor.shape, shape), (at) => data[at] ?? 0);
}

/** The rows of a table [R, …rest], each broadcast to `shape`, one after another. */
export function spreadRows({ shape: [rows = 0, ...rest], data }: Tensor, shape: Shape): Rows {
  const size = elementCount(rest);
  const at = broadcastIndices(rest, shape);
  const all = new Float64Array(rows * at.length);
  for (let row = 0; row < rows; row++) {
    at.forEach((from, i) => (all[row * at.length + i] = data[row * size + from] ?? 0));
  }
  return { rows, data: all };
}

export interface Rows {
  readonly rows: number;
  readonly data: Float64Array;
}

/** Numbers over `shape` without the axes along which they do not change, which have extent 1. */
export function compressed(
  shape: Shape,
  data: Float64Array,
): { readonly shape: Shape; readonly data: Float64Array } {
  const strides = stridesOf(shape);
  const kept = shape.map((extent, axis) => {
    if (extent === 1) return 1;
    const stride = known(strides[axis], "a stride");
    const changes = data.some((value, i) => {
      const index = Math.floor(i / stride) % extent;
      return value !== data[i - index * stride];
    });
    return changes ? extent : 1;
  });
  const from = stridedIndices(kept, strides);
  return { shape: kept, data: Float64Array.from(from, (at) => data[at] ?? 0) };
}

/** `data` over `shape` with its axes in another order of memory, and the strides that it has then. */
export function inOrder(
  shape: Shape,
  data: Float64Array,
  order: readonly number[],
): { readonly data: Float64Array; readonly strides: readonly number[] } {
  const rowMajor = stridesOf(shape);
  const extents = order.map((axis) => known(shape[axis], "an extent"));
  const from = stridedIndices(
    extents,
    order.map((axis) => known(rowMajor[axis], "a stride")),
  );
  const inMemory = stridesOf(extents);
  const strides = shape.map((extent, axis) =>
    extent === 1 ? 0 : known(inMemory[order.indexOf(axis)], "a stride"),
  );
  return { data: Float64Array.from(from, (at) => data[at] ?? 0), strides };
}

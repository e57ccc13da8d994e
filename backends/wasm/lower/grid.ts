/** A value's shape as pixels by channels: how neurons are laid out. */
import { type GridView } from "../kernels/neurons/population-form.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { elementCount, type Shape } from "../../../ir/type.ts";
import { type PixelGrid, type Halo, noHalo } from "../memory/spikes.ts";
import type { View } from "../memory/view.ts";
import type { Lowering } from "./lowering.ts";

/** Images by their spatial axes; anything else as one row of pixels with the last axis as channels. */
export function pixelGridOf(shape: Shape, image: boolean): PixelGrid {
  if (image) {
    const [, channels = 1, ...spatial] = shape;
    const columns = spatial.at(-1) ?? 1;
    return { rows: elementCount(spatial) / columns, columns, channels };
  }
  const channels = shape.at(-1) ?? 1;
  return { rows: 1, columns: elementCount(shape) / channels, channels };
}

/** The view by pixel, or null where its channels are not neighbours or pixels not evenly spaced. */
export function gridViewOf(view: View, image: boolean): GridView | null {
  const { shape, strides } = view;
  if (image) {
    if (shape[1] !== 1 && strides[1] !== 1) return null;
    return {
      view,
      rowStride: shape.length === 4 ? (strides[2] ?? 0) : 0,
      columnStride: strides.at(-1) ?? 0,
    };
  }
  if (shape.at(-1) !== 1 && strides.at(-1) !== 1 && shape.length > 0) return null;
  // The axes before the last must be one run of evenly spaced pixels.
  let columnStride = 0;
  let expected: number | null = null;
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    if (shape[axis] === 1) continue;
    const stride = strides[axis] ?? 0;
    if (expected === null) columnStride = stride;
    else if (stride !== expected) return null;
    expected = stride * (shape[axis] ?? 1);
  }
  return { view, rowStride: 0, columnStride };
}

/** The index in row-major order of `shape` of each element of the grid, pixel by pixel. */
export function rowMajorIndices(shape: Shape, image: boolean): Int32Array {
  const { rows, columns, channels } = pixelGridOf(shape, image);
  const pixels = rows * columns;
  return Int32Array.from({ length: pixels * channels }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    return image ? channel * pixels + pixel : i;
  });
}

/** The zeros that windows over a value need around its grid. */
export function haloOf(lowering: Lowering, value: ValueId, image: boolean): Halo {
  const room = lowering.layouts.rooms.get(value);
  if (!image || room === undefined) return noHalo;
  const flat = room.before.length === 1;
  return {
    top: flat ? 0 : (room.before[0] ?? 0),
    left: room.before.at(-1) ?? 0,
    bottom: flat ? 0 : (room.after[0] ?? 0),
    right: room.after.at(-1) ?? 0,
  };
}

export type Pair = readonly [number, number];

/** Two numbers per window attribute, rows first; one-dimensional windows have one row. */
export function pair(values: readonly number[], missing: number): Pair {
  const [first = missing, second] = values;
  return second === undefined ? [missing, first] : [first, second];
}

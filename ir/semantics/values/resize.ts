/**
 * What ann.resize computes: ONNX Resize of opsets 10 to 19. Interpolation is separable, so each
 * axis is a table of weighted taps on its own, and the axes are applied one after the other. Sizes
 * and scales are both given, because ONNX computes coordinates with the scale that was asked for,
 * which the rounded sizes no longer tell.
 */
import { known } from "../../diagnostic.ts";
import type { OpAttrs } from "../../op/op.ts";
import { elementCount } from "../../type.ts";
import { type Semantics, doubles, operand, resultOf } from "../semantics.ts";

type Attrs = OpAttrs["ann.resize"];

/** What one axis of the operand and of the result have to do with each other. */
interface ResizeAxis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  /** Start and end of the region of interest, as fractions of the axis. */
  readonly roi: readonly [number, number];
}

/** Where a coordinate of the result takes its value from; null outside the region of interest. */
type Taps = readonly ResizeTap[] | null;
interface ResizeTap {
  readonly index: number;
  readonly weight: number;
}

/**
 * For each element of the result along `at`, its taps (null outside the region of interest), or that
 * the axis stays as it is. For those who interpolate faster than `resize` does.
 */
export function resizeTaps(
  attrs: Attrs,
  shape: readonly number[],
  at: number,
): readonly Taps[] | "identity" {
  const from = known(shape[at], "extent");
  const axis: ResizeAxis = {
    from,
    to: known(attrs.sizes[at], "size"),
    scale: known(attrs.scales[at], "scale"),
    roi: [attrs.roi[at] ?? 0, attrs.roi[shape.length + at] ?? 1],
  };
  const table = Array.from({ length: axis.to }, (_, k) => tapsAt(k, axis, attrs));
  return isIdentity(table, from) ? "identity" : table;
}

export const resize: Semantics<"ann.resize"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const { attrs } = op;
  let values = doubles(x);
  const shape = [...x.shape];
  const outside: boolean[][] = [];
  for (const at of x.shape.keys()) {
    const to = known(attrs.sizes[at], "size");
    const table = resizeTaps(attrs, x.shape, at);
    if (table === "identity") outside.push(new Array<boolean>(to).fill(false));
    else {
      outside.push(table.map((taps) => taps === null));
      values = applyTaps(values, shape, at, table);
    }
    shape[at] = to;
  }
  return resultOf(op, extrapolated(values, outside, attrs.extrapolation));
};

/** The coordinate in the operand of coordinate `k` of the result; null outside the region. */
function sourceCoordinate(k: number, axis: ResizeAxis, mode: Attrs["coordinates"]): number | null {
  const { from, to, scale, roi } = axis;
  // ONNX's reference goes by the fractional length, not by the size that it was rounded to; but a
  // scale of 1/49, times 49, is to be 1.
  const fractional = scale * from;
  const length = Math.abs(fractional - to) <= 1e-6 * to ? to : fractional;
  switch (mode) {
    case "half_pixel":
      return (k + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return length === 1 ? -0.5 : (k + 0.5) / scale - 0.5;
    case "half_pixel_symmetric":
      return (from / 2) * (1 - to / length) + (k + 0.5) / scale - 0.5;
    case "tf_half_pixel_for_nn":
      return (k + 0.5) / scale;
    case "asymmetric":
      return k / scale;
    case "align_corners":
      return length === 1 ? 0 : (k * (from - 1)) / (length - 1);
    case "tf_crop_and_resize": {
      const [start, end] = roi;
      const step = length === 1 ? (end - start) / 2 : (k * (end - start)) / (length - 1);
      const at = (start + step) * (from - 1);
      return at < 0 || at > from - 1 ? null : at;
    }
  }
}

function tapsAt(k: number, axis: ResizeAxis, attrs: Attrs): Taps {
  const source = sourceCoordinate(k, axis, attrs.coordinates);
  if (source === null) return null;
  if (attrs.mode === "nearest") {
    // ONNX computes coordinates in float32, where 1 / (1/3) is 3 and not just below it.
    const rounded = nearest(Math.fround(source), attrs.nearest);
    return [{ index: clamp(rounded, axis.from), weight: 1 }];
  }
  const radius = attrs.mode === "linear" ? 1 : 2;
  const kernel =
    attrs.mode === "linear" ? triangle : (d: number) => cubic(d, attrs.cubicCoefficient);
  // To avoid aliasing, the kernel is stretched to cover what one element of the result stands for.
  const shrink = attrs.antialias ? Math.min(axis.scale, 1) : 1;
  const first = Math.floor(-radius / shrink) + 1;
  // The element at or left of the source coordinate, or the one before where they coincide.
  const base = Math.ceil(source) - 1;
  let total = 0;
  const taps: { index: number; weight: number }[] = [];
  for (let index = base + first; index < base + 2 - first; index++) {
    const inside = index >= 0 && index < axis.from;
    const weight = attrs.excludeOutside && !inside ? 0 : kernel((index - source) * shrink);
    total += weight;
    if (weight !== 0) taps.push({ index: clamp(index, axis.from), weight });
  }
  if (!attrs.antialias && !attrs.excludeOutside) return taps;
  return taps.map(({ index, weight }) => ({ index, weight: weight / total }));
}

function nearest(source: number, mode: Attrs["nearest"]): number {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(source - 0.5);
    case "round_prefer_ceil":
      return Math.floor(source + 0.5);
    case "floor":
      return Math.floor(source);
    case "ceil":
      return Math.ceil(source);
  }
}

function clamp(index: number, extent: number): number {
  return Math.min(extent - 1, Math.max(0, index));
}

function triangle(distance: number): number {
  return Math.max(0, 1 - Math.abs(distance));
}

/** Keys' cubic convolution kernel with coefficient a (Keys 1981). */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

function isIdentity(table: readonly Taps[], extent: number): boolean {
  return (
    table.length === extent &&
    table.every((taps, k) => {
      const tap = taps?.[0];
      return taps?.length === 1 && tap?.index === k && tap.weight === 1;
    })
  );
}

/** `values` of this shape with axis `at` replaced by what the table makes of it. */
function applyTaps(
  values: Float64Array,
  shape: readonly number[],
  at: number,
  table: readonly Taps[],
): Float64Array {
  const extent = shape[at] ?? 1;
  const outer = elementCount(shape.slice(0, at));
  const inner = elementCount(shape.slice(at + 1));
  const result = new Float64Array(outer * table.length * inner);
  for (let o = 0; o < outer; o++) {
    for (const [k, taps] of table.entries()) {
      const row = (o * table.length + k) * inner;
      for (const { index, weight } of taps ?? []) {
        const source = (o * extent + index) * inner;
        for (let i = 0; i < inner; i++) {
          result[row + i] = (result[row + i] ?? 0) + weight * (values[source + i] ?? 0);
        }
      }
    }
  }
  return result;
}

/** `values` with `fill` wherever some axis is outside its region. */
function extrapolated(
  values: Float64Array,
  outside: readonly (readonly boolean[])[],
  fill: number,
): Float64Array {
  if (outside.every((flags) => !flags.includes(true))) return values;
  let mask: boolean[] = [false];
  for (const flags of outside) mask = mask.flatMap((out) => flags.map((flag) => out || flag));
  return values.map((value, i) => (mask[i] === true ? fill : value));
}

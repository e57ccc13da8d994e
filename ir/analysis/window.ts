/**
 * The arithmetic of sliding windows: which extents convolutions and pools have. Shared by what
 * infers shapes, what computes them, and what counts connections. Knows nothing of values.
 */
import { type Failure, type Result, invariant, no, ok } from "../diagnostic.ts";
import type { PoolAttrs, WindowAttrs } from "../op/op.ts";
import type { Shape } from "../type.ts";

/** A window's attributes along one spatial axis. */
export interface AxisWindow {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
  readonly padEnd: number;
}

/** Most spatial axes that a window may have. */
const mostSpatialAxes = 3;

/** The attributes per axis, or why they do not describe a window over `rank` − 2 spatial axes. */
export function axisWindows(
  attrs: WindowAttrs,
  kernel: readonly number[],
  rank: number,
): Result<readonly AxisWindow[]> {
  const axes = rank - 2;
  if (axes < 1 || axes > mostSpatialAxes) {
    return no(
      `a window needs batch, channel and 1 to ${mostSpatialAxes} spatial axes, not ${rank} axes`,
    );
  }
  const lists = { ...attrs, kernel };
  for (const name of ["kernel", "strides", "dilations", "padsBegin", "padsEnd"] as const) {
    const list = lists[name];
    if (list.length !== axes)
      return no(`${name} has ${list.length} entries for ${axes} spatial axes`);
    const least = name.startsWith("pads") ? 0 : 1;
    const wrong = list.find((n) => !Number.isInteger(n) || n < least);
    if (wrong !== undefined)
      return no(`${name} holds ${wrong}, which is not an integer ≥ ${least}`);
  }
  return ok(
    kernel.map((extent, axis) => ({
      kernel: extent,
      stride: attrs.strides[axis] ?? 1,
      dilation: attrs.dilations[axis] ?? 1,
      padBegin: attrs.padsBegin[axis] ?? 0,
      padEnd: attrs.padsEnd[axis] ?? 0,
    })),
  );
}

/** The same for an op whose type has been inferred, so that the windows are well-formed. */
export function windowsOf(
  attrs: WindowAttrs,
  kernel: readonly number[],
  rank: number,
): readonly AxisWindow[] {
  const windows = axisWindows(attrs, kernel, rank);
  if (!windows.ok) invariant(false, windows.reason);
  return windows.value;
}

/** How many neighbouring elements a dilated kernel spans. */
function reachOf(axis: AxisWindow): number {
  return axis.dilation * (axis.kernel - 1) + 1;
}

/** Windows that lie wholly within the padded input: ⌊(in + pads − reach) / stride⌋ + 1. */
function floorExtent(input: number, axis: AxisWindow): number {
  return Math.floor((input + axis.padBegin + axis.padEnd - reachOf(axis)) / axis.stride) + 1;
}

/**
 * The same rounded up, so that a last window may hang over the end; one that would start at or
 * after in + padBegin, and so see no element, is dropped (ONNX since opset 19, and PyTorch).
 */
function ceilExtent(input: number, axis: AxisWindow): number {
  const room = input + axis.padBegin + axis.padEnd - reachOf(axis);
  const extent = Math.ceil(room / axis.stride) + 1;
  return (extent - 1) * axis.stride >= input + axis.padBegin ? extent - 1 : extent;
}

/** Spatial extents of a convolution's result. */
export function convExtents(input: Shape, axes: readonly AxisWindow[]): Result<Shape> {
  return extents(input, axes, floorExtent);
}

/** Spatial extents of a pool's result. */
export function poolExtents(
  input: Shape,
  axes: readonly AxisWindow[],
  attrs: Pick<PoolAttrs, "ceilMode">,
): Result<Shape> {
  return extents(input, axes, attrs.ceilMode ? ceilExtent : floorExtent);
}

function extents(
  input: Shape,
  axes: readonly AxisWindow[],
  extentOf: (input: number, axis: AxisWindow) => number,
): Result<Shape> {
  const out: number[] = [];
  for (const [i, axis] of axes.entries()) {
    const extent = input[i] ?? 0;
    const windows = extentOf(extent, axis);
    if (windows < 1) {
      return no(
        `a window over ${reachOf(axis)} elements does not fit into ${extent} ` +
          `with padding ${axis.padBegin} and ${axis.padEnd} (spatial axis ${i})`,
      );
    }
    out.push(windows);
  }
  return ok(out);
}

/**
 * Spatial extents of a transposed convolution's result:
 * stride · (in − 1) + outputPadding + reach − pads.
 */
export function convTransposeExtents(
  input: Shape,
  axes: readonly AxisWindow[],
  outputPadding: readonly number[],
): Result<Shape> {
  const out: number[] = [];
  for (const [i, axis] of axes.entries()) {
    const extra = outputPadding[i] ?? 0;
    const pads = axis.padBegin + axis.padEnd;
    const extent = axis.stride * ((input[i] ?? 0) - 1) + extra + reachOf(axis) - pads;
    if (extent < 1) {
      return no(`the output would have ${extent} elements along spatial axis ${i}`);
    }
    out.push(extent);
  }
  return ok(out);
}

/** Why a pool along these axes would have a window without any element, or null. */
export function emptyWindow(
  input: Shape,
  output: Shape,
  axes: readonly AxisWindow[],
): Failure | null {
  for (const [i, axis] of axes.entries()) {
    const extent = input[i] ?? 0;
    for (let o = 0; o < (output[i] ?? 0); o++) {
      if (tapCount(o, extent, axis) === 0) {
        return no(`window ${o} along spatial axis ${i} lies wholly in the padding`);
      }
    }
  }
  return null;
}

/** How many taps of window `o` meet an element of the input along one axis. */
function tapCount(o: number, extent: number, axis: AxisWindow): number {
  let count = 0;
  for (let k = 0; k < axis.kernel; k++) {
    const at = o * axis.stride + k * axis.dilation - axis.padBegin;
    if (at >= 0 && at < extent) count++;
  }
  return count;
}

/**
 * A row of connections between a plane of inputs and the plane of windows over it: for j < count,
 * input `input` + j · stride meets window `window` + j through tap `tap`. All indices are row-major
 * within their plane, and padding has no row.
 */
export interface ConnectionRow {
  readonly tap: number;
  readonly input: number;
  readonly window: number;
  readonly count: number;
  readonly stride: number;
}

/** Every connection between an input plane and its windows, once; ordered by tap, then by window. */
export function connectionRows(
  input: Shape,
  windows: Shape,
  axes: readonly AxisWindow[],
): readonly ConnectionRow[] {
  let rows: ConnectionRow[] = [{ tap: 0, input: 0, window: 0, count: 1, stride: 1 }];
  axes.forEach((axis, i) => {
    const inputExtent = input[i] ?? 0;
    const windowExtent = windows[i] ?? 0;
    const last = i === axes.length - 1;
    const next: ConnectionRow[] = [];
    for (const row of rows) {
      for (let k = 0; k < axis.kernel; k++) {
        // Window o meets input o · stride + offset; it is one of the input's for from ≤ o < to.
        const offset = k * axis.dilation - axis.padBegin;
        const from = Math.max(0, Math.ceil(-offset / axis.stride));
        const to = Math.min(windowExtent, Math.floor((inputExtent - 1 - offset) / axis.stride) + 1);
        const tap = row.tap * axis.kernel + k;
        const inputRow = row.input * inputExtent + offset;
        const windowRow = row.window * windowExtent;
        if (last) {
          const start = inputRow + from * axis.stride;
          if (to > from) {
            const count = to - from;
            next.push({ tap, input: start, window: windowRow + from, count, stride: axis.stride });
          }
          continue;
        }
        for (let o = from; o < to; o++) {
          next.push({
            tap,
            input: inputRow + o * axis.stride,
            window: windowRow + o,
            count: 1,
            stride: 1,
          });
        }
      }
    }
    rows = next;
  });
  return rows;
}

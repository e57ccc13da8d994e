/**
 * Where values lie in WebAssembly memory. A buffer is a run of bytes that the memory plan gives an
 * address; a view says how the elements of a shape are spread over one, with a stride per axis, so
 * that transposing, slicing and broadcasting move nothing. Views over time have a stride more.
 */
import type { Shape } from "../../../ir/type.ts";
import { elementCount, stridesOf } from "../../../ir/type.ts";

/** How an element is held: all floats as f32, all integers as i32; sums over time as f64. */
export type Element = "f32" | "i32" | "f64";

export function elementBytes(element: Element): number {
  return element === "f64" ? 8 : 4;
}

/**
 * `constant`: weights, the same for all threads. `state`: kept from one chunk of timesteps to the
 * next. `scratch`: shares its place with buffers that are not needed at the same time.
 */
export type BufferKind = "constant" | "state" | "scratch";

export interface Buffer {
  readonly name: string;
  readonly kind: BufferKind;
  readonly bytes: number;
  /** A constant's contents; null for one that is made in memory. */
  readonly data: Uint8Array | null;
  /** Bytes from the start of memory (constants) or of the arena; set by the memory plan. */
  address: number;
}

export interface View {
  readonly buffer: Buffer;
  readonly element: Element;
  /** Elements from the buffer's start to the first element. */
  readonly offset: number;
  readonly shape: Shape;
  /** Elements between neighbours, per axis. */
  readonly strides: readonly number[];
  /** Elements from one timestep to the next; 0 where all timesteps share one value. */
  readonly lead: number;
}

/** A view of a whole buffer, row-major. */
export function rowMajor(buffer: Buffer, element: Element, shape: Shape, lead = 0): View {
  return { buffer, element, offset: 0, shape, strides: stridesOf(shape), lead };
}

/** Room for a value of `shape` at each of `timesteps`, in bytes. */
export function bytesFor(element: Element, shape: Shape, timesteps: number): number {
  return elementBytes(element) * elementCount(shape) * Math.max(1, timesteps);
}

/** The view with axes in another order, or with others. */
export function withAxes(view: View, shape: Shape, strides: readonly number[], offset = 0): View {
  return { ...view, shape, strides, offset: view.offset + offset };
}

/**
 * The view as `shape`, or null where strides cannot say so: each run of axes that is regrouped must
 * lie without gaps.
 */
export function reshapeView(view: View, shape: Shape): View | null {
  const from = view.shape
    .map((extent, axis) => ({ extent, stride: view.strides[axis] ?? 0 }))
    .filter(({ extent }) => extent !== 1);
  const strides = new Array<number>(shape.length).fill(1);
  let source = 0;
  let axis = 0;
  while (axis < shape.length) {
    if (shape[axis] === 1) {
      axis++;
      continue;
    }
    const first = from[source];
    if (first === undefined) return null;
    let have = first.extent;
    let last = first;
    source++;
    const group = [axis];
    let want = shape[axis] ?? 1;
    axis++;
    while (have !== want) {
      if (have < want) {
        const next = from[source++];
        if (next === undefined || last.stride !== next.stride * next.extent) return null;
        have *= next.extent;
        last = next;
      } else {
        if (axis >= shape.length) return null;
        group.push(axis);
        want *= shape[axis] ?? 1;
        axis++;
      }
    }
    let stride = last.stride;
    for (const each of group.reverse()) {
      strides[each] = stride;
      stride *= shape[each] ?? 1;
    }
  }
  return { ...view, shape, strides };
}

/** The view stretched to `shape` by NumPy's rule; stretched axes have stride 0. */
export function broadcastView(view: View, shape: Shape): View {
  const missing = shape.length - view.shape.length;
  const strides = shape.map((_, axis) => {
    const own = axis - missing;
    return own < 0 || view.shape[own] === 1 ? 0 : (view.strides[own] ?? 0);
  });
  return { ...view, shape, strides };
}

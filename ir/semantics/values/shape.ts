/**
 * What the moving ops compute: for every element of the result, which element of the operand it
 * is. Resize, which computes, is in `resize.ts`.
 */
import type { ShapeKind } from "../../op/families/shape.ts";
import { type Tensor, type TensorData, allocate, roundTo, tensor } from "../../tensor.ts";
import { elementCount, stridesOf } from "../../type.ts";
import { resize } from "./resize.ts";
import {
  type Semantics,
  type SemanticsTable,
  broadcastIndices,
  operand,
  stridedIndices,
} from "../semantics.ts";

/** The elements of `x` at `indices`; where an index is negative, `fill`. */
export function take(x: Tensor, indices: Int32Array, fill = 0): TensorData {
  const data = allocate(x.dtype, indices.length);
  const outside = roundTo(x.dtype, fill);
  for (let i = 0; i < data.length; i++) {
    const at = indices[i] ?? -1;
    data[i] = at < 0 ? outside : (x.data[at] ?? 0);
  }
  return data;
}

/**
 * For each element of a result, row-major, the index of the element of `x` whose coordinate along
 * every axis `axes` lists for that place; −1 where one of the coordinates is −1.
 */
function indicesByAxis(x: Tensor, axes: readonly Int32Array[]): Int32Array {
  const strides = stridesOf(x.shape);
  let indices = new Int32Array(1);
  for (const [axis, coordinates] of axes.entries()) {
    const stride = strides[axis] ?? 1;
    const next = new Int32Array(indices.length * coordinates.length);
    let i = 0;
    for (const base of indices) {
      for (const coordinate of coordinates) {
        next[i++] = base < 0 || coordinate < 0 ? -1 : base + coordinate * stride;
      }
    }
    indices = next;
  }
  return indices;
}

const transpose: Semantics<"ann.transpose"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const strides = stridesOf(x.shape);
  const moved = op.attrs.perm.map((axis) => strides[axis] ?? 1);
  return tensor(x.dtype, op.type.shape, take(x, stridedIndices(op.type.shape, moved)));
};

const concat: Semantics<"ann.concat"> = (op, inputs) => {
  const { dtype, shape } = op.type;
  const { axis } = op.attrs;
  const data = allocate(dtype, elementCount(shape));
  const blocks = elementCount(shape.slice(0, axis));
  const row = elementCount(shape.slice(axis));
  let start = 0;
  for (const x of inputs) {
    const size = elementCount(x.shape.slice(axis));
    for (let block = 0; block < blocks; block++) {
      data.set(x.data.subarray(block * size, (block + 1) * size), block * row + start);
    }
    start += size;
  }
  return tensor(dtype, shape, data);
};

const slice: Semantics<"ann.slice"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const { starts, sizes, steps } = op.attrs;
  const axes = sizes.map((size, axis) =>
    Int32Array.from({ length: size }, (_, k) => (starts[axis] ?? 0) + k * (steps[axis] ?? 1)),
  );
  return tensor(x.dtype, sizes, take(x, indicesByAxis(x, axes)));
};

type PadMode = "constant" | "reflect" | "edge" | "wrap";

/** The coordinate that padding puts at `at`, which may lie outside 0 … extent − 1; −1 for none. */
export function paddedCoordinate(at: number, extent: number, mode: PadMode): number {
  if (at >= 0 && at < extent) return at;
  switch (mode) {
    case "constant":
      return -1;
    case "edge":
      return at < 0 ? 0 : extent - 1;
    case "wrap":
      return modulo(at, extent);
    case "reflect": {
      // Back and forth between the ends, neither of them repeated.
      if (extent === 1) return 0;
      const period = 2 * (extent - 1);
      const place = modulo(at, period);
      return place < extent ? place : period - place;
    }
  }
}

function modulo(a: number, n: number): number {
  return ((a % n) + n) % n;
}

const pad: Semantics<"ann.pad"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const { begin, mode, value } = op.attrs;
  const axes = op.type.shape.map((size, axis) =>
    Int32Array.from({ length: size }, (_, k) =>
      paddedCoordinate(k - (begin[axis] ?? 0), x.shape[axis] ?? 0, mode),
    ),
  );
  return tensor(x.dtype, op.type.shape, take(x, indicesByAxis(x, axes), value));
};

const tile: Semantics<"ann.tile"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const axes = op.type.shape.map((size, axis) =>
    Int32Array.from({ length: size }, (_, k) => k % (x.shape[axis] ?? 1)),
  );
  return tensor(x.dtype, op.type.shape, take(x, indicesByAxis(x, axes)));
};

const trilu: Semantics<"ann.trilu"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const { upper, diagonal } = op.attrs;
  const [rows = 1, columns = 1] = x.shape.slice(-2);
  const data = x.data.map((value, i) => {
    const above = (i % columns) - (Math.floor(i / columns) % rows) - diagonal;
    return (upper ? above >= 0 : above <= 0) ? value : 0;
  });
  return tensor(x.dtype, x.shape, data);
};

export const shapeSemantics: SemanticsTable<ShapeKind> = {
  "ann.reshape": (op, inputs) => {
    const x = operand(inputs, 0);
    return tensor(x.dtype, op.type.shape, x.data);
  },
  "ann.transpose": transpose,
  "ann.concat": concat,
  "ann.slice": slice,
  "ann.pad": pad,
  "ann.expand": (op, inputs) => {
    const x = operand(inputs, 0);
    return tensor(x.dtype, op.type.shape, take(x, broadcastIndices(x.shape, op.type.shape)));
  },
  "ann.tile": tile,
  "ann.resize": resize,
  "ann.trilu": trilu,
};

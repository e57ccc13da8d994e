/**
 * What the picking and writing ops compute. Indices are values, so whether they lie inside the data
 * shows only here: one that does not ends the run with a diagnostic.
 */
import { fail } from "../../diagnostic.ts";
import type { Op } from "../../op/op.ts";
import type { SelectKind } from "../../op/families/select.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import { type DType, type Shape, elementCount, stridesOf } from "../../type.ts";
import { type BinaryFunction, broadcastDoubles } from "../broadcast.ts";
import { diagnose } from "../diagnostics.ts";
import { multiplication } from "./scalar.ts";
import { type Semantics, type SemanticsTable, doubles, operand, resultOf } from "../semantics.ts";
import { take } from "./shape.ts";

/** `index` along an axis, counted from the end where negative. */
function resolve(op: Op, index: number, axis: number, data: Shape): number {
  const extent = data[axis] ?? 0;
  const at = index < 0 ? index + extent : index;
  if (at >= 0 && at < extent) return at;
  return fail(diagnose("index-out-of-range", op.loc, { kind: op.kind, index, axis, extent }));
}

const gather: Semantics<"ann.gather"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const { axis } = op.attrs;
  const picked = doubles(operand(inputs, 1)).map((index) => resolve(op, index, axis, x.shape));
  const extent = x.shape[axis] ?? 1;
  const outer = elementCount(x.shape.slice(0, axis));
  const inner = elementCount(x.shape.slice(axis + 1));
  const indices = new Int32Array(outer * picked.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of picked) {
      for (let i = 0; i < inner; i++) indices[at++] = (o * extent + index) * inner + i;
    }
  }
  return tensor(x.dtype, op.type.shape, take(x, indices));
};

/** Where each element of `indices` points in data: its own place, but for the axis it is for. */
function elementIndices(op: Op, data: Tensor, indices: Tensor, axis: number): Int32Array {
  const own = stridesOf(indices.shape);
  const strides = stridesOf(data.shape);
  return Int32Array.from(doubles(indices), (index, i) => {
    let at = 0;
    for (const [a, extent] of indices.shape.entries()) {
      const coordinate =
        a === axis ? resolve(op, index, axis, data.shape) : Math.floor(i / (own[a] ?? 1)) % extent;
      at += coordinate * (strides[a] ?? 1);
    }
    return at;
  });
}

const gatherElements: Semantics<"ann.gather-elements"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const indices = elementIndices(op, x, operand(inputs, 1), op.attrs.axis);
  return tensor(x.dtype, op.type.shape, take(x, indices));
};

/**
 * For each tuple of the last axis of `indices`, all elements of the slice of data that it points
 * to. The first `batchDims` axes are common to both.
 */
function sliceIndices(op: Op, data: Tensor, indices: Tensor, batchDims: number): Int32Array {
  const length = indices.shape.at(-1) ?? 0;
  const strides = stridesOf(data.shape);
  const size = elementCount(data.shape.slice(batchDims + length));
  const batchSize = elementCount(data.shape.slice(batchDims));
  const tuplesPerBatch = elementCount(indices.shape.slice(batchDims, -1));
  const tuples = elementCount(indices.shape.slice(0, -1));
  const from = doubles(indices);
  const result = new Int32Array(tuples * size);
  for (let tuple = 0; tuple < tuples; tuple++) {
    let start = Math.floor(tuple / tuplesPerBatch) * batchSize;
    for (let k = 0; k < length; k++) {
      const axis = batchDims + k;
      start += resolve(op, from[tuple * length + k] ?? 0, axis, data.shape) * (strides[axis] ?? 1);
    }
    for (let i = 0; i < size; i++) result[tuple * size + i] = start + i;
  }
  return result;
}

const gatherNd: Semantics<"ann.gather-nd"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const indices = sliceIndices(op, x, operand(inputs, 1), op.attrs.batchDims);
  return tensor(x.dtype, op.type.shape, take(x, indices));
};

type ScatterReduction = "none" | "add" | "mul" | "max" | "min";

/** What becomes of an element when an update meets it; the update itself for "none". */
function combination(reduction: ScatterReduction, dtype: DType): BinaryFunction {
  switch (reduction) {
    case "none":
      return (_old, update) => update;
    case "add":
      return (old, update) => old + update;
    case "mul":
      return multiplication(dtype);
    case "max":
      return Math.max;
    case "min":
      return Math.min;
  }
}

/** `x` with each update combined into the element that `indices` names, in the updates' order. */
function scatter(
  op: Op,
  x: Tensor,
  indices: Int32Array,
  updates: Tensor,
  reduction: ScatterReduction,
): Tensor {
  const combine = combination(reduction, x.dtype);
  const values = Float64Array.from(doubles(x));
  const news = doubles(updates);
  for (const [i, at] of indices.entries()) values[at] = combine(values[at] ?? 0, news[i] ?? 0);
  return resultOf(op, values);
}

export const selectSemantics: SemanticsTable<SelectKind> = {
  "ann.gather": gather,
  "ann.gather-elements": gatherElements,
  "ann.gather-nd": gatherNd,
  "ann.scatter-elements": (op, inputs) => {
    const x = operand(inputs, 0);
    const indices = elementIndices(op, x, operand(inputs, 1), op.attrs.axis);
    return scatter(op, x, indices, operand(inputs, 2), op.attrs.reduction);
  },
  "ann.scatter-nd": (op, inputs) => {
    const x = operand(inputs, 0);
    const indices = sliceIndices(op, x, operand(inputs, 1), 0);
    return scatter(op, x, indices, operand(inputs, 2), op.attrs.reduction);
  },
  "ann.where": (op, inputs) => {
    const { shape } = op.type;
    const condition = broadcastDoubles(operand(inputs, 0), shape);
    const x = broadcastDoubles(operand(inputs, 1), shape);
    const y = broadcastDoubles(operand(inputs, 2), shape);
    return resultOf(
      op,
      condition.map((holds, i) => (holds === 0 ? (y[i] ?? 0) : (x[i] ?? 0))),
    );
  },
  // An index outside −depth … depth − 1 is no error here: its whole line is off.
  "ann.one-hot": (op, inputs) => {
    const indices = doubles(operand(inputs, 0));
    const [off = 0, on = 0] = doubles(operand(inputs, 1));
    const { axis, depth } = op.attrs;
    const inner = elementCount(op.type.shape.slice(axis + 1));
    const values = new Float64Array(indices.length * depth).fill(off);
    for (const [i, index] of indices.entries()) {
      const at = index < 0 ? index + depth : index;
      if (!Number.isInteger(at) || at < 0 || at >= depth) continue;
      values[(Math.floor(i / inner) * depth + at) * inner + (i % inner)] = on;
    }
    return resultOf(op, values);
  },
};

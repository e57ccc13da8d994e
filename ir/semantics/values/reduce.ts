/**
 * What reductions compute: each is a function of the list of values that fold into one. Sums run
 * in row-major order of the folded axes, in double precision.
 */
import type { ArgAttrs, Op, ReduceAttrs } from "../../op/op.ts";
import type { ReduceKind } from "../../op/families/reduce.ts";
import type { Tensor } from "../../tensor.ts";
import { type DType, elementCount, stridesOf } from "../../type.ts";
import { multiplication, dtypeLimits } from "./scalar.ts";
import {
  type Semantics,
  type SemanticsTable,
  doubles,
  operand,
  resultOf,
  stridedIndices,
} from "../semantics.ts";

/** One value of many; `dtype` is theirs and the result's. */
type ValueFold = (values: Float64Array, dtype: DType) => number;

/** The meaning of any op with these attributes. */
type WithAttrs<A> = (
  op: Pick<Op, "type"> & { readonly attrs: A },
  inputs: readonly Tensor[],
) => Tensor;

function reduction(fold: ValueFold): WithAttrs<ReduceAttrs> {
  return (op, inputs) => {
    const x = operand(inputs, 0);
    const from = doubles(x);
    const strides = stridesOf(x.shape);
    const folded = op.attrs.axes;
    const kept = [...x.shape.keys()].filter((axis) => !folded.includes(axis));
    const pick = (list: readonly number[], axes: readonly number[]): number[] =>
      axes.map((axis) => list[axis] ?? 0);
    const bases = stridedIndices(pick(x.shape, kept), pick(strides, kept));
    const offsets = stridedIndices(pick(x.shape, folded), pick(strides, folded));
    const values = new Float64Array(offsets.length);
    const y = new Float64Array(bases.length);
    for (let i = 0; i < bases.length; i++) {
      const base = bases[i] ?? 0;
      for (let k = 0; k < offsets.length; k++) values[k] = from[base + (offsets[k] ?? 0)] ?? 0;
      y[i] = fold(values, x.dtype);
    }
    return resultOf(op, y);
  };
}

function sumOf(values: Float64Array, term: (x: number) => number): number {
  let sum = 0;
  for (const x of values) sum += term(x);
  return sum;
}

const sum: ValueFold = (values) => sumOf(values, (x) => x);

/** log Σ exp(x), with the greatest x taken out so that no exponential overflows. */
const logSumExp: ValueFold = (values) => {
  let greatest = -Infinity;
  for (const x of values) greatest = Math.max(greatest, x);
  if (Math.abs(greatest) === Infinity) return greatest;
  return greatest + Math.log(sumOf(values, (x) => Math.exp(x - greatest)));
};

// The extremes of nothing are the other end of what the element type holds.
const max: ValueFold = (values, dtype) => {
  let [greatest] = dtypeLimits(dtype);
  for (const x of values) greatest = Math.max(greatest, x);
  return greatest;
};

const min: ValueFold = (values, dtype) => {
  let [, least] = dtypeLimits(dtype);
  for (const x of values) least = Math.min(least, x);
  return least;
};

const prod: ValueFold = (values, dtype) => {
  const multiply = multiplication(dtype);
  let product = 1;
  for (const x of values) product = multiply(product, x);
  return product;
};

const sumSquare: ValueFold = (values, dtype) => {
  const multiply = multiplication(dtype);
  return sumOf(values, (x) => multiply(x, x));
};

/** Index of the best value along an axis; the first of equals, or the last. */
function arg(better: (a: number, b: number) => boolean): WithAttrs<ArgAttrs> {
  return (op, inputs) => {
    const x = operand(inputs, 0);
    const { axis, selectLast } = op.attrs;
    const from = doubles(x);
    const extent = x.shape[axis] ?? 1;
    const inner = elementCount(x.shape.slice(axis + 1));
    const y = new Float64Array(from.length / extent);
    for (let i = 0; i < y.length; i++) {
      const start = Math.floor(i / inner) * extent * inner + (i % inner);
      let best = 0;
      for (let k = 1; k < extent; k++) {
        const value = from[start + k * inner] ?? 0;
        const record = from[start + best * inner] ?? 0;
        if (better(value, record) || (selectLast && value === record)) best = k;
      }
      y[i] = best;
    }
    return resultOf(op, y);
  };
}

/** Sums of the elements so far along an axis, each with the element itself unless `exclusive`. */
const cumulativeSum: Semantics<"ann.cumsum"> = (op, inputs) => {
  const x = operand(inputs, 0);
  const { axis, exclusive, reverse } = op.attrs;
  const from = doubles(x);
  const extent = x.shape[axis] ?? 1;
  const inner = elementCount(x.shape.slice(axis + 1));
  const y = new Float64Array(from.length);
  for (let line = 0; line * extent < from.length; line++) {
    const start = Math.floor(line / inner) * extent * inner + (line % inner);
    let total = 0;
    for (let k = 0; k < extent; k++) {
      const at = start + (reverse ? extent - 1 - k : k) * inner;
      const value = from[at] ?? 0;
      y[at] = exclusive ? total : total + value;
      total += value;
    }
  }
  return resultOf(op, y);
};

export const reduceSemantics: SemanticsTable<ReduceKind> = {
  "ann.reduce-l1": reduction((values) => sumOf(values, Math.abs)),
  "ann.reduce-l2": reduction((values) => Math.sqrt(sumOf(values, (x) => x * x))),
  "ann.reduce-log-sum": reduction((values, dtype) => Math.log(sum(values, dtype))),
  "ann.reduce-log-sum-exp": reduction(logSumExp),
  "ann.reduce-max": reduction(max),
  "ann.reduce-mean": reduction((values, dtype) => sum(values, dtype) / values.length),
  "ann.reduce-min": reduction(min),
  "ann.reduce-prod": reduction(prod),
  "ann.reduce-sum": reduction(sum),
  "ann.reduce-sum-square": reduction(sumSquare),
  "ann.argmax": arg((a, b) => a > b),
  "ann.argmin": arg((a, b) => a < b),
  "ann.cumsum": cumulativeSum,
};

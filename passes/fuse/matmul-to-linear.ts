/**
 * Turns products with a constant matrix into `ann.linear`.
 *
 * Precondition: fold-constants has run, or constants are missed. Result: no `ann.matmul` with one
 * constant operand of two axes (axes of one element in front do not count) is left. x·M is a linear
 * layer with weight Mᵀ; M·x = (xᵀ·Mᵀ)ᵀ is one with weight M between two transposes, or between two
 * reshapes where x is a column.
 */
import type { Op, ValueId } from "../../ir/op/op.ts";
import { rangeOf } from "../../ir/analysis/range.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { isFloat, sameShape } from "../../ir/type.ts";
import { transposeTensor } from "../clean/permute.ts";
import { type Graph, rework } from "../graph.ts";
import { definePass } from "../pass.ts";

const name = "matmul-to-linear";

export const matmulToLinear = definePass({
  name,
  role: "fuse",
  summary: "turn products with constant matrices into linear layers",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    rework(module, (op, graph) => {
      const [a, b] = op.inputs;
      if (op.kind !== "ann.matmul" || a === undefined || b === undefined) return null;
      if (!isFloat(op.type.dtype)) return null;
      const left = graph.constant(a);
      const right = graph.constant(b);
      if (left === null && right !== null) return timesMatrix(a, right, op, graph);
      return left !== null && right === null ? matrixTimes(left, b, op, graph) : null;
    }),
});

/** The tensor as a matrix; a vector is a column. Null where it is a stack of several or not finite. */
function matrixOf(held: Tensor): Tensor | null {
  const [rows = 1, columns = 1] = held.shape.slice(-2);
  if (held.data.length !== rows * columns || rangeOf(held).notFinite !== null) return null;
  return { ...held, shape: [rows, columns] };
}

/** x·M with the shape of `op`. */
function timesMatrix(x: ValueId, held: Tensor, op: Op, graph: Graph): ValueId | null {
  const matrix = matrixOf(held);
  return matrix === null ? null : addLinear(x, transposeTensor(matrix, [1, 0]), op, graph);
}

/** x·weightᵀ over the last axis, reshaped if need be to the shape of `op`, in its place. */
function addLinear(x: ValueId, weight: Tensor, op: Op, graph: Graph): ValueId {
  const { builder } = graph;
  const loc = graph.loc(name, op);
  const attrs = { weight: builder.tensor("weight", weight), bias: null };
  const shape = [...graph.producer(x).type.shape.slice(0, -1), weight.shape[0] ?? 1];
  if (sameShape(shape, op.type.shape)) {
    return builder.add("ann.linear", [x], attrs, loc, op.result);
  }
  const product = builder.add("ann.linear", [x], attrs, loc);
  return builder.add("ann.reshape", [product], { shape: op.type.shape }, loc, op.result);
}

/** M·x with the shape of `op`. */
function matrixTimes(held: Tensor, x: ValueId, op: Op, graph: Graph): ValueId | null {
  // On the left a vector is a row.
  const matrix = matrixOf(
    held.shape.length === 1 ? tensor(held.dtype, [1, ...held.shape], held.data) : held,
  );
  if (matrix === null) return null;
  const { builder } = graph;
  const loc = graph.loc(name, op);
  const { shape } = graph.producer(x).type;
  const rank = shape.length;
  if (rank === 1) return addLinear(x, matrix, op, graph);
  if (shape.at(-1) === 1) {
    const row = builder.add("ann.reshape", [x], { shape: shape.slice(0, -1) }, loc);
    return addLinear(row, matrix, op, graph);
  }
  const swapped = shape.map((_, axis) =>
    axis < rank - 2 ? axis : axis === rank - 2 ? rank - 1 : rank - 2,
  );
  const attrs = { weight: builder.tensor("weight", matrix), bias: null };
  const turned = builder.add("ann.transpose", [x], { perm: swapped }, loc);
  const product = builder.add("ann.linear", [turned], attrs, loc);
  const { shape: produced } = graph.producer(product).type;
  const back = swapped.map((axis) => produced[axis] ?? 1);
  const fits = sameShape(back, op.type.shape);
  const result = fits ? op.result : undefined;
  const returned = builder.add("ann.transpose", [product], { perm: swapped }, loc, result);
  if (fits) return returned;
  return builder.add("ann.reshape", [returned], { shape: op.type.shape }, loc, op.result);
}

/**
 * Turns sums, differences, products and quotients of a value with a constant into `ann.affine`.
 *
 * Precondition: fold-constants has run, or constants are missed. Result: among floating-point ops,
 * add, sub, mul, div and neg with one varying operand are left only where the constant would
 * enlarge that operand or is not finite. x + c, x − c, c − x, c·x, x / c and −x become s·x + t. Exact except for
 * x / c = (1/c)·x, which rounds twice.
 */
import type { Op, ValueId } from "../../ir/op/op.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { isFloat, sameShape } from "../../ir/type.ts";
import { type Graph, rework } from "../graph.ts";
import { definePass } from "../pass.ts";
import { type Affine, addAffine, fits, wide } from "./affine.ts";

const name = "constants-to-affine";

export const constantsToAffine = definePass({
  name,
  role: "fuse",
  summary: "turn arithmetic with constants into affine maps",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    rework(module, (op, graph) => {
      if (!isFloat(op.type.dtype)) return null;
      const found = affineIn(op, graph);
      if (found === null) return null;
      const { x, affine } = found;
      if (!sameShape(graph.producer(x).type.shape, op.type.shape)) return null;
      // Masks add −∞; the reciprocal of a tiny number overflows.
      if (!fits(affine, op.type.dtype)) return null;
      return addAffine(x, affine, op, graph, name);
    }),
});

/** The varying operand of `op` and the map of it that `op` is, if it is one. */
function affineIn(op: Op, graph: Graph): { x: ValueId; affine: Affine } | null {
  const [a, b] = op.inputs;
  if (a === undefined) return null;
  if (op.kind === "ann.neg") return { x: a, affine: { scale: filled(-1), shift: filled(0) } };
  if (b === undefined) return null;
  const left = graph.constant(a);
  const right = graph.constant(b);
  if ((left === null) === (right === null)) return null;
  if (right !== null) return found(a, withRight(op, wide(right)));
  return left === null ? null : found(b, withLeft(op, wide(left)));
}

function found(x: ValueId, affine: Affine | null): { x: ValueId; affine: Affine } | null {
  return affine === null ? null : { x, affine };
}

function withRight(op: Op, c: Tensor): Affine | null {
  switch (op.kind) {
    case "ann.add":
      return { scale: filled(1), shift: c };
    case "ann.sub":
      return { scale: filled(1), shift: mapped(c, (value) => -value) };
    case "ann.mul":
      return { scale: c, shift: filled(0) };
    case "ann.div":
      return { scale: mapped(c, (value) => 1 / value), shift: filled(0) };
    default:
      return null;
  }
}

function withLeft(op: Op, c: Tensor): Affine | null {
  switch (op.kind) {
    case "ann.add":
    case "ann.mul":
      return withRight(op, c);
    case "ann.sub":
      return { scale: filled(-1), shift: c };
    default:
      return null;
  }
}

function filled(value: number): Tensor {
  return tensor("f64", [], Float64Array.of(value));
}

function mapped(held: Tensor, f: (value: number) => number): Tensor {
  return tensor("f64", held.shape, Float64Array.from(held.data, f));
}

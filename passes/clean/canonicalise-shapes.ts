/**
 * Merges moves that follow one another: reshapes, transposes, slices; and turns transposes that
 * leave the elements in order into reshapes, which merge with more.
 *
 * Precondition: none. Result: no reshape of a reshape, no transpose of a transpose, no slice of a
 * slice; the same function, bit for bit. Transposes are composed by
 * (x ᵀp) ᵀq = x ᵀr with r[a] = p[q[a]].
 */
import type { Op, OpOf, ValueId } from "../../ir/op/op.ts";
import { type Shape, sameShape } from "../../ir/type.ts";
import { type Graph, rework, untilStable } from "../graph.ts";
import { definePass } from "../pass.ts";

const name = "canonicalise-shapes";

export const canonicaliseShapes = definePass({
  name,
  role: "clean",
  summary: "merge moves that follow one another",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) => untilStable(module, (current) => rework(current, mergeOnce)),
});

function mergeOnce(op: Op, graph: Graph): ValueId | null {
  switch (op.kind) {
    case "ann.reshape":
      return mergeReshape(op, graph);
    case "ann.transpose":
      return mergeTranspose(op, graph, name) ?? transposeToReshape(op, graph);
    case "ann.slice":
      return mergeSlice(op, graph);
    default:
      return null;
  }
}

function operandOf(op: Op, graph: Graph): Op | null {
  const [operand] = op.inputs;
  return operand === undefined ? null : graph.producer(operand);
}

function mergeReshape(op: OpOf<"ann.reshape">, graph: Graph): ValueId | null {
  const inner = operandOf(op, graph);
  if (inner?.kind !== "ann.reshape") return null;
  return addReshape(graph, inner.inputs[0], op.type.shape, op, inner);
}

/** A reshape of `value` in the place of `op`, or `value` itself where it has the shape. */
function addReshape(
  graph: Graph,
  value: ValueId | undefined,
  shape: Shape,
  op: Op,
  inner: Op,
): ValueId | null {
  if (value === undefined) return null;
  if (sameShape(graph.producer(value).type.shape, shape)) return value;
  return graph.builder.add(
    "ann.reshape",
    [value],
    { shape },
    graph.loc(name, op, inner),
    op.result,
  );
}

/** One transpose for two, or none where they cancel; null where `op` does not follow another. */
export function mergeTranspose(
  op: OpOf<"ann.transpose">,
  graph: Graph,
  pass: string,
): ValueId | null {
  const inner = operandOf(op, graph);
  if (inner?.kind !== "ann.transpose") return null;
  const [x] = inner.inputs;
  if (x === undefined) return null;
  const perm = op.attrs.perm.map((axis) => inner.attrs.perm[axis] ?? 0);
  if (perm.every((from, axis) => from === axis)) return x;
  return graph.builder.add("ann.transpose", [x], { perm }, graph.loc(pass, op, inner), op.result);
}

/** True when the axes longer than 1 stay in order, so that the elements do. */
export function keepsOrder(perm: readonly number[], shape: Shape): boolean {
  const moved = perm.filter((from) => shape[from] !== 1);
  return moved.every((from, i) => i === 0 || from > (moved[i - 1] ?? 0));
}

function transposeToReshape(op: OpOf<"ann.transpose">, graph: Graph): ValueId | null {
  const inner = operandOf(op, graph);
  if (inner === null || !keepsOrder(op.attrs.perm, inner.type.shape)) return null;
  // A reshape below merges at once; otherwise the operand is the value itself.
  const source = inner.kind === "ann.reshape" ? inner.inputs[0] : op.inputs[0];
  return addReshape(graph, source, op.type.shape, op, inner);
}

function mergeSlice(op: OpOf<"ann.slice">, graph: Graph): ValueId | null {
  const inner = operandOf(op, graph);
  const [x] = inner?.inputs ?? [];
  if (inner?.kind !== "ann.slice" || x === undefined) return null;
  // Element k of the outer slice is element s₁ + (s₂ + k·d₂)·d₁ of x.
  const { starts, steps } = inner.attrs;
  const merged = {
    starts: op.attrs.starts.map((start, axis) => (starts[axis] ?? 0) + start * (steps[axis] ?? 1)),
    sizes: op.attrs.sizes,
    steps: op.attrs.steps.map((step, axis) => step * (steps[axis] ?? 1)),
  };
  return graph.builder.add("ann.slice", [x], merged, graph.loc(name, op, inner), op.result);
}

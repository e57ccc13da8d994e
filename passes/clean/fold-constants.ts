/**
 * Replaces ops whose operands are all constants by what they compute, and identities by their
 * operand, so that constants are seen through them.
 *
 * Precondition: none. Result: no identity is left, and no op works on constants only, except where
 * its result would have more than `largestFoldedConstant` elements. The value is the interpreter's
 * own, so the function stays the same bit for bit. (Constant and copy propagation: Aho et al. 2006,
 * sections 8.5.4 and 9.1.5.)
 */
import { isStateful } from "../../ir/op/known.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import type { Op } from "../../ir/op/op.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { type Graph, rework } from "../graph.ts";
import { definePass } from "../pass.ts";

const name = "fold-constants";

/**
 * 16 MB of float32: an order above the largest weight of the networks this is for, an order below
 * what would trouble a browser tab. An expanded mask of a larger size is cheaper to compute.
 */
export const largestFoldedConstant = 2 ** 22;

export const foldConstants = definePass({
  name,
  role: "clean",
  summary: "compute what depends only on constants",
  requires: [],
  establishes: ["canonical"],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    rework(module, (op, graph) => {
      if (op.kind === "ann.identity") return op.inputs[0] ?? null;
      const operands = constantsOf(op, graph);
      if (operands === null || !isFoldable(op)) return null;
      const value = evaluate(op, operands, (ref) => graph.builder.tensorAt(ref));
      const from = op.inputs.map((input) => graph.producer(input));
      const ref = graph.builder.tensor("folded", value);
      const loc = graph.loc(name, op, ...from);
      return graph.builder.add("ann.constant", [], { value: ref }, loc, op.result);
    }),
});

/** True for ops that constants make constant, and small enough to be kept. */
export function isFoldable(op: Op): boolean {
  return !isStateful(op) && elementCount(op.type.shape) <= largestFoldedConstant;
}

/** The operands' elements; null where there are no operands or one is not constant. */
function constantsOf(op: Op, graph: Graph): readonly Tensor[] | null {
  const held = op.inputs.flatMap((value) => graph.constant(value) ?? []);
  return held.length === op.inputs.length && held.length > 0 ? held : null;
}

/** Reductions over axes, and searches and running sums along one. */
import { type OnnxOperator, operator } from "../operator.ts";
import type { ReduceName, ValueId } from "../../../ir/op/op.ts";
import type { NodeContext } from "../context.ts";

/**
 * Axes of a reduction: an attribute up to `inputSince` − 1, an input from then on. Without any,
 * all axes, unless noop_with_empty_axes says none.
 */
function reduceAxes(node: NodeContext, rank: number, inputSince: number): readonly number[] {
  const noop = node.attributes.bool("noop_with_empty_axes", false);
  const fromInput = node.opset >= inputSince;
  const given = fromInput
    ? node.has(1)
      ? node.ints(1, "axes")
      : null
    : node.attributes.ints("axes");
  if (given === null || given.length === 0) {
    return noop ? [] : Array.from({ length: rank }, (_, axis) => axis);
  }
  return node.axes(given, rank);
}

/** An operator that is one reduction. */
function reduce(name: ReduceName, inputSince = 18): (node: NodeContext) => ValueId {
  return (node) => {
    const x = node.value(0);
    return node.add(`ann.reduce-${name}`, [x], {
      axes: reduceAxes(node, node.shape(x).length, inputSince),
      keepDims: node.attributes.bool("keepdims", true),
    });
  };
}

/** ArgMax and ArgMin (1, 11, 12 selects the last of equals, 13). */
function arg(kind: "ann.argmax" | "ann.argmin"): (node: NodeContext) => ValueId {
  return (node) => {
    const x = node.value(0);
    return node.add(kind, [x], {
      axis: node.axis(node.attributes.int("axis", 0), node.shape(x).length),
      keepDims: node.attributes.bool("keepdims", true),
      selectLast: node.attributes.bool("select_last_index", false),
    });
  };
}

/** CumSum (11, 14). */
function CumSum(node: NodeContext): ValueId {
  const x = node.value(0);
  return node.add("ann.cumsum", [x], {
    axis: node.axis(node.scalar(1, "axis"), node.shape(x).length),
    exclusive: node.attributes.bool("exclusive", false),
    reverse: node.attributes.bool("reverse", false),
  });
}

export const reductionOperators: readonly OnnxOperator[] = [
  operator("ArgMax", [1, 11, 12, 13], 1, arg("ann.argmax")),
  operator("ArgMin", [1, 11, 12, 13], 1, arg("ann.argmin")),
  operator("CumSum", [11, 14], 2, CumSum),
  operator("ReduceL1", [1, 11, 13, 18], [1, 2], reduce("l1")),
  operator("ReduceL2", [1, 11, 13, 18], [1, 2], reduce("l2")),
  operator("ReduceLogSum", [1, 11, 13, 18], [1, 2], reduce("log-sum")),
  operator("ReduceLogSumExp", [1, 11, 13, 18], [1, 2], reduce("log-sum-exp")),
  operator("ReduceMax", [1, 11, 12, 13, 18, 20], [1, 2], reduce("max")),
  operator("ReduceMean", [1, 11, 13, 18], [1, 2], reduce("mean")),
  operator("ReduceMin", [1, 11, 12, 13, 18, 20], [1, 2], reduce("min")),
  operator("ReduceProd", [1, 11, 13, 18], [1, 2], reduce("prod")),
  operator("ReduceSum", [1, 11, 13], [1, 2], reduce("sum", 13)),
  operator("ReduceSumSquare", [1, 11, 13, 18], [1, 2], reduce("sum-square")),
];

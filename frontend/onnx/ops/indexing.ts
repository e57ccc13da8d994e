/** Gathers, scatters and one-hot vectors. Indices may be values; axes and depths are static. */
import { type OnnxOperator, operator } from "../operator.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { isFloat } from "../../../ir/type.ts";
import type { NodeContext } from "../context.ts";

const reductions = ["none", "add", "mul", "max", "min"] as const;

/** Gather (1, 11, 13). */
function Gather(node: NodeContext): ValueId {
  const data = node.value(0);
  const axis = node.axis(node.attributes.int("axis", 0), node.shape(data).length);
  return node.add("ann.gather", [data, node.value(1)], { axis });
}

/** GatherElements (11, 13). */
function GatherElements(node: NodeContext): ValueId {
  const data = node.value(0);
  const axis = node.axis(node.attributes.int("axis", 0), node.shape(data).length);
  return node.add("ann.gather-elements", [data, node.value(1)], { axis });
}

/** GatherND (11; 12 batch_dims; 13). */
function GatherND(node: NodeContext): ValueId {
  const batchDims = node.attributes.int("batch_dims", 0);
  if (batchDims < 0) node.invalid(`batch_dims is ${batchDims}`);
  return node.add("ann.gather-nd", [node.value(0), node.value(1)], { batchDims });
}

/** ScatterElements (11, 13, 16 reduction, 18), and Scatter (9, 11), its older name. */
function ScatterElements(node: NodeContext): ValueId {
  const data = node.value(0);
  const axis = node.axis(node.attributes.int("axis", 0), node.shape(data).length);
  const reduction = node.attributes.string("reduction", "none");
  return node.add("ann.scatter-elements", [data, node.value(1), node.value(2)], {
    axis,
    reduction: node.oneOf("reduction", reduction, reductions),
  });
}

/** ScatterND (11, 13, 16 reduction, 18). */
function ScatterND(node: NodeContext): ValueId {
  const reduction = node.attributes.string("reduction", "none");
  return node.add("ann.scatter-nd", [node.value(0), node.value(1), node.value(2)], {
    reduction: node.oneOf("reduction", reduction, reductions),
  });
}

/** OneHot (9, 11): indices may be floats, whose fraction is dropped. */
function OneHot(node: NodeContext): ValueId {
  const indices = node.value(0);
  const { dtype, shape } = node.type(indices);
  const depth = Math.trunc(node.scalar(1, "depth"));
  if (!(depth >= 1)) node.invalid(`its depth is ${depth}`);
  const axis = node.axis(node.attributes.int("axis", -1), shape.length + 1);
  node.checkSize([...shape, depth]);
  const whole = isFloat(dtype)
    ? node.add("ann.cast", [indices], { to: "i64", saturate: true })
    : indices;
  return node.add("ann.one-hot", [whole, node.value(2)], { axis, depth });
}

export const indexingOperators: readonly OnnxOperator[] = [
  operator("Gather", [1, 11, 13], 2, Gather),
  operator("GatherElements", [11, 13], 2, GatherElements),
  operator("GatherND", [11, 12, 13], 2, GatherND),
  operator("OneHot", [9, 11], 3, OneHot),
  operator("Scatter", [9, 11], 3, ScatterElements),
  operator("ScatterElements", [11, 13, 16, 18], 3, ScatterElements),
  operator("ScatterND", [11, 13, 16, 18], 3, ScatterND),
];

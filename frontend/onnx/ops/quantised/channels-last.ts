/**
 * Operators of QONNX whose tensors have their channels last: what the ONNX operator of that name is,
 * between two transpositions. The weights of Conv have their channels last too: [out, …kernel,
 * in / groups].
 */
import { type ImportNode, type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import type { NodeContext } from "../../context.ts";
import { Conv } from "../layers/convolution.ts";
import { BatchNormalization } from "../layers/normalisation.ts";
import { MaxPool } from "../layers/pooling.ts";

/** The opset by which the operators inside are read. */
const opset = 13;

/** `value` with its last axis behind its first. */
function channelsFirst(node: NodeContext, value: ValueId): ValueId {
  const rank = node.shape(value).length;
  const spatial = Array.from({ length: Math.max(0, rank - 2) }, (_, i) => i + 1);
  return node.add("ann.transpose", [value], { perm: [0, rank - 1, ...spatial] });
}

/** `run` with its first inputs, so many, transposed, and its result transposed back. */
function between(run: ImportNode, inputs: number): (node: NodeContext) => ValueId {
  return (node) => {
    const rank = node.inputType(0).shape.length;
    if (rank < 3) node.invalid(`its input has ${rank} axes, and so no spatial ones`);
    const transposed = Array.from({ length: inputs }, (_, i) => channelsFirst(node, node.value(i)));
    const y = run(node.inside(opset, transposed));
    if (typeof y !== "number") return node.invalid("it has more outputs than one");
    const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    return node.add("ann.transpose", [y], { perm: [0, ...spatial, 1] });
  };
}

/** Of domain qonnx.custom_op.channels_last. */
export const channelsLastOperators: readonly OnnxOperator[] = [
  operator("BatchNormalization", [1], 5, between(BatchNormalization, 1)),
  operator("Conv", [1], [2, 3], between(Conv, 2)),
  operator("MaxPool", [1], 1, between(MaxPool, 1)),
];

/** If with a condition known at import, and Dropout, which at inference does nothing. */
import { type OnnxOperator, operator } from "../operator.ts";
import type { NodeResult } from "../operator.ts";
import type { ValueId } from "../../../ir/op.ts";
import { scalar } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";

/** If (1, 11, 13, 16, 19, 21, 23): the branch that is taken, in its place. */
function If(node: NodeContext): NodeResult {
  const thenBranch = node.attributes.graph("then_branch");
  const elseBranch = node.attributes.graph("else_branch");
  const branch = node.scalar(0, "cond") !== 0 ? thenBranch : elseBranch;
  if (branch === null) return node.invalid("it lacks a branch");
  return node.inlineGraph(branch);
}

/**
 * Dropout (1, 6 is_test; 7; 10 a mask of bool; 12 ratio and training_mode as inputs; 13, 22).
 * Its mask, where something reads it, is all ones.
 */
function Dropout(node: NodeContext): readonly (ValueId | null)[] {
  node.attributes.ignore("ratio", "seed", "consumed_inputs", "is_test");
  const x = node.value(0);
  const training = node.opset >= 12 && node.has(2) && node.scalar(2, "training_mode") !== 0;
  const ratio = training && node.has(1) ? node.scalar(1, "ratio") : 0.5;
  if (training && ratio !== 0) {
    node.refuse("it is in training mode", "export in inference mode: model.eval() in PyTorch");
  }
  const y = node.add("ann.identity", [x], {});
  if (!node.wants(1)) return [y, null];
  const { dtype, shape } = node.type(x);
  const one = node.literal(scalar(node.opset >= 10 ? "bool" : dtype, 1));
  return [y, node.add("ann.expand", [one], { shape })];
}

export const controlOperators: readonly OnnxOperator[] = [
  operator("Dropout", [1, 6, 7, 10, 12, 13, 22], [1, 3], Dropout),
  operator("If", [1, 11, 13, 16, 19, 21], 1, If),
];

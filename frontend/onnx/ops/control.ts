/** If and Loop with conditions known at import, and Dropout, which at inference does nothing. */
import { type NodeResult, type OnnxOperator, operator } from "../operator.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { scalar } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";

/** If (1, 11, 13, 16, 19, 21, 23): the branch that is taken, in its place. */
function If(node: NodeContext): NodeResult {
  const thenBranch = node.attributes.graph("then_branch");
  const elseBranch = node.attributes.graph("else_branch");
  const branch = node.scalar(0, "cond") !== 0 ? thenBranch : elseBranch;
  if (branch === null) return node.invalid("it lacks a branch");
  return node.inlineGraph(branch, [], (output) => node.wants(output));
}

/** Rounds that a loop may take. */
const mostRounds = 10_000;

/**
 * Loop (1, 11, 13, 16, 19, 21, 23), unrolled: the number of rounds, and the condition after each,
 * must be known at import. Its scan outputs are stacked along a new first axis.
 */
function Loop(node: NodeContext): NodeResult {
  const body = node.attributes.graph("body") ?? node.invalid("it lacks a body");
  const most = node.has(0) ? node.scalar(0, "M") : Infinity;
  let goesOn = node.has(1) ? node.scalar(1, "cond") !== 0 : true;
  let carried = Array.from({ length: node.inputCount - 2 }, (_, i) => node.value(i + 2));
  const scanned: ValueId[][] = [];
  for (let round = 0; goesOn && round < most; round++) {
    if (round >= mostRounds) {
      node.refuse(`it takes more than ${mostRounds} rounds`, "unroll it before exporting");
    }
    const inputs = [node.number("i64", round), node.number("bool", 1), ...carried];
    const outputs = node.inlineGraph(body, inputs, () => true);
    const poisons = outputs.flatMap((output) => {
      return output !== null && typeof output === "object" && "poison" in output ? [output] : [];
    });
    if (poisons.length > 0) {
      const poison = { refusals: [], from: poisons.map((output) => output.poison) };
      return node.node.outputs.map(() => ({ poison }));
    }
    const [condition, ...rest] = outputs.map((output) =>
      typeof output === "number" ? output : node.invalid("an output of its body is not a tensor"),
    );
    if (condition === undefined) return node.invalid("its body has no outputs");
    goesOn = node.constantOf(condition, "cond").data[0] !== 0;
    carried = rest.slice(0, carried.length);
    rest.slice(carried.length).forEach((value, i) => (scanned[i] ??= []).push(value));
  }
  if (scanned.length < (body.output ?? []).length - 1 - carried.length) {
    node.refuse("it takes no round, so its outputs have no shape", "remove it before exporting");
  }
  const stacked = scanned.map((values) => {
    const rows = values.map((value) => {
      return node.add("ann.reshape", [value], { shape: [1, ...node.shape(value)] });
    });
    return node.add("ann.concat", rows, { axis: 0 });
  });
  return [...carried, ...stacked];
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
  operator("Loop", [1, 11, 13, 16, 19, 21], [2, Infinity], Loop),
];

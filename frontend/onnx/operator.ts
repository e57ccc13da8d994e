/**
 * What an operator function is and what its row in the table says. The functions themselves are
 * in `ops/`, one per operator, by family.
 */
import type { ValueId } from "../../ir/op/op.ts";
import type { NodeContext } from "./context.ts";
import type { NodeOutput } from "./graph/scope.ts";

/** Outputs of a node, in order. */
export type NodeResult = ValueId | readonly NodeOutput[];

/** Imports one node. Fails with a diagnostic through `node.refuse` and its like. */
export type ImportNode = (node: NodeContext) => NodeResult;

export interface OnnxOperator {
  readonly name: string;
  /** Opset versions that changed the definition, ascending; the first one introduced it. */
  readonly since: readonly number[];
  /** How many inputs a node may have. */
  readonly inputs: readonly [least: number, most: number];
  readonly run: ImportNode;
}

/** A row of the table. `inputs` is a number where there is no choice. */
export function operator(
  name: string,
  since: readonly number[],
  inputs: number | readonly [least: number, most: number],
  run: ImportNode,
): OnnxOperator {
  return { name, since, inputs: typeof inputs === "number" ? [inputs, inputs] : inputs, run };
}

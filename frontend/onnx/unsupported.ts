/** Operators that are not read at all: what can be said of a model before any shape is known. */
import type { Diagnostic } from "../../ir/diagnostic.ts";
import { type Loc, sourceLoc } from "../../ir/loc.ts";
import { diagnose } from "./diagnostics.ts";
import type { OnnxNode } from "./graph/graph.ts";
import { type OnnxModel, functionKey } from "./file/model.ts";
import { operatorOf, wayOut } from "./operators.ts";
import type { Refusal, Refusals } from "../refusals.ts";

/** Why the operator of a node is not read by this opset (0 if unknown); null where it is. */
export function unsupportedOperator(node: OnnxNode, opset: number, loc: Loc): Diagnostic | null {
  const { opType: op, domain } = node;
  const row = operatorOf(domain, op);
  if (row !== undefined && (opset === 0 || opset >= (row.since[0] ?? 1))) return null;
  return diagnose("unsupported-op", loc, {
    op,
    opset,
    domain,
    help: wayOut(op, domain, opset, row),
  });
}

/** Notes the operators among `nodes` that are not read: shapes that are missing do not hide them. */
export function noteUnsupported(
  model: OnnxModel,
  nodes: readonly OnnxNode[],
  refusals: Refusals,
): void {
  const found = new Set<Refusal>();
  for (const node of nodes) {
    const { domain, opType, name } = node;
    if (model.functions.has(functionKey(domain, opType))) continue;
    refusals.noteOperator(node);
    const opset = model.opsets.get(domain) ?? 0;
    const refusal = unsupportedOperator(node, opset, sourceLoc(model.file, name, opType));
    if (refusal === null) continue;
    for (const each of refusals.refused(node, opset, [refusal])) found.add(each);
  }
  refusals.settle(found);
}

/** Leaves out of an imported module what no output depends on. Inputs stay: callers give them. */
import type { Module } from "../../../ir/module.ts";
import type { Op, ValueId } from "../../../ir/op/op.ts";
import { tensorRefsOf } from "../../../ir/op/table.ts";

/** The module without unreachable ops, and without the tensors that only they named. */
export function prune(module: Module): Module {
  const needed = new Set<ValueId>(module.outputs.map(({ value }) => value));
  const kept: Op[] = [];
  for (const op of module.ops.toReversed()) {
    if (!needed.has(op.result) && op.kind !== "ann.input") continue;
    kept.push(op);
    for (const input of op.inputs) needed.add(input);
  }
  const refs = new Set(kept.flatMap((op) => tensorRefsOf(op).map(({ ref }) => ref)));
  const tensors = new Map([...module.tensors].filter(([ref]) => refs.has(ref)));
  return { ...module, ops: kept.toReversed(), tensors };
}

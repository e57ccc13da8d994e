/** Leaves out of an imported module what no output depends on. Inputs stay: callers give them. */
import { reachable } from "../../../ir/analysis/walk.ts";
import type { Module } from "../../../ir/module.ts";
import { isInput } from "../../../ir/op/op.ts";
import { tensorRefsOf } from "../../../ir/op/table.ts";

/** The module without unreachable ops, and without the carries and tensors that only they had. */
export function prune(module: Module): Module {
  const needed = reachable(module);
  const ops = module.ops.filter((op) => needed.has(op.result) || isInput(op));
  const carries = module.carries.filter(({ source }) => needed.has(source));
  const refs = new Set(ops.flatMap((op) => tensorRefsOf(op).map(({ ref }) => ref)));
  const tensors = new Map([...module.tensors].filter(([ref]) => refs.has(ref)));
  return { ...module, ops, carries, tensors };
}

/** All that stands in the way of a program in C. */
import { requireSafeTimesteps } from "../../ir/analysis/bounds.ts";
import { reachable } from "../../ir/analysis/walk.ts";
import { type Diagnostic, DiagnosticError } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { isOp, type Op, type ValueId } from "../../ir/op/op.ts";
import { isFloat } from "../../ir/type.ts";
import { diagnose } from "./diagnostics.ts";
import { whyNot } from "./lower/materialise.ts";
import { isReadOut } from "./lower/readouts.ts";

export interface CheckOptions {
  readonly timesteps: number;
  readonly input: "integers" | "floats";
  readonly output: "floats" | "sums";
}

export function refusalsOf(module: Module, options: CheckOptions): readonly Diagnostic[] {
  if (!module.properties.has("integer")) {
    return [diagnose("c-needs-integers", null, { code: module.code })];
  }
  const refused = opsOf(module, options).flatMap((op): readonly Diagnostic[] => {
    const why = whyNot(op);
    if (why === null) return [];
    const name = shortName(op.loc);
    const isOutput = isBehindReadOut(module, op);
    return [
      diagnose("c-no-form", op.loc, {
        kind: op.kind.replace(/^(ann|snn)\./, ""),
        name,
        why,
        isOutput,
      }),
    ];
  });
  return [...refused, ...faultsOf(() => requireSafeTimesteps(module, options.timesteps))];
}

/** The ops that a program has: not those before integers begin, nor behind the read-out, where the caller does these. */
function opsOf(module: Module, { input, output }: CheckOptions): readonly Op[] {
  const ends = module.ops.filter(isReadOut);
  const outputs =
    output === "floats" ? module.outputs : ends.map(({ result }) => ({ name: "", value: result }));
  const needed = reachable({ ...module, outputs });
  const makers = new Map(module.ops.map((op) => [op.result, op]));
  const begins = new Set<ValueId>();
  if (input === "integers") {
    const visit = (value: ValueId): void => {
      const op = makers.get(value);
      if (op === undefined || begins.has(value)) return;
      begins.add(value);
      op.inputs.forEach(visit);
    };
    for (const op of module.ops) {
      if (isOp(op, "ann.quantize-linear")) op.inputs.forEach(visit);
    }
  }
  return module.ops.filter(
    (op) => needed.has(op.result) && !(begins.has(op.result) && isFloat(op.type.dtype)),
  );
}

function isBehindReadOut(module: Module, op: Op): boolean {
  const behind = new Set<ValueId>();
  for (const each of module.ops) {
    if (isReadOut(each) || each.inputs.some((value) => behind.has(value))) behind.add(each.result);
  }
  return behind.has(op.result);
}

function faultsOf(work: () => void): readonly Diagnostic[] {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  return [];
}

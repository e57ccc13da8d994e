/** One run of fuzzing: breaks a seed, imports it, and runs the module where it is small. */
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { type Tensor, zeros } from "../../ir/tensor.ts";
import { type Shape, type Type, elementCount } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import { foldingWork } from "../../frontend/onnx/graph/fold.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { mutate } from "./mutate.ts";
import { Draws } from "./random.ts";

export interface Outcome {
  /** "ran" and "imported" are successes; "refused" is a diagnostic, as it should be. */
  readonly kind: "ran" | "imported" | "refused" | "crashed";
  /** Of a crash: the stack. */
  readonly why: string;
}

/** The bytes of run number `run`. */
export function mutantOf(
  seeds: readonly { readonly bytes: Uint8Array }[],
  seed: number,
  run: number,
): Uint8Array {
  const draws = new Draws(seed, run);
  const start = known(draws.pick(seeds), "a seed model");
  return mutate(
    start.bytes,
    seeds.map(({ bytes }) => bytes),
    draws,
  );
}

/** Elementary steps beyond which a module is not run: it would take more than a second. */
const mostWork = 3e7;

/** Imports `bytes`; anything thrown but diagnostics is a crash. */
export function attempt(bytes: Uint8Array): Outcome {
  try {
    const { module, diagnostics } = importOnnx(bytes, { file: "mutant.onnx" });
    if (module === null) {
      const explained = diagnostics.some(({ severity }) => severity === "error");
      if (!explained) return { kind: "crashed", why: "no module and no error" };
      return { kind: "refused", why: "" };
    }
    const wrong = verify(module);
    if (wrong.length > 0) {
      return {
        kind: "crashed",
        why: `invalid module: ${wrong.map(({ message }) => message).join("; ")}`,
      };
    }
    return { kind: runIfSmall(module) ? "ran" : "imported", why: "" };
  } catch (error) {
    if (error instanceof DiagnosticError) return { kind: "refused", why: "" };
    return { kind: "crashed", why: error instanceof Error ? (error.stack ?? "") : String(error) };
  }
}

function runIfSmall(module: Module): boolean {
  const types = new Map(module.ops.map((op): [ValueId, Type] => [op.result, op.type]));
  const lookup = (ref: string): Tensor => tensorAt(module, ref);
  const shapeOf = (value: ValueId): Shape => types.get(value)?.shape ?? [];
  let work = 0;
  for (const op of module.ops)
    work += foldingWork(op, shapeOf, lookup) + elementCount(op.type.shape);
  if (!(work <= mostWork)) return false;
  const values = new Map<ValueId, Tensor>();
  const at = (value: ValueId): Tensor => known(values.get(value), `%${value}`);
  for (const op of module.ops) {
    const tensor =
      op.kind === "ann.input"
        ? zeros(op.type.dtype, op.type.shape)
        : evaluate(op, op.inputs.map(at), lookup);
    values.set(op.result, tensor);
  }
  return true;
}

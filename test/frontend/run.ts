/** Imports bytes and runs the module, for tests: what comes out, or what was said. */
import type { ImportOptions, ImportResult } from "../../frontend/import.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { known } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import type { Tensor } from "../../ir/tensor.ts";

export function importBytes(bytes: Uint8Array, options: Partial<ImportOptions> = {}): ImportResult {
  return importOnnx(bytes, { file: "test.onnx", ...options });
}

/** The module; fails with what was said where there is none. */
export function moduleOf(bytes: Uint8Array, options: Partial<ImportOptions> = {}): Module {
  const { module, diagnostics } = importBytes(bytes, options);
  return known(module, diagnostics.map(({ code, message }) => `${code}: ${message}`).join("\n"));
}

/** Values of all outputs, in their own element types. */
export function outputsOf(module: Module, inputs: readonly Tensor[]): readonly Tensor[] {
  const values = new Map<ValueId, Tensor>();
  const at = (value: ValueId): Tensor => known(values.get(value), `%${value}`);
  let next = 0;
  for (const op of module.ops) {
    const tensor =
      op.kind === "ann.input"
        ? known(inputs[next++], `input ${op.attrs.name}`)
        : evaluate(op, op.inputs.map(at), (ref) => tensorAt(module, ref));
    values.set(op.result, tensor);
  }
  return module.outputs.map(({ value }) => at(value));
}

/** Codes of what was said, in order. */
export function codesOf(result: ImportResult): readonly string[] {
  return result.diagnostics.map(({ code }) => code);
}

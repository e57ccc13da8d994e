/**
 * ONNX to a module of `ann.*` ops: nodes in order, one operator function each, types inferred on
 * the way. Nothing stops at the first problem: what cannot be imported is collected, and what
 * depends on it is passed over in silence.
 */
import { Builder } from "../../ir/build.ts";
import { type Diagnostic, DiagnosticError, known } from "../../ir/diagnostic.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module, Output } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { diagnose } from "./diagnostics.ts";
import type { ExternalFiles } from "./external.ts";
import { Folder } from "./fold.ts";
import { GraphImporter } from "./inline.ts";
import { type ImportedInput, type ResolvedInputs, declaredShape, resolveInputs } from "./inputs.ts";
import { type Limits, defaultLimits, foldingBudget } from "./limits.ts";
import { type OnnxModel, readModel } from "./model.ts";
import { prune } from "./prune.ts";
import { integer } from "./proto.ts";
import { Refusals, type UnsupportedOperator } from "./refusals.ts";
import { Scope } from "./scope.ts";
import { decodeSparse, decodeTensor } from "./tensors.ts";

export interface ImportOptions {
  /** The model's name for messages, without folders. */
  readonly file: string;
  /** Reads external data; null where files may not be read. */
  readonly files?: ExternalFiles | null;
  /**
   * Extent of axis 0 of inputs where the model leaves it open; 1 unless given. With 1, a batch
   * that the model fixes is taken out too. null keeps what the model says.
   */
  readonly batch?: number | null;
  /** Complete shapes of inputs, by name. */
  readonly inputShapes?: ReadonlyMap<string, readonly number[]>;
  /** Inputs whose value may be built into the module where an operator needs it to be static. */
  readonly inputValues?: ReadonlyMap<string, Tensor>;
  /** Numbers for symbolic dimensions, by name. */
  readonly dimensions?: ReadonlyMap<string, number>;
  readonly limits?: Partial<Limits>;
}

export interface ImportResult {
  /** Null where anything is an error. */
  readonly module: Module | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly unsupported: readonly UnsupportedOperator[];
  readonly inputs: readonly ImportedInput[];
  /** How often each operator of the model occurs, by name (with its domain unless ONNX's own). */
  readonly operators: ReadonlyMap<string, number>;
  /** Opset version of the ONNX operators; 0 where the model is unreadable. */
  readonly opset: number;
  /** Name and version of the exporter, "" where unknown. */
  readonly producer: string;
}

/** Imports a model. Never throws for what the bytes hold: everything is in the result. */
export function importOnnx(bytes: Uint8Array, options: ImportOptions): ImportResult {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const state = { opset: 0, producer: "", inputs: new Array<ImportedInput>() };
  const refusals = new Refusals();
  let module: Module | null = null;
  try {
    const model = readModel(bytes, { file: options.file, limits, report });
    state.opset = model.opsets.get("") ?? 0;
    state.producer = model.producer;
    const resolved = resolveInputs(
      model.graph,
      {
        file: options.file,
        batch: options.batch === undefined ? 1 : options.batch,
        inputShapes: options.inputShapes ?? new Map(),
        inputValues: options.inputValues ?? new Map(),
        dimensions: options.dimensions ?? new Map(),
        valueBytes: limits.valueBytes,
        rank: limits.rank,
      },
      report,
    );
    state.inputs.push(...resolved.inputs);
    module = importModel(
      model,
      resolved,
      { ...options, limits, bytes: bytes.length },
      refusals,
      report,
    );
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const diagnostic of error.diagnostics) report(diagnostic);
  }
  for (const diagnostic of refusals.diagnostics()) report(diagnostic);
  const failed = diagnostics.some(({ severity }) => severity === "error");
  return {
    module: failed ? null : module,
    diagnostics,
    unsupported: refusals.unsupported(),
    operators: refusals.operators,
    ...state,
  };
}

function importModel(
  model: OnnxModel,
  { inputs, removedBatch }: ResolvedInputs,
  options: ImportOptions & { limits: Limits; bytes: number },
  refusals: Refusals,
  report: (diagnostic: Diagnostic) => void,
): Module | null {
  const { file, limits } = options;
  const builder = new Builder();
  const folder = new Folder(builder, foldingBudget(limits, options.bytes));
  const scope = new Scope(null);
  for (const { name, type, format } of inputs) {
    const value = builder.input(name, type, sourceLoc(file, name, "Input"));
    folder.noteInput(value, name, options.inputValues?.get(name) ?? null);
    scope.set(name, { kind: "value", value, ...(format === null ? {} : { format }) });
  }
  const specialised = new Set<string>();
  const { valueBytes, rank } = limits;
  const source = { files: options.files ?? null, valueBytes, rank, report };
  const importer = new GraphImporter({
    model,
    refusals,
    services: {
      builder,
      folder,
      limits,
      report,
      removedBatch,
      noteSpecialised: (names, operator, loc) => {
        for (const input of names) {
          if (specialised.has(input)) continue;
          specialised.add(input);
          report(diagnose("input-specialised", loc, { input, operator }));
        }
      },
      decode: (proto, name, loc) => decodeTensor(proto, name, { ...source, loc }),
      decodeSparse: (proto, name, loc) => {
        const count = elementCount((proto.dims ?? []).map(integer));
        folder.spend(count, count, loc);
        return decodeSparse(proto, name, { ...source, loc });
      },
    },
  });
  const given = new Set(inputs.map(({ name }) => name));
  const values = importer.importGraph(model.graph, scope, given);
  if (values === "poisoned") return null;
  const outputs = model.graph.outputs.map((info, i): Output => {
    return { name: info.name ?? "", value: known(values[i], "an output's value") };
  });
  if (removedBatch !== null) checkRebatched(model, outputs, removedBatch, builder, report);
  return prune(builder.finish({ name: moduleName(file), outputs }));
}

/** The file's name without extension, in the letters that IR text allows. */
function moduleName(file: string): string {
  const stem = file.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
  return stem.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^(?=\d)/, "m") || "model";
}

/** Every output that began with the batch must begin with 1 now, and else be as declared. */
function checkRebatched(
  model: OnnxModel,
  outputs: readonly { name: string; value: ValueId }[],
  batch: number,
  builder: Builder,
  report: (diagnostic: Diagnostic) => void,
): void {
  model.graph.outputs.forEach((info, i) => {
    const output = outputs[i];
    const declared = declaredShape(info);
    if (output === undefined || declared === null) return;
    const due = declared.map((extent, axis) => (axis === 0 && extent === batch ? 1 : extent));
    const { shape } = builder.typeOf(output.value);
    const fits =
      due.length === shape.length &&
      due.every((extent, axis) => typeof extent !== "number" || extent === shape[axis]);
    if (fits) return;
    const expected = `[${due.map((extent) => extent ?? "?").join(", ")}]`;
    const params = { output: output.name, expected, found: `[${shape.join(", ")}]` };
    report(diagnose("rebatch-failed", sourceLoc(model.file, output.name, "Output"), params));
  });
}

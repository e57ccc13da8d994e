/**
 * Types of the graph's inputs. Every shape must be complete: a symbolic batch is 1, other symbols
 * need a number from the user. A fixed batch is taken out where the outputs carry it too.
 */
import { type Diagnostic, fail } from "../../ir/diagnostic.ts";
import { type Loc, sourceLoc } from "../../ir/loc.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { type Shape, type Type, elementCount, real, sameShape } from "../../ir/type.ts";
import { diagnose } from "./diagnostics.ts";
import type { OnnxGraph } from "./graph.ts";
import { type DataType, type ValueInfoProto, dataTypeOf, integer } from "./proto.ts";
import { dtypeOf, narrowFormat } from "./tensors.ts";

/** A declared extent: a number, the name of an unknown one, or null for one without a name. */
export type Dimension = number | string | null;

export interface ImportedInput {
  readonly name: string;
  readonly type: Type;
  /** The element type in the file, where the IR holds it as a wider one; else null. */
  readonly format: DataType | null;
  /** As the model declares it; null where it declares no shape. */
  readonly declared: readonly Dimension[] | null;
}

export interface InputOptions {
  readonly file: string;
  readonly batch: number | null;
  readonly inputShapes: ReadonlyMap<string, readonly number[]>;
  readonly inputValues: ReadonlyMap<string, Tensor>;
  readonly dimensions: ReadonlyMap<string, number>;
  /** Bytes of one value, and its axes, at most. */
  readonly valueBytes: number;
  readonly rank: number;
}

export interface ResolvedInputs {
  readonly inputs: readonly ImportedInput[];
  /** The batch that was fixed in the model and is 1 now; null where nothing was changed. */
  readonly removedBatch: number | null;
}

/** The declared shape of an input or output. */
export function declaredShape(info: ValueInfoProto): readonly Dimension[] | null {
  const shape = info.type?.tensorType?.shape;
  if (shape === null || shape === undefined) return null;
  return (shape.dim ?? []).map((dim) => {
    if (dim.dimParam !== null && dim.dimParam !== undefined && dim.dimParam !== "") {
      return dim.dimParam;
    }
    if (!Object.hasOwn(dim, "dimValue")) return null;
    const extent = integer(dim.dimValue);
    // Some exporters write -1 or 0 for an unknown extent.
    return extent > 0 ? extent : null;
  });
}

/** Types of all inputs that are no initializers; errors are collected, then ended with. */
export function resolveInputs(
  graph: OnnxGraph,
  options: InputOptions,
  report: (diagnostic: Diagnostic) => void,
): ResolvedInputs {
  const initialised = new Set(graph.initializers.map(({ name }) => name));
  const isGiven = (name: string): boolean =>
    options.inputValues.has(name) || options.inputShapes.has(name);
  const wanted = graph.inputs.filter((info) => {
    const name = info.name ?? "";
    return !initialised.has(name) || isGiven(name);
  });
  const errors: Diagnostic[] = [];
  const names = graph.inputs.map((info) => info.name ?? "");
  for (const name of [...options.inputShapes.keys(), ...options.inputValues.keys()]) {
    if (names.includes(name)) continue;
    const inputs = names.map((n) => `"${n}"`).join(", ") || "none";
    errors.push(diagnose("unknown-input", null, { input: name, inputs }));
  }

  const fixed = fixedBatch(graph, wanted, options);
  const inputs: ImportedInput[] = [];
  for (const info of wanted) {
    const name = info.name ?? "";
    const loc = sourceLoc(options.file, name, "Input");
    try {
      inputs.push(resolveInput(info, name, fixed, loc, options, errors));
    } catch (error) {
      if (!isDiagnosticError(error)) throw error;
      errors.push(...error.diagnostics);
    }
  }
  if (errors.length > 0) fail(...errors);
  if (fixed !== null) {
    for (const input of inputs) {
      if (input.declared?.[0] !== fixed || input.type.shape[0] !== 1) continue;
      const loc = sourceLoc(options.file, input.name, "Input");
      report(diagnose("rebatched", loc, { input: input.name, from: fixed }));
    }
  }
  return { inputs, removedBatch: fixed };
}

function isDiagnosticError(error: unknown): error is { diagnostics: readonly Diagnostic[] } {
  return error instanceof Error && "diagnostics" in error;
}

/** Operators whose inputs begin with time. */
const overTime: readonly string[] = ["RNN", "GRU", "LSTM", "Scan"];

/**
 * The batch N > 1 that the model fixes, or null. It is one only where an input of two axes or
 * more begins with N and every output that declares its first extent does so too: a vector of
 * features, an image without batch axis, or a sequence, must not be mistaken for a batch.
 */
function fixedBatch(
  graph: OnnxGraph,
  wanted: readonly ValueInfoProto[],
  options: InputOptions,
): number | null {
  if (options.batch !== 1 || graph.nodes.some(({ opType }) => overTime.includes(opType)))
    return null;
  let batch: number | null = null;
  for (const info of wanted) {
    const shape = declaredShape(info);
    const first = shape?.[0];
    if (shape === null || shape.length < 2 || typeof first !== "number" || first === 1) continue;
    const given = options.inputShapes.get(info.name ?? "");
    if (given !== undefined && given[0] !== 1) continue;
    if (batch !== null && batch !== first) return null;
    batch = first;
  }
  for (const info of graph.outputs) {
    const first = declaredShape(info)?.[0];
    if (typeof first === "number" && first !== batch) return null;
  }
  return batch;
}

function resolveInput(
  info: ValueInfoProto,
  name: string,
  fixed: number | null,
  loc: Loc,
  options: InputOptions,
  errors: Diagnostic[],
): ImportedInput {
  const tensorType = info.type?.tensorType;
  if (tensorType === null || tensorType === undefined) {
    const type = info.type;
    const what =
      (type?.sequenceType && "a sequence") ||
      (type?.mapType && "a map") ||
      (type?.optionalType && "an optional value") ||
      (type?.sparseTensorType && "a sparse tensor") ||
      "of unknown type";
    fail(diagnose("unsupported-input", loc, { input: name, what }));
  }
  const element = dataTypeOf(tensorType.elemType);
  const dtype = element === null ? null : dtypeOf(element);
  if (dtype === null) {
    const what = `a tensor of ${element ?? `element type ${tensorType.elemType ?? 0}`}`;
    fail(diagnose("unsupported-input", loc, { input: name, what }));
  }
  const format = narrowFormat(tensorType.elemType);
  const declared = declaredShape(info);
  const value = options.inputValues.get(name);
  const given = options.inputShapes.get(name) ?? value?.shape;
  const axes = given?.length ?? declared?.length ?? 0;
  if (axes > options.rank) {
    fail(diagnose("unsupported-input", loc, { input: name, what: `of ${axes} axes` }));
  }
  if (given !== undefined) {
    checkGiven(name, given, declared, fixed, loc);
    if (value !== undefined && !sameShape(value.shape, given)) {
      checkGiven(name, value.shape, given, null, loc);
    }
    checkSize(name, given, loc, options);
    return { name, type: real(value?.dtype ?? dtype, given), format, declared };
  }
  if (declared === null) fail(diagnose("unknown-rank", loc, { input: name }));
  const shape = declared.map((extent, axis): number => {
    if (axis === 0 && fixed !== null && extent === fixed && declared.length > 1) return 1;
    if (typeof extent === "number") return extent;
    const known = extent === null ? undefined : options.dimensions.get(extent);
    if (known !== undefined) return known;
    if (axis === 0 && options.batch !== null) return options.batch;
    const dimension = extent === null ? "not given" : `"${extent}"`;
    const example = declared.map((e, i) => (i === axis ? "N" : (e ?? "N"))).join(",");
    const option =
      extent === null
        ? `give the whole shape: --input-shape ${name}=${example}`
        : `give it a number: --dim ${extent}=N`;
    errors.push(diagnose("unknown-dimension", loc, { input: name, axis, dimension, option }));
    return 1;
  });
  checkSize(name, shape, loc, options);
  return { name, type: real(dtype, shape), format, declared };
}

function checkSize(name: string, shape: Shape, loc: Loc, options: InputOptions): void {
  const bytes = 4 * elementCount(shape);
  const limit = options.valueBytes;
  if (bytes <= limit) return;
  const what = `input "${name}" of shape [${shape.join(", ")}]`;
  fail(diagnose("value-too-large", loc, { what, bytes, limit }));
}

function checkGiven(
  name: string,
  given: Shape,
  declared: readonly Dimension[] | null,
  fixed: number | null,
  loc: Loc,
): void {
  const wrongExtent = given.some((extent) => !Number.isInteger(extent) || extent < 0);
  const fits =
    declared === null ||
    (given.length === declared.length &&
      declared.every((extent, axis) => {
        if (axis === 0 && extent === fixed && given[0] === 1) return true;
        return typeof extent !== "number" || extent === given[axis];
      }));
  if (fits && !wrongExtent) return;
  const listed = (declared ?? []).map((extent) => extent ?? "?").join(", ");
  const params = { input: name, given: `[${given.join(", ")}]`, declared: `[${listed}]` };
  fail(diagnose("given-shape", loc, params));
}

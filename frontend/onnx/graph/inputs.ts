/**
 * Types of the graph's inputs. Every shape must be complete: the batch is 1 (batch.ts says where it
 * is), other symbols need a number from the user.
 */
import { type Diagnostic, DiagnosticError, fail, failAll } from "../../../ir/diagnostic.ts";
import { type Loc, sourceLoc } from "../../../ir/loc.ts";
import { type Tensor, allocate, roundTo } from "../../../ir/tensor.ts";
import { type Shape, elementCount, isFloat, real, sameShape } from "../../../ir/type.ts";
import { type BatchPlan, type DeclaredInput, noBatch } from "../batch/batch.ts";
import { limited } from "../../diagnostics.ts";
import type { Dimension, ImportedInput, InputValue } from "../../importer.ts";
import { diagnose } from "../diagnostics.ts";
import type { OnnxGraph } from "./graph.ts";
import { type DataType, type ValueInfoProto, dataTypeOf, integer } from "../file/proto.ts";
import { dtypeOf, narrowFormat } from "../file/tensors.ts";

/** `format` is one of ONNX's own. */
export interface OnnxInput extends ImportedInput {
  readonly format: DataType | null;
}

export interface InputOptions {
  readonly file: string;
  /** Extent of batch axes; null where they stay as the model has them. */
  readonly batch: number | null;
  readonly inputShapes: ReadonlyMap<string, readonly number[]>;
  readonly inputValues: ReadonlyMap<string, Tensor>;
  readonly inputConstants: ReadonlyMap<string, InputValue>;
  readonly dimensions: ReadonlyMap<string, number>;
  /** Bytes of one value, and its axes, at most. */
  readonly valueBytes: number;
  readonly rank: number;
}

/** What exporters write for an extent that has no name: two of them need not be the same. */
const nameless: ReadonlySet<string> = new Set(["?", "-1", "None"]);

/** The declared shape of an input or output. */
export function declaredShape(info: ValueInfoProto): readonly Dimension[] | null {
  const shape = info.type?.tensorType?.shape;
  if (shape === null || shape === undefined) return null;
  return (shape.dim ?? []).map((dim) => {
    const symbol = dim.dimParam?.trim() ?? "";
    if (symbol !== "") return nameless.has(symbol) ? null : symbol;
    if (!Object.hasOwn(dim, "dimValue")) return null;
    const extent = integer(dim.dimValue);
    // Some exporters write -1 or 0 for an unknown extent.
    return extent > 0 ? extent : null;
  });
}

/** Inputs that are no initializers, or that were given in the place of one. */
export function wantedInputs(graph: OnnxGraph, options: InputOptions): readonly ValueInfoProto[] {
  const initialised = new Set(graph.initializers.map(({ name }) => name));
  const { inputShapes, inputValues, inputConstants } = options;
  return graph.inputs.filter((info) => {
    const name = info.name ?? "";
    const given = inputValues.has(name) || inputShapes.has(name) || inputConstants.has(name);
    return !initialised.has(name) || given;
  });
}

/** Fails where something was given for an input that the model does not have. */
export function checkNames(graph: OnnxGraph, options: InputOptions): void {
  const names = new Set(graph.inputs.map((info) => info.name ?? ""));
  const { inputShapes, inputValues, inputConstants } = options;
  const given = [...inputShapes.keys(), ...inputValues.keys(), ...inputConstants.keys()];
  const errors = given.flatMap((name) => {
    if (names.has(name)) return [];
    const inputs = [...names].map((n) => `"${n}"`).join(", ") || "none";
    return [diagnose("unknown-input", null, { input: name, inputs })];
  });
  if (errors.length > 0) failAll(errors);
}

/** What the decision about the batch needs to know of inputs. */
export function declaredInputs(
  wanted: readonly ValueInfoProto[],
  options: InputOptions,
): readonly DeclaredInput[] {
  return wanted.map((info) => {
    const name = info.name ?? "";
    const given = options.inputShapes.get(name) ?? options.inputValues.get(name)?.shape ?? null;
    return { name, declared: declaredShape(info), given };
  });
}

/** Types of inputs by a plan of the batch, and what stands in the way of some. */
export function resolveInputs(
  wanted: readonly ValueInfoProto[],
  plan: BatchPlan,
  options: InputOptions,
): { readonly inputs: readonly OnnxInput[]; readonly errors: readonly Diagnostic[] } {
  const errors: Diagnostic[] = [];
  const inputs: OnnxInput[] = [];
  for (const info of wanted) {
    const name = info.name ?? "";
    const loc = sourceLoc(options.file, name, "Input");
    try {
      inputs.push(resolveInput(info, name, plan, loc, options, errors));
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      for (const diagnostic of error.diagnostics) errors.push(diagnostic);
    }
  }
  return { inputs, errors: limited(errors) };
}

/** The constant that stands in an input's place. */
export function constantOf(input: OnnxInput, given: InputValue, loc: Loc): Tensor {
  const { dtype, shape } = input.type;
  const wrong = (why: string): never => {
    return fail(diagnose("input-value", loc, { input: input.name, why }));
  };
  const numbers = "data" in given ? given.data : given;
  const count = elementCount(shape);
  if (numbers.length !== 1 && numbers.length !== count) {
    wrong(`it has ${numbers.length} elements, the input [${shape.join(", ")}] has ${count}`);
  }
  const squeezed = (s: Shape): Shape => s.filter((extent) => extent !== 1);
  if (
    "data" in given &&
    numbers.length !== 1 &&
    !sameShape(squeezed(given.shape), squeezed(shape))
  ) {
    wrong(`its shape is [${given.shape.join(", ")}], that of the input [${shape.join(", ")}]`);
  }
  const data = allocate(dtype, count);
  for (let i = 0; i < count; i++) {
    const number = numbers[numbers.length === 1 ? 0 : i] ?? 0;
    const rounded = roundTo(dtype, number);
    if (!isFloat(dtype) && rounded !== number) wrong(`${number} is no ${dtype}`);
    data[i] = rounded;
  }
  return { dtype, shape, data };
}

function resolveInput(
  info: ValueInfoProto,
  name: string,
  plan: BatchPlan,
  loc: Loc,
  options: InputOptions,
  errors: Diagnostic[],
): OnnxInput {
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
    checkGiven(name, given, declared, plan, loc);
    if (value !== undefined && !sameShape(value.shape, given)) {
      checkGiven(name, value.shape, given, noBatch, loc);
    }
    checkSize(name, given, loc, options);
    return { name, type: real(value?.dtype ?? dtype, given), format, declared };
  }
  if (declared === null) fail(diagnose("unknown-rank", loc, { input: name }));
  const batchAxis = options.batch === null ? undefined : plan.axes.get(name);
  const batch = options.batch ?? 1;
  const shape = declared.map((extent, axis): number => {
    if (typeof extent === "number") {
      return axis === batchAxis && extent === plan.from ? batch : extent;
    }
    const known = extent === null ? undefined : options.dimensions.get(extent);
    if (known !== undefined) return known;
    if (axis === batchAxis) return batch;
    if (options.batch !== null && extent !== null && plan.symbols.has(extent)) return batch;
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
  plan: BatchPlan,
  loc: Loc,
): void {
  const wrongExtent = given.some((extent) => !Number.isInteger(extent) || extent < 0);
  const fits =
    declared === null ||
    (given.length === declared.length &&
      declared.every((extent, axis) => {
        if (axis === plan.axes.get(name) && extent === plan.from && given[axis] === 1) return true;
        return typeof extent !== "number" || extent === given[axis];
      }));
  if (fits && !wrongExtent) return;
  const listed = (declared ?? []).map((extent) => extent ?? "?").join(", ");
  const params = { input: name, given: `[${given.join(", ")}]`, declared: `[${listed}]` };
  fail(diagnose("given-shape", loc, params));
}

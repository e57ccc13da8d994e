/**
 * From a data set to the inputs of a model: which array feeds which input, preprocessing, shape and
 * element type. Every sample is checked on its way, because one NaN spoils all statistics.
 */
import { type Diagnostic, fail, invariant } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount, isFloat } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import {
  type Binding,
  type ModelInput,
  type Pairing,
  type SourceOptions,
  asInput,
  fitOf,
} from "./binding.ts";
import { Budget } from "./budget.ts";
import { type Dataset, type Field, wholeOf } from "./dataset.ts";
import { bindOverTime } from "./over-time.ts";
import { type Preprocess, preprocessSample, preprocessedShape } from "./preprocess.ts";

export type { ModelInput, SourceOptions } from "./binding.ts";

/** Samples in a model's terms, and what there is to say about how they were fitted to it. */
export interface DataSource extends SampleSource {
  readonly diagnostics: readonly Diagnostic[];
  /** Frames of the longest sample, where an input changes over time; null elsewhere. Looks at every sample, once. */
  readonly longest: () => number | null;
  /** Frames of one sample, the most of all inputs over time; null where there are none. */
  readonly framesOf: (index: number) => number | null;
}

/** The inputs of a module, as `sampleSource` wants them. */
export function modelInputs(module: Module): readonly ModelInput[] {
  return inputsOf(module).map((op) => ({
    name: op.attrs.name,
    type: op.type,
    ...(isOp(op, "snn.input") ? { overTime: true } : {}),
  }));
}

/**
 * Fits a data set to a model. A model of one input takes the array of the input's name, else "x",
 * else the only one; of several inputs each takes the array of its name. A sample fits an input
 * whose shape is the sample's, with or without extents of 1; another shape of as many elements is
 * reshaped, with a diagnostic; an array that is exactly an input's shape is one sample.
 * Preprocessing concerns the only input, or of several those whose data are uint8.
 */
export function sampleSource(
  dataset: Dataset,
  inputs: readonly ModelInput[],
  preprocess: Preprocess | null,
  options: SourceOptions = {},
): DataSource {
  const diagnostics: Diagnostic[] = [...dataset.diagnostics];
  const bindings = inputs.map((input) => {
    const field = fieldFor(dataset, input, inputs);
    const steps = inputs.length === 1 || field.dtype === "u8" ? preprocess : null;
    const pairing = { dataset, field, input, steps, options };
    return input.overTime === true
      ? bindOverTime(pairing, diagnostics)
      : bind(pairing, diagnostics);
  });
  const count = countOf(dataset, bindings);
  let longest: number | null | undefined;
  return {
    count,
    diagnostics,
    get(index) {
      invariant(index >= 0 && index < count, `sample ${index} of ${count}`);
      return bindings.map((binding) => binding.get(index));
    },
    longest() {
      if (longest === undefined) longest = longestOf(bindings, count);
      return longest;
    },
    framesOf: (index) => framesAt(bindings, index),
  };
}

function fieldFor(dataset: Dataset, input: ModelInput, inputs: readonly ModelInput[]): Field {
  const { fields, name: file } = dataset;
  const find = (name: string): Field | undefined => fields.find((field) => field.name === name);
  const named = find(input.name);
  if (named !== undefined) return named;
  const found = fields.map((field) => field.name);
  if (inputs.length > 1) {
    const missing = inputs.map(({ name }) => name).filter((name) => find(name) === undefined);
    return fail(diagnose("input-missing", null, { file, missing, found }));
  }
  const field = find("x") ?? (fields.length === 1 ? fields[0] : undefined);
  return field ?? fail(diagnose("data-arrays", null, { file, found }));
}

function bind(pairing: Pairing, diagnostics: Diagnostic[]): Binding {
  const { dataset, field, input, steps } = pairing;
  const file = dataset.name;
  const wanted = input.type.shape;
  const prepared = (raw: Tensor): Tensor =>
    steps === null ? raw : preprocessSample(raw, steps, file);
  if (field.count === 0) fail(diagnose("data-empty", null, { file }));
  if (field.recording !== null) {
    const kind = field.recording;
    fail(diagnose("recording-input", null, { file, kind, input: input.name }));
  }
  const sample = preparedShape(pairing);
  const fit = fitOf(sample, field.storedShape, wanted);
  const names = { file, sample, input: input.name, wanted };
  switch (fit) {
    case "other":
      return fail(diagnose("input-shape", null, { ...names, stored: field.storedShape }));
    case "transposed":
      return fail(diagnose("input-layout", null, names));
    case "reshaped":
      diagnostics.push(diagnose("input-reshaped", null, names));
      break;
    case "whole":
      diagnostics.push(
        diagnose("input-whole", null, { file, stored: field.storedShape, input: input.name }),
      );
      break;
    case "same":
      break;
  }
  remarkOnScale(pairing, diagnostics);
  if (fit === "whole") {
    const whole = asInput(prepared(wholeOf(field)), pairing, 0);
    return { name: field.name, count: null, get: () => whole, framesOf: null };
  }
  return {
    name: field.name,
    count: field.count,
    get: (index) => asInput(prepared(field.sample(index)), pairing, index),
    framesOf: null,
  };
}

/** Bytes that preprocessing takes for an element that it makes, its steps in between included. */
const bytesPerElement = 16;
/** Elements that are made without a second thought. */
const few = 2 ** 22;

/**
 * The shape of a prepared sample. What preprocessing says of the first one (its colours, its channels)
 * comes before any word on shapes; but one that would be huge is not made, if only to be refused.
 */
function preparedShape({ dataset, field, input, steps, options }: Pairing): Shape {
  if (steps === null) return field.sampleShape;
  const shape = preprocessedShape(field.sampleShape, steps);
  const size = elementCount(shape);
  const file = dataset.name;
  if (size <= few) return preprocessSample(field.sample(0), steps, file).shape;
  const wanted = input.type.shape;
  const fit = fitOf(shape, field.storedShape, wanted);
  // The answer would be the same, after a while.
  if (fit === "other") return shape;
  new Budget(options.maxDataBytes).check(size * bytesPerElement, file);
  return preprocessSample(field.sample(0), steps, file).shape;
}

/** How many samples of the first array speak for the scale of all. */
const scaleSamples = 16;
/** Data that were scaled to about one and then scaled by less than this were scaled twice. */
const suspiciousScale = 1 / 64;

function remarkOnScale(pairing: Pairing, diagnostics: Diagnostic[]): void {
  const { dataset, field, input, steps } = pairing;
  const file = dataset.name;
  if (steps === null) {
    if (field.dtype === "u8" && isFloat(input.type.dtype)) {
      diagnostics.push(diagnose("raw-pixels", null, { file }));
    }
    return;
  }
  if (!isFloat(field.dtype) || steps.scale > suspiciousScale) return;
  let largest = 0;
  for (let i = 0; i < Math.min(scaleSamples, field.count); i++) {
    for (const value of field.sample(i).data) largest = Math.max(largest, Math.abs(value));
  }
  if (largest > 0 && largest <= 8) {
    diagnostics.push(diagnose("scaled-twice", null, { file, scale: steps.scale, largest }));
  }
}

/** The number of samples, which all arrays must have that are not an input whole. */
function countOf(dataset: Dataset, bindings: readonly Binding[]): number {
  const counted = bindings.filter(({ count }) => count !== null);
  const [first] = counted;
  if (first === undefined) return 1;
  for (const binding of counted) {
    if (binding.count !== first.count) {
      const a = { first: first.name, a: first.count ?? 0 };
      const b = { second: binding.name, b: binding.count ?? 0 };
      fail(diagnose("input-counts", null, { file: dataset.name, ...a, ...b }));
    }
  }
  return first.count ?? 1;
}

function longestOf(bindings: readonly Binding[], count: number): number | null {
  let longest: number | null = null;
  for (let index = 0; index < count; index++) {
    const frames = framesAt(bindings, index);
    if (frames === null) return null;
    longest = Math.max(longest ?? 0, frames);
  }
  return longest;
}

function framesAt(bindings: readonly Binding[], index: number): number | null {
  let most: number | null = null;
  for (const { framesOf } of bindings) {
    if (framesOf !== null) most = Math.max(most ?? 0, framesOf(index));
  }
  return most;
}

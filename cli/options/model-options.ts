/**
 * How a model is read: what is asked of it, where its batch is, values and shapes of its inputs. The
 * options of every command that takes a model, their readers, and how a `.snn` records them.
 */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { Budget } from "../../calibrate/data/budget.ts";
import { parseNpy } from "../../calibrate/data/formats/npy.ts";
import type { BatchAxis, ImportOptions, Limits } from "../../frontend/import.ts";
import { fail } from "../../ir/diagnostic.ts";
import { type Json, membersOf } from "../../ir/file/json.ts";
import type { Provenance } from "../../ir/file/package.ts";
import { diagnose } from "../diagnostics.ts";
import { readInput } from "../files/files.ts";

/** As the command line says it. */
export interface ModelOptions {
  readonly inputShape?: ReadonlyMap<string, number[]> | undefined;
  readonly dim?: ReadonlyMap<string, number> | undefined;
  readonly modelOutputs?: readonly string[] | undefined;
  readonly batchAxis?: BatchAxis | undefined;
  readonly inputValue?: ReadonlyMap<string, string> | undefined;
  readonly maxValueBytes?: number | undefined;
}

/** What of the importer's options the command line sets. */
export type ModelReading = Pick<
  ImportOptions,
  "inputShapes" | "dimensions" | "outputs" | "batchAxis" | "inputConstants"
>;

/** The importer's limits where the command line sets them: one for each value, for all, and for folding. */
export function limitsOf({ maxValueBytes: bytes }: ModelOptions): Partial<Limits> {
  return bytes === undefined ? {} : { valueBytes: bytes, totalBytes: bytes, foldedBytes: bytes };
}

/** `NAME,NAME`, gathered over repeats. */
export function outputsArgument(
  text: string,
  before: readonly string[] | undefined,
): readonly string[] {
  const names = text.split(",").filter((name) => name !== "");
  // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
  if (names.length === 0) throw new InvalidArgumentError("It must name an output.");
  return [...(before ?? []), ...names];
}

/** `N`, `none`, or `NAME=N` and `NAME=none`, which are gathered over repeats. */
export function axisArgument(text: string, before: BatchAxis | undefined): BatchAxis {
  const at = text.lastIndexOf("=");
  const axisText = text.slice(at + 1);
  const axis = axisText === "none" ? null : Number(axisText);
  const isAxis = axis === null || (/^\d+$/.test(axisText) && axis < 64);
  const isMap = typeof before === "object" && before !== null;
  if (!isAxis || at === 0 || (before !== undefined && (at < 0 || !isMap))) {
    // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
    throw new InvalidArgumentError("It must be an axis, none, or NAME=AXIS for each input.");
  }
  if (at < 0) return axis;
  return new Map([...(isMap ? before : []), [text.slice(0, at), axis]]);
}

/** `NAME=VALUE`, gathered over repeats. The value is read when the model is. */
export function valueArgument(
  text: string,
  before: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> {
  const at = text.indexOf("=");
  const value = text.slice(at + 1);
  if (at <= 0 || value === "") {
    // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
    throw new InvalidArgumentError("It must look like NAME=16000, NAME=1,0,1 or NAME=file.npy.");
  }
  return new Map([...(before ?? []), [text.slice(0, at), value]]);
}

/** Values beyond this are data, not a choice: they would not fit into a network's record. */
const mostValues = 65_536;

/** The importer's options; files of values are read here. */
export async function readingOf(options: ModelOptions): Promise<ModelReading> {
  const constants = new Map<string, readonly number[]>();
  for (const [name, text] of options.inputValue ?? []) {
    constants.set(name, await valuesOf(name, text));
  }
  return {
    ...(options.inputShape === undefined ? {} : { inputShapes: options.inputShape }),
    ...(options.dim === undefined ? {} : { dimensions: options.dim }),
    ...(options.modelOutputs === undefined ? {} : { outputs: options.modelOutputs }),
    ...(options.batchAxis === undefined ? {} : { batchAxis: options.batchAxis }),
    ...(constants.size === 0 ? {} : { inputConstants: constants }),
  };
}

async function valuesOf(name: string, text: string): Promise<readonly number[]> {
  const wrong = (wanted: string): never => {
    return fail(diagnose("bad-option", null, { option: "--input-value", given: text, wanted }));
  };
  const values = text.endsWith(".npy")
    ? [...parseNpy(await readInput(text), text, new Budget(8 * mostValues)).data]
    : text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (values.some((value) => Number.isNaN(value))) {
    wrong(`numbers for input ${name}, or the name of an .npy file`);
  }
  if (values.length > mostValues) wrong(`at most ${mostValues} numbers`);
  return values;
}

/** What a network's record keeps of it; null where the model was read without options. */
export function recordOfReading(reading: ModelReading): Json {
  const { inputShapes, dimensions, outputs, batchAxis, inputConstants } = reading;
  const record: Record<string, Json> = {};
  if (inputShapes !== undefined) {
    record["inputShapes"] = Object.fromEntries([...inputShapes].map(([k, v]) => [k, [...v]]));
  }
  if (dimensions !== undefined) record["dimensions"] = Object.fromEntries(dimensions);
  if (outputs !== undefined) record["outputs"] = [...outputs];
  if (batchAxis !== undefined) {
    record["batchAxis"] =
      batchAxis === null || typeof batchAxis === "number"
        ? (batchAxis ?? "none")
        : Object.fromEntries(batchAxis);
  }
  if (inputConstants !== undefined) {
    record["inputValues"] = Object.fromEntries(
      [...inputConstants].map(([name, value]) => [
        name,
        [...("data" in value ? value.data : value)],
      ]),
    );
  }
  return Object.keys(record).length === 0 ? null : record;
}

/** The reading that a network's file records; null where it records none. */
export function recordedReading(provenance: Provenance | null): ModelReading | null {
  const record = membersOf(provenance?.["reading"] ?? null);
  if (record === null) return null;
  const lists = (name: string): Map<string, number[]> =>
    new Map([...(membersOf(record.get(name) ?? null) ?? [])].map(([k, v]) => [k, numbersIn(v)]));
  const numbers = (value: Json | undefined): Map<string, number | null> =>
    new Map(
      [...(membersOf(value ?? null) ?? [])].map(([k, v]) => [k, typeof v === "number" ? v : null]),
    );
  const outputs = record.get("outputs");
  const axis = record.get("batchAxis");
  const dimensions = [...numbers(record.get("dimensions"))].map(([k, v]) => [k, v ?? 1] as const);
  return {
    ...(record.has("inputShapes") ? { inputShapes: lists("inputShapes") } : {}),
    ...(dimensions.length === 0 ? {} : { dimensions: new Map(dimensions) }),
    ...(Array.isArray(outputs) ? { outputs: outputs.map(String) } : {}),
    ...(axis === undefined
      ? {}
      : { batchAxis: axis === "none" ? null : typeof axis === "number" ? axis : numbers(axis) }),
    ...(record.has("inputValues") ? { inputConstants: lists("inputValues") } : {}),
  };
}

function numbersIn(value: Json): number[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "number") : [];
}

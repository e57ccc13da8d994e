/**
 * How a model is read: what is asked of it, where its batch is, values and shapes of its inputs. The
 * options of every command that takes a model, and their readers.
 */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { Budget } from "../../calibrate/data/budget.ts";
import { parseNpy } from "../../calibrate/data/formats/npy.ts";
import type { BatchAxis, Limits } from "../../frontend/import.ts";
import { fail } from "../../ir/diagnostic.ts";
import type { ModelReading } from "../../library/record/reading.ts";
import { diagnose } from "../diagnostics.ts";
import { readInput } from "../files/files.ts";

/** As the command line says it. */
export interface ModelOptions {
  readonly inputShape?: ReadonlyMap<string, number[]> | undefined;
  readonly dim?: ReadonlyMap<string, number> | undefined;
  readonly modelOutputs?: readonly string[] | undefined;
  readonly batchAxis?: BatchAxis | undefined;
  readonly stream?: ReadonlyMap<string, number> | undefined;
  readonly inputValue?: ReadonlyMap<string, string> | undefined;
  readonly maxValueBytes?: number | undefined;
}

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
    ...(options.stream === undefined ? {} : { stream: options.stream }),
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

/** Every option that more than one command takes, once, with its help and its reader. */
import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { taskNames } from "../../calibrate/tasks/task.ts";
import { maxTimesteps } from "../../ir/module.ts";
import { engineNames } from "../../library/job/job.ts";
import type { WeightBits } from "../../passes/integers.ts";
import { axisArgument, outputsArgument, valueArgument } from "./model-options.ts";

/** A whole number within bounds, or a usage error that says so. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
    // Commander's own way to refuse an argument: it adds the option's name and ends with usage.
    // eslint-disable-next-line no-restricted-syntax -- see the line above
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Bits of all weights, or their mean: "4", "mean:3.5"; or a usage error that says so. */
export function weightBitsOf(text: string): WeightBits {
  const mean = /^mean:(.*)$/.exec(text)?.[1];
  if (mean === undefined) return wholeNumber(2, 8)(text);
  const value = Number(mean);
  if (value >= 2 && value <= 8) return { mean: value };
  // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
  throw new InvalidArgumentError("A mean must be a number from 2 to 8: mean:3.5.");
}

/** A number from 0 to 1, or a usage error that says so. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
  throw new InvalidArgumentError("It must be a number from 0 to 1.");
}

/** Points of accuracy, from 0 to 100, or a usage error that says so. */
export function points(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 100) return value;
  // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
  throw new InvalidArgumentError("It must be a number from 0 to 100.");
}

/** A confidence in percent, at least that of a guess, or a usage error that says so. */
export function confidence(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 50 && value < 100) return value;
  // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
  throw new InvalidArgumentError("It must be a number from 50 to less than 100.");
}

/** `NAME=1,3,32,32`, gathered over repeats. */
function shapeArgument(
  text: string,
  before: ReadonlyMap<string, number[]> | undefined,
): ReadonlyMap<string, number[]> {
  const at = text.lastIndexOf("=");
  const extents = text
    .slice(at + 1)
    .split(",")
    .map(Number);
  if (at <= 0 || extents.some((n) => !Number.isInteger(n) || n < 1)) {
    // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
    throw new InvalidArgumentError("It must look like NAME=1,3,32,32.");
  }
  return new Map([...(before ?? []), [text.slice(0, at), extents]]);
}

/** `NAME=16`, gathered over repeats. */
function dimensionArgument(
  text: string,
  before: ReadonlyMap<string, number> | undefined,
): ReadonlyMap<string, number> {
  const shape = shapeArgument(text, undefined);
  return new Map([...(before ?? []), ...[...shape].map(([name, [n = 1]]) => [name, n] as const)]);
}

/** `NAME=AXIS`, gathered over repeats. */
function streamArgument(
  text: string,
  before: ReadonlyMap<string, number> | undefined,
): ReadonlyMap<string, number> {
  const found = /^(.+)=(\d{1,2})$/.exec(text);
  // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
  if (found === null) throw new InvalidArgumentError("It must look like NAME=AXIS.");
  return new Map([...(before ?? []), [found[1] ?? "", Number(found[2])]]);
}

export const options = {
  json: new Option("--json", "print one JSON object on stdout, and nothing else"),
  quiet: new Option("--quiet", "hide progress and remarks, but not errors and warnings"),
  debug: new Option("--debug", "show where in the program an error occurred"),
  seed: new Option("--seed <n>", "seed of all random choices")
    .default(0)
    .argParser(wholeNumber(0, 2 ** 31 - 1)),
  threads: new Option("--threads <n>", "worker threads; results do not depend on it")
    .default(availableParallelism(), "all cores")
    .argParser(wholeNumber(1, 256)),
  engine: new Option("--engine <name>", "the engine that runs the network")
    .choices(engineNames)
    .default("wasm" as const, "wasm"),
  timesteps: new Option("-T, --timesteps <n>", "timesteps to run").argParser(
    wholeNumber(1, maxTimesteps),
  ),
  preprocess: new Option(
    "--preprocess <file>",
    "JSON file that describes how raw data becomes network input (FILE#NAME: one model of several)",
  ),
  labels: new Option("--labels <file>", "labels, if the data file has none"),
  x: new Option("--x <name>", "name of the array with the samples, in an archive"),
  y: new Option("--y <name>", "name of the array with the labels, in an archive"),
  classes: new Option(
    "--classes <file>",
    "class names, for class folders: one per line, or JSON (a list, or name to number)",
  ),
  labelMap: new Option(
    "--label-map <map>",
    "maps stored labels or class folders to classes: 10=0,… or a file of such pairs",
  ),
  maxValueBytes: new Option(
    "--max-value-bytes <n>",
    "limit in bytes for all values of a model together (default: 8589934592; single value: 536870912)",
  ).argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  maxDataBytes: new Option(
    "--max-data-bytes <n>",
    "limit in bytes for reading a data set, in addition to its files (default: 2147483648)",
  ).argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  task: new Option(
    "--task <name>",
    "task of the first output (default: found from the output and the labels)",
  ).choices(taskNames),
  limit: new Option(
    "--limit <n>",
    "use only n samples: the first n, or drawn by --seed if the data is sorted by class",
  ).argParser(wholeNumber(1, 2 ** 31 - 1)),
  inputShape: new Option(
    "--input-shape <name=shape>",
    "shape of an input with symbolic axes (repeatable)",
  ).argParser(shapeArgument),
  dimension: new Option("--dim <name=extent>", "extent of a symbolic axis (repeatable)").argParser(
    dimensionArgument,
  ),
  modelOutputs: new Option(
    "--model-outputs <names>",
    "outputs to convert, or values at which to cut the model (NAME,NAME)",
  ).argParser(outputsArgument),
  batchAxis: new Option(
    "--batch-axis <axis>",
    "batch axis of the inputs: a number, none, or NAME=AXIS (repeatable)",
  ).argParser(axisArgument),
  stream: new Option(
    "--stream <name=axis>",
    "give an input one timestep at a time: its axis of time, from 0 (repeatable)",
  ).argParser(streamArgument),
  inputValue: new Option(
    "--input-value <name=value>",
    "turn an input into a constant: a number, a list or an .npy (repeatable)",
  ).argParser(valueArgument),
} as const;

/** An argument parser for whole numbers from 1, separated by commas: each once, ascending. */
export function wholeNumbers(text: string): number[] {
  const one = wholeNumber(1, 1_000_000);
  return [...new Set(text.split(",").map(one))].sort((a, b) => a - b);
}

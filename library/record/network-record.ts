/**
 * What a `.snn` keeps of how it was measured and calibrated, so that whoever measures it later need not say
 * it again: what its first output is for, and which values its inputs had. Files without these are read too.
 */
import { chooseRandom } from "../../calibrate/data/choose.ts";
import { modelInputs } from "../../calibrate/data/source.ts";
import { checkTargets } from "../../calibrate/evaluate.ts";
import { type InputRange, inputRanges, looked, rangeWarnings } from "../../calibrate/ranges.ts";
import { type TaskName, type TaskWish, taskNames } from "../../calibrate/tasks/task.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { type Json, membersOf } from "../../ir/file/json.ts";
import type { Module } from "../../ir/module.ts";
import { printable } from "../../ir/text/printable.ts";
import type { Data } from "../data.ts";
import type { Network } from "../network.ts";

/**
 * What the first output is for: as asked for, or as the labels of `data` say. Null where neither does: what
 * an output's shape or ending says can be read of the network itself.
 */
export function taskSaid(
  module: Module,
  asked: TaskWish | undefined,
  data: Pick<Data, "labels" | "samples"> | null,
): TaskWish | null {
  if (asked !== undefined) return asked;
  const labels = data?.labels ?? null;
  if (data === null || labels === null) return null;
  const { name, reason } = checkTargets(module, labels, data.samples.count);
  return { name, reason };
}

/** As a network's file keeps it, by the name of the output. */
export function recordOfTask(module: Module, task: TaskWish): { readonly [output: string]: Json } {
  const name = typeof task === "string" ? task : task.name;
  return Object.fromEntries(module.outputs.slice(0, 1).map((output) => [output.name, name]));
}

/** The task that a network's file records of its first output. */
export function recordedTask({
  module,
  provenance,
  file,
}: Pick<Network, "module" | "provenance" | "file">): TaskWish | undefined {
  const [output] = module.outputs;
  const recorded = membersOf(provenance?.["tasks"] ?? null)?.get(output?.name ?? "");
  const name = taskNames.find((each: TaskName) => each === recorded);
  return name === undefined ? undefined : { name, reason: `${printable(file)} records it` };
}

/** The values that inputs have in calibration data, whatever their order, by the names of the inputs. */
export function recordOfRanges(module: Module, data: Data): { readonly [input: string]: Json } {
  const inputs = modelInputs(module);
  const { dataset, samples } = data;
  const places = dataset.count > looked ? chooseRandom(dataset, looked, 0) : undefined;
  const ranges = inputRanges(samples, inputs.length, places);
  return Object.fromEntries(
    inputs.flatMap(({ name }, k) => {
      const range = ranges[k] ?? null;
      return range === null ? [] : [[name, { ...range }]];
    }),
  );
}

/** Where inputs are of another scale than those that `network` was calibrated on, as far as its file says. */
export function recordedScaleWarnings(
  { module, provenance, file }: Pick<Network, "module" | "provenance" | "file">,
  samples: SampleSource,
  name: string,
): Diagnostic[] {
  const recorded = membersOf(provenance?.["inputs"] ?? null);
  if (recorded === null) return [];
  const names = modelInputs(module).map((input) => input.name);
  const before = names.map((input) => rangeIn(recorded.get(input) ?? null));
  if (before.every((range) => range === null)) return [];
  return rangeWarnings(
    names,
    { name: `that ${file} was made with`, ranges: before },
    { name, ranges: inputRanges(samples, names.length) },
  );
}

function rangeIn(value: Json): InputRange | null {
  const members = membersOf(value);
  const numberOf = (key: keyof InputRange): number => {
    const found = members?.get(key);
    return typeof found === "number" ? found : NaN;
  };
  const range: InputRange = {
    min: numberOf("min"),
    max: numberOf("max"),
    mean: numberOf("mean"),
    deviation: numberOf("deviation"),
    samples: numberOf("samples"),
    varianceOfMeans: numberOf("varianceOfMeans"),
  };
  return Object.values(range).some(Number.isNaN) ? null : range;
}

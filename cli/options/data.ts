/** From data options to samples that fit a network. */
import path from "node:path";
import type { Part } from "../../calibrate/data/archive/roles.ts";
import type { ClassNames } from "../../calibrate/data/classes.ts";
import { choosePlaces, chooseRandom, isSortedBeyond } from "../../calibrate/data/choose.ts";
import { type Dataset, limit, select } from "../../calibrate/data/dataset.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { checkTargets } from "../../calibrate/evaluate.ts";
import { inputRanges, rangeWarnings } from "../../calibrate/ranges.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";
import { datasetHash } from "../../calibrate/data/order.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import type { SampleSource } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { TaskWish } from "../../calibrate/tasks/task.ts";
import type { Labelled } from "../../library/assess.ts";
import { checkFolders, readClassNames, readLabelMap } from "./classes.ts";
import { type Context, warmUp } from "../action.ts";
import { diagnose } from "../diagnostics.ts";
import type { EngineName } from "./options.ts";
import { type Preparation, openPrepared } from "./preprocessing.ts";

export interface DataOptions extends Preparation {
  readonly labels?: string | undefined;
  readonly limit?: number | undefined;
  /** Of the choice that a limit makes where samples are sorted by class. */
  readonly seed?: number | undefined;
  /** The arrays of an archive that are the samples and the labels, by name. */
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  /** What the data are for: where an archive holds several parts, this one is taken. */
  readonly part?: Part | undefined;
  readonly maxDataBytes?: number | undefined;
  /** What the first output is for; told from it and the labels unless given. */
  readonly task?: TaskWish | undefined;
  /** A file of names of classes, and a label map or its file. */
  readonly classes?: string | undefined;
  readonly labelMap?: string | undefined;
  /** Names of classes that are known otherwise, where no file says them. */
  readonly knownClasses?: ClassNames | null | undefined;
  /** What will run the data. */
  readonly engine?: EngineName | undefined;
  /** Draw so many samples; which ones depends on their content and the seed, not on their order. */
  readonly draw?: { readonly count: number; readonly seed: number } | undefined;
}

/** Data as a command uses it, and as a report names it. */
export interface Data extends Labelled {
  readonly samples: SampleSource;
  readonly dataset: Dataset;
  readonly name: string;
  /** What the model adds to class numbers of the data. */
  readonly labelOffset: number;
  /** Of the samples, whatever their order. */
  readonly sha256: string;
}

/** Opens `file` for `module`; labels are read only where they are wanted. */
export async function loadData(
  file: string,
  module: Module,
  options: DataOptions,
  context: Context,
  withLabels: boolean,
): Promise<Data> {
  warmUp(options.engine);
  const inputs = modelInputs(module);
  const classes =
    options.classes === undefined
      ? (options.knownClasses ?? null)
      : await readClassNames(options.classes);
  if (options.labelMap !== undefined) context.outputs.reads(options.labelMap);
  const labelMap = options.labelMap === undefined ? null : await readLabelMap(options.labelMap);
  const { dataset: whole, preprocess } = await openPrepared(
    file,
    options,
    (how) =>
      openDataset(file, {
        labels: options.labels ?? null,
        withLabels,
        preprocess: how,
        inputs: inputs.map((input) => input.name),
        x: options.x,
        y: options.y,
        part: options.part,
        maxDataBytes: options.maxDataBytes,
        classes,
        labelMap,
      }),
    context,
  );
  const labelOffset = preprocess?.labelOffset ?? 0;
  checkFolders(module, whole, labelOffset);
  const limited = limitedTo(options.limit, whole, options.seed ?? 0, context);
  const { draw } = options;
  const dataset =
    draw === undefined || draw.count >= limited.count
      ? limited
      : select(limited, chooseRandom(limited, draw.count, draw.seed));
  const labels = dataset.labels ?? dataset.targets;
  if (labels !== null) checkTargets(module, labels, dataset.count, options.task);
  const { maxDataBytes } = options;
  const samples = sampleSource(dataset, inputs, preprocess, { maxDataBytes });
  context.report(...samples.diagnostics);
  return {
    samples,
    labels,
    task: options.task,
    dataset,
    name: path.basename(file),
    labelOffset,
    sha256: datasetHash(dataset),
  };
}

/** The first samples; of a set that is sorted by class, as many drawn, because the first are of few. */
function limitedTo(
  count: number | undefined,
  whole: Dataset,
  seed: number,
  context: Context,
): Dataset {
  if (count === undefined || count >= whole.count) return whole;
  if (whole.labels === null || !isSortedBeyond(whole.labels, count)) return limit(whole, count);
  context.report(diagnose("limit-drawn", null, { data: whole.name, count, of: whole.count, seed }));
  return select(whole, choosePlaces(whole.count, count, seed));
}

/** Where inputs of `data` are of another scale than those that a network is calibrated on. */
export function scaleWarnings(module: Module, calibration: Data, data: Data): Diagnostic[] {
  const names = modelInputs(module).map(({ name }) => name);
  const rangesOf = ({ name, samples }: Data) => ({
    name,
    ranges: inputRanges(samples, names.length),
  });
  return rangeWarnings(names, rangesOf(calibration), rangesOf(data));
}

/** From a data set to samples that fit a network: which of them, their labels, their hash. */
import { choosePlaces, chooseRandom, isSortedBeyond } from "../calibrate/data/choose.ts";
import { type Dataset, limit, select } from "../calibrate/data/dataset.ts";
import { datasetHash } from "../calibrate/data/order.ts";
import type { Preprocess } from "../calibrate/data/preprocess.ts";
import { type DataSource, modelInputs, sampleSource } from "../calibrate/data/source.ts";
import { checkTargets } from "../calibrate/evaluate.ts";
import { inputRanges, rangeWarnings } from "../calibrate/ranges.ts";
import type { TaskWish } from "../calibrate/tasks/task.ts";
import { type Diagnostic, fail } from "../ir/diagnostic.ts";
import { type Module, maxTimesteps } from "../ir/module.ts";
import type { NamedData } from "./report.ts";
import { diagnose } from "./diagnostics.ts";
import { baseName } from "./network.ts";
import { checkFolders } from "./record/classes.ts";

/** Data as commands and jobs use it, and as a report names it. */
export interface Data extends NamedData {
  readonly samples: DataSource;
  readonly dataset: Dataset;
  /** What the model adds to class numbers of the data. */
  readonly labelOffset: number;
}

/** A data set as it was opened, with the preprocessing that belongs to it. */
export interface Opened {
  readonly dataset: Dataset;
  readonly preprocess: Preprocess | null;
}

export interface SampleChoice {
  readonly limit?: number | undefined;
  /** Of the choice that a limit makes where samples are sorted by class. */
  readonly seed?: number | undefined;
  /** Draw so many samples; which ones depends on their content and the seed, not on their order. */
  readonly draw?: { readonly count: number; readonly seed: number } | undefined;
  /** What the first output is for; found from it and the labels unless given. */
  readonly task?: TaskWish | undefined;
  readonly maxDataBytes?: number | undefined;
  /** Timesteps that runs take at most, whatever the samples' lengths; frames behind them are not made. */
  readonly timesteps?: number | undefined;
}

/** The chosen samples of `opened` as `module` takes them; fails where they do not fit. */
export function fitData(
  file: string,
  { dataset: whole, preprocess }: Opened,
  module: Module,
  choice: SampleChoice,
  report: (...diagnostics: readonly Diagnostic[]) => void,
): Data {
  const labelOffset = preprocess?.labelOffset ?? 0;
  checkFolders(module, whole, labelOffset);
  const limited = limitedTo(choice.limit, whole, choice.seed ?? 0, report);
  const { draw, task, maxDataBytes, timesteps: mostFrames } = choice;
  const dataset =
    draw === undefined || draw.count >= limited.count
      ? limited
      : select(limited, chooseRandom(limited, draw.count, draw.seed));
  const labels = dataset.labels ?? dataset.targets;
  if (labels !== null) checkTargets(module, labels, dataset.count, task);
  const samples = sampleSource(dataset, modelInputs(module), preprocess, {
    maxDataBytes,
    mostFrames,
  });
  if (mostFrames === undefined) requireRunLength(dataset.name, samples);
  report(...samples.diagnostics);
  const sha256 = datasetHash(dataset);
  return { samples, labels, task, dataset, name: baseName(file), labelOffset, sha256 };
}

/** Frames of the longest sample of these sets, and at least one; null where no input changes over time. */
export function framesIn(...sets: readonly DataSource[]): number | null {
  const found = sets.map((samples) => samples.longest()).filter((frames) => frames !== null);
  return found.length === 0 ? null : Math.max(1, ...found);
}

/**
 * Fails where a sample has more frames than a run has timesteps at most. To be asked before any sample is made,
 * unless somebody said how long a run is.
 */
export function requireRunLength(name: string, samples: DataSource): void {
  if ((samples.longest() ?? 0) <= maxTimesteps) return;
  for (let index = 0; index < samples.count; index++) {
    const frames = samples.framesOf(index) ?? 0;
    if (frames <= maxTimesteps) continue;
    fail(diagnose("too-many-frames", null, { data: name, index, frames, limit: maxTimesteps }));
  }
}

/** A warning where a run of `timesteps` is over before the longest sample is. */
export function droppedFrames(name: string, samples: DataSource, timesteps: number): Diagnostic[] {
  const frames = framesIn(samples);
  if (frames === null || frames <= timesteps) return [];
  return [diagnose("frames-dropped", null, { data: name, frames, timesteps })];
}

/** The first samples; of a set that is sorted by class, as many drawn, because the first are of few. */
function limitedTo(
  count: number | undefined,
  whole: Dataset,
  seed: number,
  report: (diagnostic: Diagnostic) => void,
): Dataset {
  if (count === undefined || count >= whole.count) return whole;
  if (whole.labels === null || !isSortedBeyond(whole.labels, count)) return limit(whole, count);
  report(diagnose("limit-drawn", null, { data: whole.name, count, of: whole.count, seed }));
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

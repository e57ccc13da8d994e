/** From data options to samples that fit a network. */
import type { SetPart } from "../../calibrate/data/archive/roles.ts";
import type { ClassNames, LabelMap } from "../../calibrate/data/classes.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { modelInputs } from "../../calibrate/data/source.ts";
import type { Module } from "../../ir/module.ts";
import { type SampleChoice, type Data, type Opened, fitData } from "../../library/data.ts";
import { type CommandContext, warmUp } from "../action.ts";
import { readClassNames, readLabelMap } from "./classes.ts";
import type { EngineName } from "../../library/job/job.ts";
import { type Preparation, openPrepared } from "./preprocessing.ts";

export interface DataOptions extends Preparation, SampleChoice {
  readonly labels?: string | undefined;
  /** The arrays of an archive that are the samples and the labels, by name. */
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  /** What the data are for: where an archive holds several parts, this one is taken. */
  readonly part?: SetPart | undefined;
  /** A file of names of classes, and a label map or its file. */
  readonly classes?: string | undefined;
  readonly labelMap?: string | LabelMap | undefined;
  /** Names of classes that are known otherwise, where no file says them. */
  readonly knownClasses?: ClassNames | null | undefined;
  /** What will run the data. */
  readonly engine?: EngineName | undefined;
}

/** Opens `file` for `module` and chooses samples of it; labels are read only where they are wanted. */
export async function loadData(
  file: string,
  module: Module,
  options: DataOptions,
  context: CommandContext,
  withLabels: boolean,
): Promise<Data> {
  const opened = await openData(file, module, options, context, withLabels);
  return fitData(file, opened, module, options, context.report);
}

/** The data set itself, with the preprocessing that belongs to it. */
export async function openData(
  file: string,
  module: Module,
  options: DataOptions,
  context: CommandContext,
  withLabels: boolean,
): Promise<Opened> {
  warmUp(options.engine);
  const inputs = modelInputs(module);
  const classes =
    options.classes === undefined
      ? (options.knownClasses ?? null)
      : await readClassNames(options.classes);
  const { labelMap: mapped = null } = options;
  if (typeof mapped === "string") context.outputs.reads(mapped);
  const labelMap = typeof mapped === "string" ? await readLabelMap(mapped) : mapped;
  return openPrepared(
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
}

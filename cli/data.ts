/** From data options to samples that fit a network. */
import path from "node:path";
import { type Dataset, limit } from "../calibrate/data/dataset.ts";
import { openDataset, openPreprocess } from "../calibrate/data/open.ts";
import { datasetHash } from "../calibrate/data/order.ts";
import { modelInputs, sampleSource } from "../calibrate/data/source.ts";
import type { SampleSource } from "../ir/executable.ts";
import type { Module } from "../ir/module.ts";
import type { Labelled } from "../library/assess.ts";
import type { Context } from "./action.ts";

export interface DataOptions {
  readonly labels?: string | undefined;
  readonly preprocess?: string | undefined;
  readonly limit?: number | undefined;
}

/** Data as a command uses it, and as a report names it. */
export interface Data extends Labelled {
  readonly samples: SampleSource;
  readonly dataset: Dataset;
  readonly name: string;
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
  const preprocess =
    options.preprocess === undefined ? null : await openPreprocess(options.preprocess);
  const inputs = modelInputs(module);
  const whole = await openDataset(file, {
    labels: options.labels ?? null,
    withLabels,
    preprocess,
    inputs: inputs.map((input) => input.name),
  });
  const dataset = options.limit === undefined ? whole : limit(whole, options.limit);
  const samples = sampleSource(dataset, inputs, preprocess);
  context.report(...samples.diagnostics);
  return {
    samples,
    labels: dataset.labels,
    dataset,
    name: path.basename(file),
    sha256: datasetHash(dataset),
  };
}

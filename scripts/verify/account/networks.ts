/**
 * The networks of the bars `account` and `integers`: trained models of a folder like ../shared, each
 * converted by a pipeline for a few timesteps, with samples of its test set.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { type Case, casesOf } from "../../../bench/suite.ts";
import { type Dataset, limit } from "../../../calibrate/data/dataset.ts";
import { openDataset, openPreprocess } from "../../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../../calibrate/data/source.ts";
import { importOnnx } from "../../../frontend/onnx/import.ts";
import { DiagnosticError, fail } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { type ConvertOptions, convert } from "../../../library/convert.ts";

/** Convolutions and linear layers, residual sums, transposes, attention; 0.2 to 16 M products. */
export const usualNetworks: readonly string[] = [
  "lenet_ccoltong",
  "mnist8_cntk",
  "vnn_fc256x2",
  "marabou_cifar_small",
  "mlperf_resnet8",
  "vnn_vit_pgd_2_3_16",
];

/** As few timesteps as show all that a code does: the interpreter goes through each of them. */
export const timestepsOf: Readonly<Record<string, number>> = {
  differential: 3,
  sparse: 2,
  "low-latency": 2,
  "signed-rate": 6,
  rate: 6,
  "few-spikes": 5,
  ttfs: 7,
  integer: 6,
  burst: 4,
  exact: 4,
  lif: 6,
};

export const usualPipelines: readonly string[] = Object.keys(timestepsOf).slice(0, 8);

export interface Source {
  readonly name: string;
  readonly ann: Module;
  readonly calibration: SampleSource;
  readonly test: SampleSource;
}

/** The models whose names contain one of `names`, with so many samples each. */
export async function* sourcesOf(
  shared: string,
  names: readonly string[],
  counts: { readonly calibration: number; readonly test: number },
): AsyncGenerator<Source> {
  const datasets = new Map<string, Dataset>();
  // One place may hold the calibration samples and the test samples of a model: each takes its own number.
  const first = async (place: string, count: number): Promise<Dataset> => {
    const known = datasets.get(place) ?? (await openDataset(place));
    datasets.set(place, known);
    return limit(known, count);
  };
  for (const each of casesOf(shared, names)) {
    const ann = imported(each);
    const preprocess = await openPreprocess(each.preprocess);
    const source = async (place: string, count: number): Promise<SampleSource> =>
      sampleSource(await first(place, count), modelInputs(ann), preprocess);
    yield {
      name: each.name,
      ann,
      calibration: await source(each.calibration, counts.calibration),
      test: await source(each.test, counts.test),
    };
  }
}

function imported({ model }: Case): Module {
  const bytes = new Uint8Array(readFileSync(model));
  const { module, diagnostics } = importOnnx(bytes, { file: path.basename(model) });
  return module ?? fail(...diagnostics);
}

/** The network that a conversion with these options makes, or the codes of what it was refused for. */
export async function converted(
  { ann, calibration }: Source,
  options: ConvertOptions,
): Promise<Module | string> {
  const running = { engine: singleThreadWasmEngine, threads: 1 };
  try {
    return (await convert(ann, calibration, running, options)).module;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return [...new Set(error.diagnostics.map(({ code }) => code))].join(", ");
  }
}

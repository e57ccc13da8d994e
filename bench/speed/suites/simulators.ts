/**
 * Suite `peers`: networks that other simulators of spiking networks were measured on, run by ours.
 * Their figures were recorded and are not measured here. Beside them a plain integrate-and-fire loop on
 * torch is measured, where there is one.
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { loadData } from "../../../cli/options/data.ts";
import type { Data } from "../../../library/data.ts";
import { DiagnosticError } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import { neuronsOf } from "../../../ir/op/known.ts";
import { elementCount } from "../../../ir/type.ts";
import { encodePackage } from "../../../ir/file/package.ts";
import { convert } from "../../../library/convert.ts";
import { type Bench, type Settings, ourName, rowsOrAlert, timed } from "../context.ts";
import { type Conversion, conversionOf } from "../conversion.ts";
import {
  type Contestant,
  ContestantError,
  interleave,
  withContestants,
} from "../processes/contestant.ts";
import { loadEngine } from "../engines.ts";
import { writeInputs } from "../processes/inputs.ts";
import { peerCnn, peerMlp } from "../networks/networks.ts";
import { outFolder } from "../project.ts";
import type { Measurement } from "../processes/protocol.ts";
import { type Measured, type Row, rowOf } from "../rows.ts";
import { agreementNote, startOurs } from "../sides.ts";
import { relativeDifference } from "../statistics.ts";
import { type TorchLoop, pythonWithTorch, startTorchLoop } from "../torch/loop.ts";

interface Recorded {
  readonly name: string;
  readonly make: (seed: number) => Module;
  /** Images per second of each simulator, one thread, batch 128, T = 32, on torch. */
  readonly imagesPerSecond: Readonly<Record<string, number>>;
}

/** Measured once on a machine of the kind that this was developed on. */
const recorded: readonly Recorded[] = [
  {
    name: "784-512-512-10",
    make: peerMlp,
    imagesPerSecond: { SpikingJelly: 1910, sinabs: 1770, Norse: 1650, snnTorch: 1430 },
  },
  {
    name: "CNN 32-64-128-10",
    make: peerCnn,
    imagesPerSecond: { SpikingJelly: 163, sinabs: 120, Norse: 144, snnTorch: 101 },
  },
];

const timesteps = 32;
/** Neurons of spikes that are all alike, reset by subtraction, with thresholds by channel. */
const plainPipeline = "mmse";
const imageCount = 128;

export async function simulatorsSuite(bench: Bench): Promise<Row[]> {
  const folder = path.join(bench.shared, "data/mnist");
  if (!existsSync(folder)) {
    bench.alert(`peers: left out, as there are no images in ${folder}`);
    return [];
  }
  const python = await pythonWithTorch(bench.settings.pythons);
  if (python === null) {
    const tried = bench.settings.pythons.join(", ");
    bench.alert(`peers: rows of torch are left out: no torch and numpy in ${tried} (--python)`);
  }
  const rows: Row[] = [];
  for (const one of recorded) {
    const conversion = conversionOf(bench.settings.pipeline);
    const work = () => measureOrFloats(one, { folder, python, conversion }, bench);
    rows.push(...(await rowsOrAlert(bench, `peers: ${one.name}`, work)));
  }
  return rows;
}

interface How {
  /** Of the images. */
  readonly folder: string;
  /** One with torch, if there is one. */
  readonly python: string | null;
  readonly conversion: Conversion;
}

/** Measures in floats what cannot be run in integers for so many timesteps, which is said. */
async function measureOrFloats(one: Recorded, how: How, bench: Bench): Promise<Row[]> {
  try {
    return await measure(one, how, bench);
  } catch (error) {
    const isTold = error instanceof DiagnosticError || error instanceof ContestantError;
    if (how.conversion.integer !== true || !isTold) throw error;
    bench.alert(`peers: ${one.name} is measured in floats: ${error.message}`);
    const conversion = { ...how.conversion, integer: false };
    return measure(one, { ...how, conversion }, bench);
  }
}

async function measure(
  one: Recorded,
  { folder, python, conversion }: How,
  bench: Bench,
): Promise<Row[]> {
  const { settings } = bench;
  bench.status(`${one.name}: converting`);
  const ann = one.make(settings.seed);
  const training = await images(path.join(folder, "train"), ann, bench, {
    draw: { count: settings.calibrationSamples, seed: settings.seed },
  });
  const test = await images(path.join(folder, "test"), ann, bench, { limit: imageCount });
  const running = { engine: await loadEngine(settings.engine), threads: 1 };
  const options = { ...conversion, timesteps, seed: settings.seed };
  const { module } = await convert(ann, training.samples, running, options);
  const place = path.join(outFolder, "peers");
  await mkdir(place, { recursive: true });
  const save = async (name: string, network: Module): Promise<string> => {
    const file = path.join(place, `${name}.snn`);
    await writeFile(file, encodePackage({ module: network, provenance: {} }));
    return file;
  };
  const model = await save(ann.name, module);
  const inputs = await writeInputs(path.join(place, "images.f32"), test.samples, imageCount);
  // The figures to compare with were made with one thread.
  const settled = { inputs, timesteps, threads: 1 };
  return withContestants(bench.node, async (start) => {
    const ours = await startOurs(start, bench, { model, ...settled });
    const { activity } = await ours.answers(16);
    const rate = (activity?.firingRate ?? 0).toPrecision(2);
    const form = conversion.integer === true ? "integers" : "floats";
    const weights = `in ${form}; He-initialised weights, ${rate} spikes per neuron and step`;
    const round = (done: number): void =>
      bench.status(`${one.name}: round ${done} of ${settings.rounds}`);
    const common = {
      suite: "peers",
      case: `${one.name}, T = ${timesteps}`,
      ...({ metric: "images/s", better: "higher" } as const),
    };
    const perSecond = (values: readonly number[] = []): number[] => values.map((ms) => 1000 / ms);
    if (python === null) {
      const [values] = await interleave([ours], settings.rounds, () => stream(settings), round);
      return recordedRows(one, { ...common, note: weights, ...subjectOf(perSecond(values)) });
    }
    const steps = { timesteps, pipeline: plainPipeline, seed: settings.seed };
    const { module: plain } = await convert(ann, training.samples, running, steps);
    const plainModel = await save(`${ann.name}-if`, plain);
    const same = await startOurs(start, bench, { model: plainModel, ...settled });
    const torch = await startTorchLoop(
      python,
      { module: plain, inputs, timesteps },
      path.join(place, `${ann.name}-torch`),
    );
    for (const remark of torch.loaded.remarks) bench.alert(`peers: ${torch.name}: ${remark}`);
    try {
      const agreement = await agreementOf(same, torch, plain);
      const both = [ours, same, torch];
      const measured = await interleave(both, settings.rounds, () => stream(settings), round);
      const [mine, onSame, onTorch] = measured.map(perSecond);
      const baseline = { name: torch.name, values: onTorch ?? [] };
      const how = `baseline measured: batch ${imageCount}; both with 1 thread; ${agreement}`;
      return [
        ...recordedRows(one, { ...common, note: weights, ...subjectOf(mine ?? []) }),
        rowOf({ ...common, ...subjectOf(mine ?? []), baseline, note: `${how}; ${weights}` }),
        rowOf({
          ...common,
          subject: { name: `${ourName(settings)}, same network`, values: onSame ?? [] },
          baseline,
          note: how,
        }),
      ];
    } finally {
      torch.end();
    }

    function subjectOf(values: readonly number[]) {
      return { subject: { name: ourName(settings), values } };
    }
  });
}

const stream = (settings: Settings): Measurement => timed(settings, "stream");

/** Rows against the figures that were recorded. */
function recordedRows({ imagesPerSecond }: Recorded, measured: Omit<Measured, "baseline">): Row[] {
  return Object.entries(imagesPerSecond).map(([name, value]) =>
    rowOf({
      ...measured,
      baseline: { name: `${name} (recorded)`, values: [value] },
      note: `baseline recorded, not run: torch, batch 128; both with 1 thread; ${measured.note ?? ""}`,
    }),
  );
}

/** How far the loop on torch is from ours on the same network: its outputs, and its number of spikes. */
async function agreementOf(ours: Contestant, torch: TorchLoop, module: Module): Promise<string> {
  const [mine, theirs] = [await ours.answers(imageCount), await torch.answers(imageCount)];
  const neurons = neuronsOf(module).reduce((n, { type }) => n + elementCount(type.shape), 0);
  const spikes = (mine.activity?.firingRate ?? 0) * neurons * timesteps * imageCount;
  const ratio = (await torch.spikes(imageCount)) / spikes;
  return `${agreementNote(relativeDifference(mine.logits, theirs.logits))}, ${ratio.toFixed(5)} of our spikes on the same weights`;
}

/** MNIST, each pixel between 0 and 1. */
async function images(
  file: string,
  module: Module,
  { context }: Bench,
  which: { readonly draw: { count: number; seed: number } } | { readonly limit: number },
): Promise<Data> {
  const preprocess = path.join(outFolder, "peers", "preprocess.json");
  await mkdir(path.dirname(preprocess), { recursive: true });
  await writeFile(preprocess, JSON.stringify({ scale: "1/255" }));
  return loadData(file, module, { ...which, preprocess }, context, false);
}

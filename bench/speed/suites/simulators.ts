/**
 * Suite `peers`: networks that other simulators of spiking networks were measured on, run by ours.
 * Their figures were recorded and are not measured here: they need Python and torch.
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { loadData } from "../../../cli/options/data.ts";
import type { Data } from "../../../library/data.ts";
import type { Module } from "../../../ir/module.ts";
import { encodePackage } from "../../../ir/file/package.ts";
import { convert } from "../../../library/convert.ts";
import { type Bench, ourName, rowsOrAlert, timed } from "../context.ts";
import { conversionOf } from "../conversion.ts";
import { interleave, withContestants } from "../processes/contestant.ts";
import { loadEngine } from "../engines.ts";
import { writeInputs } from "../processes/inputs.ts";
import { peerCnn, peerMlp } from "../networks/networks.ts";
import { outFolder } from "../project.ts";
import { type Row, rowOf } from "../rows.ts";
import { startOurs } from "../sides.ts";

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
const imageCount = 128;

export async function simulatorsSuite(bench: Bench): Promise<Row[]> {
  const folder = path.join(bench.shared, "data/mnist");
  if (!existsSync(folder)) {
    bench.alert(`peers: left out, as there are no images in ${folder}`);
    return [];
  }
  const rows: Row[] = [];
  for (const one of recorded) {
    const work = () => measure(one, folder, bench);
    rows.push(...(await rowsOrAlert(bench, `peers: ${one.name}`, work)));
  }
  return rows;
}

async function measure(one: Recorded, folder: string, bench: Bench): Promise<Row[]> {
  const { settings } = bench;
  bench.status(`${one.name}: converting`);
  const ann = one.make(settings.seed);
  const training = await images(path.join(folder, "train"), ann, bench, {
    draw: { count: settings.calibrationSamples, seed: settings.seed },
  });
  const test = await images(path.join(folder, "test"), ann, bench, { limit: imageCount });
  const running = { engine: await loadEngine(settings.engine), threads: 1 };
  const options = { ...conversionOf(settings.pipeline), timesteps, seed: settings.seed };
  const { module } = await convert(ann, training.samples, running, options);
  const place = path.join(outFolder, "peers");
  await mkdir(place, { recursive: true });
  const model = path.join(place, `${ann.name}.snn`);
  await writeFile(model, encodePackage({ module, provenance: {} }));
  const inputs = await writeInputs(path.join(place, "images.f32"), test.samples, imageCount);
  return withContestants(bench.node, async (start) => {
    // The figures to compare with were made with one thread.
    const ours = await startOurs(start, bench, { model, inputs, timesteps, threads: 1 });
    const { activity } = await ours.answers(16);
    const [values = []] = await interleave(
      [ours],
      settings.rounds,
      () => timed(settings, "stream"),
      (round) => bench.status(`${one.name}: round ${round} of ${settings.rounds}`),
    );
    const rate = (activity?.firingRate ?? 0).toPrecision(2);
    return Object.entries(one.imagesPerSecond).map(([name, imagesPerSecond]) =>
      rowOf({
        suite: "peers",
        case: `${one.name}, T = ${timesteps}`,
        metric: "images/s",
        better: "higher",
        subject: { name: ourName(settings), values: values.map((ms) => 1000 / ms) },
        baseline: { name: `${name} (recorded)`, values: [imagesPerSecond] },
        note:
          "baseline recorded, not run: torch, batch 128; both with 1 thread; " +
          `He-initialised weights, ${rate} spikes per neuron and step`,
      }),
    );
  });
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

/**
 * `npm run train:bottleneck`: trains a network of inverted bottlenecks (MobileNetV2's blocks) on
 * Fashion-MNIST, writes it as an ONNX model, converts it, and says what that loses on the test images.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import type { Evaluation } from "../calibrate/evaluate.ts";
import { lossPoints, percent, withError } from "../calibrate/report/format.ts";
import { type CommandContext, type Outcome, perform, runningOf } from "../cli/action.ts";
import { loadData } from "../cli/options/data.ts";
import { loadNetwork } from "../cli/load.ts";
import { options } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { alignedTable } from "../cli/terminal/tables.ts";
import { known } from "../ir/diagnostic.ts";
import { evaluateModule } from "../library/assess.ts";
import { convert } from "../library/convert.ts";
import { calibrationOn } from "../library/measure.ts";
import { BottleneckNetwork, smallBottleneck } from "./train/bottleneck.ts";
import { count } from "./train/command.ts";
import { wholeImages } from "./train/images.ts";
import { learn } from "./train/train.ts";

const program = new Command("train-bottleneck")
  .description("train a network of inverted bottlenecks, and measure what spikes lose")
  .option("--shared <folder>", "folder with data/", process.env["SNNC_SHARED"] ?? "../shared")
  .option("-o, --out <folder>", "where the model goes", "out/bottleneck")
  .addOption(count("--epochs <n>", "times that each image is learnt from", 3))
  .addOption(count("--images <n>", "training images", 40_000))
  .addOption(count("--calib-samples <n>", "of them, to calibrate on", 512))
  .addOption(count("--seed <n>", "of weights and order", 1))
  .addOption(options.limit)
  .addOption(options.threads)
  .addOption(options.debug);

/** Of the pixels of all training images. */
const preparation = { mean: 0.286, std: 0.353 } as const;

const pipelines = ["differential", "sparse"] as const;
const timesteps = [2, 4] as const;

const given = optionsOf(program);
await perform(given, work);

async function work(whole: CommandContext): Promise<Outcome> {
  const { terminal } = whole;
  const context: CommandContext = { ...whole, report: () => undefined };
  const folder = path.join(given.shared, "data/fashion-mnist");
  const training = path.join(folder, "train");
  const network = new BottleneckNetwork(smallBottleneck, given.seed);
  const images = await wholeImages(training, given.images, preparation);
  network.settle(Array.from({ length: Math.min(64, images.count) }, (_, n) => images.at(n)));
  learn(network, images, {
    epochs: given.epochs,
    batch: 32,
    learningRate: 0.005,
    seed: given.seed,
    disturb: null,
    onEpoch: (epoch, loss) => terminal.out(`epoch ${epoch}: loss ${loss.toFixed(4)}`),
  });
  mkdirSync(given.out, { recursive: true });
  const model = path.join(given.out, "bottleneck.onnx");
  const preprocess = path.join(given.out, "preprocess.json");
  writeFileSync(model, network.onnx());
  const { mean, std } = preparation;
  writeFileSync(preprocess, `${JSON.stringify({ scale: "1/255", mean: [mean], std: [std] })}\n`);
  terminal.out(`wrote ${model} and ${preprocess}`);

  const running = runningOf({ engine: "wasm", threads: given.threads }, context);
  const { module } = await loadNetwork(model, {}, context);
  const draw = { count: given.calibSamples, seed: 0 };
  const calibration = await loadData(training, module, { preprocess, draw }, context, false);
  const how = { preprocess, limit: given.limit };
  const data = await loadData(path.join(folder, "test"), module, how, context, true);
  const measure = calibrationOn(calibration.samples, running);
  const ann = await evaluateModule(module, data, running, { timesteps: 1, keepLogits: true });
  const before = known(ann.accuracy?.[0], "labels");
  terminal.out(`ANN: ${percent(before)} on ${data.samples.count} test images`);
  const rows: string[][] = [["pipeline", "T", "accuracy", "loss", "agreement", "by currents"]];
  for (const pipeline of pipelines) {
    for (const asked of timesteps) {
      const { module: spiking } = await convert(module, measure, running, {
        timesteps: asked,
        pipeline,
      });
      const snn = await evaluateModule(spiking, data, running, { reference: ann });
      const after = known(snn.accuracy?.at(-1), "labels");
      rows.push([
        pipeline,
        String(spiking.timesteps),
        percent(after),
        withError(lossPoints(before - after), snn.lossStandardError?.at(-1) ?? null),
        percent(known(snn.agreement?.at(-1), "a reference")),
        percent(currentShare(snn, spiking.timesteps)),
      ]);
    }
  }
  return {
    json: {},
    text: `\n"by currents" is the share of weighted products that no spike drives.\n\n${alignedTable(rows)}`,
  };
}

/** Of all that meets weights in a run of `steps` timesteps, events and products, what currents drive. */
function currentShare(snn: Evaluation, steps: number): number {
  const currents = steps * snn.account.currentProducts;
  const events = known(snn.synapticOperationsPerSample.at(-1), "a timestep");
  return currents / (snn.account.inputProducts + currents + events);
}

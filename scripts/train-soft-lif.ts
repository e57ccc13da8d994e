/**
 * `npm run train:soft-lif`: trains a perceptron with the soft-LIF activation on MNIST, with the noise
 * of spikes, writes it as an ONNX model, converts it to leaky neurons, and says what that loses on the
 * test images at timesteps of 1 ms.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { type CommandContext, type Outcome, perform, runningOf } from "../cli/action.ts";
import { lossPoints, percent } from "../calibrate/report/format.ts";
import { loadData } from "../cli/options/data.ts";
import { loadNetwork } from "../cli/load.ts";
import { options } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { known } from "../ir/diagnostic.ts";
import type { SoftLif } from "../ir/semantics/soft-lif.ts";
import { evaluateModule } from "../library/assess.ts";
import { convert } from "../library/convert.ts";
import { count } from "./train/command.ts";
import { imageSize, pooledImages, pooledInputs } from "./train/images.ts";
import { onnxModel } from "./train/model.ts";
import { spikeNoise } from "./train/noise.ts";
import { softLifActivation } from "./train/soft-lif.ts";
import { train } from "./train/train.ts";

/** Rates of 100 Hz are values of 1. */
const curve: SoftLif = { tauRc: 0.02, tauRef: 0.002, sigma: 0.02, amplitude: 0.01 };
const activation = softLifActivation(curve);
/**
 * How long a neuron averages over what it receives, in seconds: the synapse that the pass soft-lif puts
 * in, and its own membrane.
 */
const averaging = 0.005 + curve.tauRc;

const program = new Command("train-soft-lif")
  .description("train a network with soft-LIF activations, and measure what leaky neurons lose")
  .option("--shared <folder>", "folder with data/", process.env["SNNC_SHARED"] ?? "../shared")
  .option("-o, --out <folder>", "where the model goes", "out/soft-lif")
  .addOption(count("--epochs <n>", "times that each image is learnt from", 5))
  .addOption(count("--images <n>", "training images", 60_000))
  .addOption(count("--seed <n>", "of weights, order and noise", 1))
  .option("--noise <share>", "share of the noise that spikes make", Number, 1)
  .option("--hidden <list>", "neurons of the hidden layers", "128,64")
  .option("--timesteps <list>", "milliseconds to run the neurons for", "25,50,100,200")
  .addOption(options.limit)
  .addOption(options.threads)
  .addOption(options.debug);

const given = optionsOf(program);
await perform(given, work);

async function work(whole: CommandContext): Promise<Outcome> {
  const { terminal } = whole;
  const context: CommandContext = { ...whole, report: () => undefined };
  const numbers = (list: string): number[] => list.split(",").map(Number);

  const images = await pooledImages(given.shared, given.images);
  const network = train(images, {
    sizes: [pooledInputs, ...numbers(given.hidden), 10],
    activation,
    epochs: given.epochs,
    batch: 32,
    learningRate: 0.003,
    seed: given.seed,
    disturb:
      given.noise > 0
        ? spikeNoise({
            amplitude: curve.amplitude,
            tau: averaging,
            share: given.noise,
            seed: given.seed,
          })
        : null,
    onEpoch: (epoch, loss) => terminal.out(`epoch ${epoch}: loss ${loss.toFixed(4)}`),
  });
  mkdirSync(given.out, { recursive: true });
  const model = path.join(given.out, "soft-lif.onnx");
  const preprocess = path.join(given.out, "preprocess.json");
  writeFileSync(model, onnxModel(network, imageSize, activation));
  writeFileSync(preprocess, `${JSON.stringify({ scale: "1/255" })}\n`);
  terminal.out(`wrote ${model} and ${preprocess}`);
  await measure();
  return { json: {}, text: "" };

  async function measure(): Promise<void> {
    const running = runningOf({ engine: "wasm", threads: given.threads }, context);
    const { module } = await loadNetwork(model, {}, context);
    const file = path.join(given.shared, "data/mnist/test");
    const how = { preprocess, limit: given.limit };
    const data = await loadData(file, module, how, context, true);
    const ann = await evaluateModule(module, data, running, { timesteps: 1, keepLogits: true });
    const before = known(ann.accuracy?.[0], "labels");
    terminal.out(`soft-LIF: ${percent(before)} on ${data.samples.count} test images`);
    for (const timesteps of numbers(given.timesteps)) {
      const { module: spiking } = await convert(module, null, running, {
        timesteps,
        pipeline: "lif",
      });
      const snn = await evaluateModule(spiking, data, running, { timesteps, reference: ann });
      const after = known(snn.accuracy?.at(-1), "labels");
      const agreement = known(snn.agreement?.at(-1), "a reference");
      const loss = lossPoints(before - after);
      terminal.out(
        `LIF, ${timesteps} steps of 1 ms: ${percent(after)}, loss ${loss}, ` +
          `agreement ${percent(agreement)}`,
      );
    }
  }
}

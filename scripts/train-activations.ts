/**
 * `npm run train:activations`: trains a perceptron on MNIST with each activation, writes it as an ONNX
 * model, converts it in several ways, and says how much the spiking networks disagree with it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { type CommandContext, type Outcome, perform, runningOf } from "../cli/action.ts";
import { percent } from "../calibrate/report/format.ts";
import { diagnose } from "../cli/diagnostics.ts";
import { loadData } from "../cli/options/data.ts";
import { loadNetwork } from "../cli/load.ts";
import { options } from "../cli/options/options.ts";
import { alignedTable } from "../cli/terminal/tables.ts";
import { optionsOf } from "../cli/script.ts";
import { DiagnosticError, fail, known } from "../ir/diagnostic.ts";
import { evaluateModule } from "../library/assess.ts";
import { convert } from "../library/convert.ts";
import { calibrationOn } from "../library/measure.ts";
import { type Named, activations } from "./train/activations.ts";
import { count } from "./train/command.ts";
import { imageSize, pooledImages, pooledInputs } from "./train/images.ts";
import { onnxModel } from "./train/model.ts";
import { train } from "./train/train.ts";

interface Way {
  readonly pipeline: string;
  readonly timesteps: number;
  readonly label: string;
}

const ways: readonly Way[] = [
  { pipeline: "differential", timesteps: 2, label: "differential, T = 2" },
  { pipeline: "differential", timesteps: 4, label: "T = 4" },
  { pipeline: "sparse", timesteps: 4, label: "sparse, T = 4" },
  { pipeline: "few-spikes", timesteps: 8, label: "few-spikes, T = 8" },
  {
    pipeline: "canonical,commute-max-pool,convert-few-spikes{activations=fitted},balance-mmse",
    timesteps: 16,
    label: "fitted, T = 16",
  },
  { pipeline: "ttfs", timesteps: 255, label: "one-spike, T = 255" },
  { pipeline: "exact", timesteps: 255, label: "exact" },
];

const names = activations.map(({ name }) => name);
const program = new Command("train-activations")
  .description("train a network with each activation, and measure what spikes lose")
  .argument("[names...]", `of ${names.join(", ")}; all if none is given`)
  .option("--shared <folder>", "folder with data/", process.env["SNNC_SHARED"] ?? "../shared")
  .option("-o, --out <folder>", "where the models go", "out/activations")
  .addOption(count("--epochs <n>", "times that each image is learnt from", 3))
  .addOption(count("--images <n>", "training images", 20_000))
  .addOption(count("--calib-samples <n>", "of them, to calibrate on", 512))
  .addOption(count("--seed <n>", "of weights and order", 1))
  .addOption(options.limit)
  .addOption(options.threads)
  .addOption(options.debug);

const given = optionsOf(program);
await perform(given, work);

async function work(whole: CommandContext): Promise<Outcome> {
  const { terminal } = whole;
  const context: CommandContext = { ...whole, report: () => undefined };
  const running = runningOf({ engine: "wasm", threads: given.threads }, context);
  const unknown = program.args.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    const text = `no activation ${unknown.join(", ")}: there are ${names.join(", ")}`;
    fail(diagnose("usage", null, { text }));
  }
  const chosen = activations.filter(
    ({ name }) => program.args.length === 0 || program.args.includes(name),
  );

  const images = await pooledImages(given.shared, given.images);
  mkdirSync(given.out, { recursive: true });
  const preprocess = path.join(given.out, "preprocess.json");
  writeFileSync(preprocess, `${JSON.stringify({ scale: "1/255" })}\n`);
  const rows: string[][] = [];
  for (const activation of chosen) rows.push(await measured(activation));
  const head = ["activation", "ANN", ...ways.map(({ label }) => label)];
  const table = alignedTable([head, ...rows]);
  return {
    json: {},
    text: `\nAgreement with the ANN; in parentheses what is lost, in points:\n\n${table}`,
  };

  async function measured(activation: Named): Promise<string[]> {
    const network = train(images, {
      sizes: [pooledInputs, 128, 64, 10],
      activation,
      epochs: given.epochs,
      batch: 32,
      learningRate: 0.003,
      seed: given.seed,
      disturb: null,
      onEpoch: (epoch, loss) => {
        terminal.note(`${activation.name}, epoch ${epoch}: loss ${loss.toFixed(4)}`);
      },
    });
    const model = path.join(given.out, `${activation.name}.onnx`);
    writeFileSync(model, onnxModel(network, imageSize, activation));
    const { module } = await loadNetwork(model, {}, context);
    const calibration = await loadData(
      path.join(given.shared, "data/mnist/train"),
      module,
      { preprocess, draw: { count: given.calibSamples, seed: 0 } },
      context,
      false,
    );
    const how = { preprocess, limit: given.limit };
    const data = await loadData(
      path.join(given.shared, "data/mnist/test"),
      module,
      how,
      context,
      true,
    );
    const measure = calibrationOn(calibration.samples, running);
    const ann = await evaluateModule(module, data, running, { timesteps: 1, keepLogits: true });
    const before = known(ann.accuracy?.[0], "labels");
    const row = [activation.name, percent(before)];
    for (const { pipeline, timesteps } of ways) {
      try {
        const { module: spiking } = await convert(module, measure, running, {
          timesteps,
          pipeline,
        });
        const label = `${activation.name}: ${pipeline}`;
        const snn = await evaluateModule(spiking, data, running, { label, reference: ann });
        const after = known(snn.accuracy?.at(-1), "labels");
        const agreement = known(snn.agreement?.at(-1), "a reference");
        row.push(`${percent(agreement)} (${((before - after) * 100).toFixed(2)})`);
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        terminal.alert(`${activation.name}, ${pipeline}: ${error.message}`);
        row.push("refused");
      }
    }
    return row;
  }
}

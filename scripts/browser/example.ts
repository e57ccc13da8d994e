/** The example as a built network, and what the engine here says of its test images. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { openDataset, openPreprocess } from "../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { known } from "../../ir/diagnostic.ts";
import { decodePackage } from "../../ir/file/package.ts";

export interface Expected {
  readonly input: readonly number[];
  /** [T, class]. */
  readonly logits: readonly number[];
  readonly spikes: number;
}

export interface Example {
  /** The folder of the build. */
  readonly build: string;
  readonly timesteps: number;
  readonly layers: number;
  readonly samples: readonly Expected[];
}

/** Differential code ends where little more is sent, which is well before. */
const mostTimesteps = 16;
/** How many images are compared one by one. */
const compared = 20;

/** Converts and builds the example by the command line, as users do. */
export async function makeExample(folder: string): Promise<Example> {
  const digits = path.resolve("examples/digits");
  const at = (name: string): string => path.join(digits, name);
  const network = path.join(folder, "digits.snn");
  const build = path.join(folder, "build");
  const preprocess = ["--preprocess", at("preprocess.json")];
  const calib = ["--calib", at("calibration.npz"), ...preprocess];
  snnc(
    "convert",
    at("digits.onnx"),
    ...calib,
    "-T",
    String(mostTimesteps),
    "--no-eval",
    "-o",
    network,
  );
  const samples = ["--samples", at("test.npz"), "--sample-count", "20", ...preprocess];
  snnc("build", network, "--target", "wasm", "-o", build, "--probe", "all", ...samples);
  const { module } = decodePackage(readFileSync(network), network);
  const steps = await openPreprocess(at("preprocess.json"));
  const inputs = modelInputs(module);
  const dataset = await openDataset(at("test.npz"), { preprocess: steps });
  const all = sampleSource(dataset, inputs, steps);
  const source = { count: compared, get: (index: number) => all.get(index) };
  const { timesteps } = module;
  const executable = await wasmEngine.load(module, { threads: 1 });
  const expected: Expected[] = [];
  await executable.run(source, { timesteps }, ({ index, outputs, activity }) => {
    const [image] = source.get(index);
    expected.push({
      input: Array.from(known(image, "an image").data),
      logits: Array.from(known(outputs[0], "logits")),
      spikes: known(activity.spikes.at(-1), "spikes"),
    });
  });
  await executable.close();
  return { build, timesteps, layers: executable.neurons.length, samples: expected };
}

/** The command line, compiled or from source as this script is. */
function snnc(...args: readonly string[]): void {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const entry = fileURLToPath(new URL(`../../cli/main.${ending}`, import.meta.url));
  execFileSync(process.execPath, [...process.execArgv, entry, ...args, "--quiet"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

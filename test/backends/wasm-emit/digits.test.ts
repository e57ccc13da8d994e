/** The example, converted and built, runs in Node as on the engine. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Network } from "../../../backends/wasm/emit/loader/api.ts";
import { wasmEngine } from "../../../backends/wasm/engine.ts";
import { openDataset, openPreprocess } from "../../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../../calibrate/data/source.ts";
import { importOnnx } from "../../../frontend/onnx/import.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { SampleResult, SampleSource } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { convert } from "../../../library/convert.ts";
import { expectClose } from "../wasm/compare.ts";
import { type Loader, buildFiles, unpack } from "./network.ts";

const digits = path.resolve(fileURLToPath(import.meta.url), "../../../../examples/digits");
const timesteps = 16;
const count = 10;

async function samplesOf(module: Module, file: string): Promise<SampleSource> {
  const preprocess = await openPreprocess(path.join(digits, "preprocess.json"));
  const dataset = await openDataset(path.join(digits, file), { preprocess });
  return sampleSource(dataset, modelInputs(module), preprocess);
}

describe("the example as a built network", () => {
  let folder = "";
  let network: Network;
  let loader: Loader;
  let images: SampleSource;
  const wanted: SampleResult[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "snnc-digits-"));
    const bytes = await readFile(path.join(digits, "digits.onnx"));
    const { module } = importOnnx(bytes, { file: "digits.onnx", batch: 1 });
    const model = known(module, "the model");
    const calibration = await samplesOf(model, "calibration.npz");
    const few = { count: 32, get: (index: number) => calibration.get(index) };
    const running = { engine: wasmEngine, threads: 1 };
    const { module: snn } = await convert(model, few, running, { timesteps });
    images = await samplesOf(snn, "test.npz");
    const executable = await wasmEngine.load(snn, { threads: 1 });
    const some = { count, get: (index: number) => images.get(index) };
    await executable.run(some, { timesteps: snn.timesteps }, (result) => wanted.push(result));
    await executable.close();
    const preprocess = await openPreprocess(path.join(digits, "preprocess.json"));
    const { files } = await buildFiles(snn, { preprocess });
    const unpacked = await unpack(folder, files);
    loader = unpacked.loader;
    network = await loader.load(unpacked.url);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("has the engine's outputs at every timestep, and its spikes in every layer", () => {
    for (const [index, expected] of wanted.entries()) {
      const { data } = known(images.get(index)[0], "an image");
      const { outputs, spikes } = network.run(data, { spikes: true });
      const logits = known(outputs["logits"], "logits");
      expectClose(logits.data, known(expected.outputs[0], "logits"));
      const layers = Object.values(known(spikes, "spikes").layers);
      expect(layers.map((row) => row.reduce((a, b) => a + b))).toEqual([...expected.spikes]);
    }
  });

  it("makes input of pixels as the command line does", async () => {
    const raw = await openDataset(path.join(digits, "test.npz"));
    const { data } = known(
      raw.fields.find(({ name }) => name === "x"),
      "x",
    ).sample(3);
    const rgba = new Uint8ClampedArray(4 * 400);
    data.forEach((pixel, i) => rgba.fill(Number(pixel), 4 * i, 4 * i + 3));
    const pixels = { width: 20, height: 20, data: rgba };
    expect([...network.fromPixels(pixels)]).toEqual([...known(images.get(3)[0], "an image").data]);
    expect(() => network.fromPixels({ ...pixels, width: 19 })).toThrow(
      'input "image" takes 20 x 20 pixels, not 19 x 20',
    );
    expect(() => network.fromPixels(pixels, "x")).toThrow(
      'no input is named "x"; there are: image',
    );
  });
});

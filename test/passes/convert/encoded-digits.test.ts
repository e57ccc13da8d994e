/** The example network with its images sent at random: what that costs, in points. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { limit } from "../../../calibrate/data/dataset.ts";
import { openDataset, openPreprocess } from "../../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../../calibrate/data/source.ts";
import { importOnnx } from "../../../frontend/onnx/import.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Module, opsOf } from "../../../ir/module.ts";
import { evaluateModule } from "../../../library/assess.ts";
import { convert } from "../../../library/convert.ts";
import { calibrationOn } from "../../../library/measure.ts";

const folder = join(import.meta.dirname, "../../../examples/digits");
const running = { engine: singleThreadEngine, threads: 1 };

it("loses few points where encode-input sends the images of the example by poisson", async () => {
  const timesteps = 16;
  const bytes = readFileSync(join(folder, "digits.onnx"));
  const ann = known(importOnnx(bytes, { file: "digits.onnx" }).module, "the model");
  const preprocess = await openPreprocess(join(folder, "preprocess.json"));
  const inputs = modelInputs(ann);
  const names = inputs.map(({ name }) => name);
  const open = async (file: string, count: number) => {
    const options = { labels: null, withLabels: true, preprocess, inputs: names };
    const dataset = limit(await openDataset(join(folder, file), options), count);
    return { labels: dataset.labels, samples: sampleSource(dataset, inputs, preprocess) };
  };
  const calibration = calibrationOn((await open("calibration.npz", 4)).samples, running);
  const test = await open("test.npz", 20);
  const accuracyOf = async (module: Module): Promise<number> => {
    const data = { samples: test.samples, labels: known(test.labels, "labels") };
    const { accuracy } = await evaluateModule(module, data, running, { timesteps, label: "" });
    return known(accuracy?.at(-1), "an accuracy");
  };
  const options = { timesteps, pipeline: "max" };
  const still = (await convert(ann, calibration, running, options)).module;
  const again = { timesteps, pipeline: "encode-input{encoder=poisson}" };
  const sent = (await convert(still, calibration, running, again)).module;
  expect(opsOf(sent, "snn.poisson-encode")).toHaveLength(1);
  const wanted = await accuracyOf(still);
  const found = await accuracyOf(sent);
  expect(wanted).toBeGreaterThanOrEqual(0.9);
  // Two samples more or less; chance is 0.1.
  expect(Math.abs(wanted - found)).toBeLessThanOrEqual(0.1);
});

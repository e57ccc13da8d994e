/** The example network in integers: hardly worse with 8 bits, usable with 4. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { openDataset, openPreprocess } from "../../../calibrate/data/open.ts";
import { limit } from "../../../calibrate/data/dataset.ts";
import { type DataSource, modelInputs, sampleSource } from "../../../calibrate/data/source.ts";
import { importOnnx } from "../../../frontend/onnx/import.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Module, opsOf, tensorAt } from "../../../ir/module.ts";
import { evaluateModule } from "../../../library/assess.ts";
import { convert } from "../../../library/convert.ts";
import { calibrationOn } from "../../../library/measure.ts";
import type { Calibration } from "../../../passes/pass.ts";

const folder = join(import.meta.dirname, "../../../examples/digits");
const running = { engine: singleThreadEngine, threads: 1 };
const timesteps = 16;

describe("the digits in integers", () => {
  let float: Module;
  let measure: Calibration;
  let samples: DataSource;
  let labels: Int32Array;
  let wanted: number;

  async function samplesFrom(file: string, module: Module, count: number) {
    const preprocess = await openPreprocess(join(folder, "preprocess.json"));
    const inputs = modelInputs(module);
    const all = await openDataset(join(folder, file), {
      labels: null,
      withLabels: true,
      preprocess,
      inputs: inputs.map((input) => input.name),
    });
    const dataset = limit(all, count);
    return { source: sampleSource(dataset, inputs, preprocess), dataset };
  }

  beforeAll(async () => {
    const bytes = readFileSync(join(folder, "digits.onnx"));
    const ann = known(importOnnx(bytes, { file: "digits.onnx" }).module, "the model");
    const calibration = await samplesFrom("calibration.npz", ann, 64);
    const test = await samplesFrom("test.npz", ann, 60);
    samples = test.source;
    labels = known(test.dataset.labels, "labels");
    measure = calibrationOn(calibration.source, running);
    float = (await convert(ann, measure, running, { timesteps, pipeline: "mmse" })).module;
    wanted = await accuracyOf(float);
  });

  async function accuracyOf(module: Module): Promise<number> {
    const options = { timesteps, label: "digits" };
    const { accuracy } = await evaluateModule(module, { samples, labels }, running, options);
    return known(accuracy?.at(-1), "an accuracy");
  }

  it.each([
    [8, 0.02],
    [4, 0.05],
  ])("lose little with %i bits", async (bits, loss) => {
    const pipeline = `quantise{bits=${bits}}`;
    const { module } = await convert(float, measure, running, { timesteps, pipeline });
    const most = 2 ** (bits - 1) - 1;
    const convs = opsOf(module, "ann.conv").filter(({ attrs }) => attrs.groups === 1);
    expect(convs).toHaveLength(4);
    for (const { attrs } of convs) {
      expect(tensorAt(module, attrs.weight).data.every((w) => Math.abs(w) <= most)).toBe(true);
    }
    expect(await accuracyOf(module)).toBeGreaterThanOrEqual(wanted - loss);
  });
});

/** The README's table is what its command measures, to the digit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  digits3,
  lossPoints,
  percent,
  quantity,
  withError,
} from "../../calibrate/report/format.ts";
import {
  convert,
  evaluatePair,
  importOnnx,
  inputsOf,
  modelInputs,
  sampleSource,
} from "../../index.ts";
import { known } from "../../ir/diagnostic.ts";
import { openDataset, openPreprocess, wasmEngine } from "../../library/node.ts";
import { root, textOf } from "./markdown.ts";

const folder = join(root, "examples/digits");

it("has the numbers of the example", async () => {
  const rows = [...textOf("README.md").matchAll(/^(\d+|ANN) +(\S+ %)(.*)$/gm)];
  const bytes = readFileSync(join(folder, "digits.onnx"));
  const ann = known(importOnnx(bytes, { file: "digits.onnx" }).module, "the example's network");
  expect(inputsOf(ann)).toHaveLength(1);
  const preprocess = await openPreprocess(join(folder, "preprocess.json"));
  const open = async (name: string) => {
    const dataset = await openDataset(join(folder, name));
    return { samples: sampleSource(dataset, modelInputs(ann), preprocess), labels: dataset.labels };
  };
  const running = { engine: wasmEngine, threads: 2 };
  const timesteps = 4;
  const { samples } = await open("calibration.npz");
  const { module, reference } = await convert(ann, samples, running, { timesteps });
  const before = known(reference, "the analogue network");
  const test = await open("test.npz");
  const { snn, ann: original } = await evaluatePair(before, module, test, running, timesteps);

  expect(rows.map(([, t]) => t)).toEqual(["1", "2", "3", "ANN"]);
  for (const [, t = "", accuracy = "", rest = ""] of rows) {
    if (t === "ANN") {
      expect(accuracy).toBe(percent(original.accuracy?.[0] ?? null));
      continue;
    }
    const at = Number(t) - 1;
    const share = known(snn.accuracy?.[at], "an accuracy");
    const products = known(original.multiplyAccumulatesPerSample[0], "the ANN's products");
    const ratio = (counts: readonly number[]): string =>
      digits3(((counts[at] ?? NaN) + (snn.multiplyAccumulatesPerSample[at] ?? NaN)) / products);
    expect([accuracy, ...rest.trim().split(/ {2,}/)]).toEqual([
      percent(share),
      withError(
        lossPoints((original.accuracy?.[0] ?? NaN) - share),
        snn.lossStandardError?.[at] ?? null,
      ),
      percent(snn.agreement?.[at] ?? null),
      quantity(snn.spikesPerSample[at] ?? null),
      ratio(snn.synapticOperationsPerSample),
      ratio(snn.synapticBitsPerSample),
    ]);
  }
});

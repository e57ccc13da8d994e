/**
 * A network that was trained with the soft-LIF activation, by `npm run train:soft-lif`, keeps its
 * answers on leaky neurons. The model lies beside this file; the images are real ones.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { limit } from "../../calibrate/data/dataset.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { parsePreprocess } from "../../calibrate/data/preprocess.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { known } from "../../ir/diagnostic.ts";
import { evaluateModule } from "../../library/assess.ts";
import { convert } from "../../library/convert.ts";
import { moduleOf } from "../frontend/run.ts";
import { hasShared, shared } from "./shared.ts";

const running = { engine: wasmEngine, threads: 1 };

describe.skipIf(!hasShared)("a network trained with soft-LIF", () => {
  it("loses at most half a point on leaky neurons, at steps of 1 ms", async () => {
    const module = moduleOf(readFileSync(join(import.meta.dirname, "soft-lif.onnx")));
    const images = limit(await openDataset(join(shared, "data/mnist/test")), 400);
    const preprocess = parsePreprocess('{"scale": "1/255"}', "preprocess.json", null);
    const samples = sampleSource(images, modelInputs(module), preprocess);
    const data = { samples, labels: images.labels };
    const ann = await evaluateModule(module, data, running, { timesteps: 1, keepLogits: true });
    const before = known(ann.accuracy?.[0], "labels");
    expect(before).toBeGreaterThan(0.96);
    const timesteps = 100;
    const conversion = await convert(module, null, running, { timesteps, pipeline: "lif" });
    const snn = await evaluateModule(conversion.module, data, running, { reference: ann });
    expect(snn.latencyTimesteps).toBe(timesteps);
    expect(before - known(snn.accuracy?.at(-1), "labels")).toBeLessThanOrEqual(0.005);
    expect(known(snn.agreement?.at(-1), "a reference")).toBeGreaterThan(0.985);
  });
});

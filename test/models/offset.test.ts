/**
 * A network whose activations are 3000 ± 1: what it loses by each kind of code is what others lose, as
 * the constant lies in biases and initial potentials, and steps and thresholds follow what varies.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { type Labelled, evaluatePair } from "../../library/assess.ts";
import { convert } from "../../library/convert.ts";
import { moduleOf } from "../frontend/run.ts";
import { shared } from "./shared.ts";

const cases = join(shared, "cases");
const hasCases = existsSync(join(cases, "offset-3000.onnx"));
if (!hasCases) process.stderr.write(`NOT TESTED on ${cases}: no such folder\n`);

const running = { engine: singleThreadEngine, threads: 1 };

async function dataFor(module: Module, file: string): Promise<Labelled> {
  const inputs = modelInputs(module);
  const names = inputs.map(({ name }) => name);
  const dataset = await openDataset(join(cases, file), { inputs: names });
  return { samples: sampleSource(dataset, inputs, null), labels: dataset.labels };
}

describe.skipIf(!hasCases)("activations of 3000 ± 1", () => {
  // Spikes with steps fitted to what is left, weights fitted layer by layer, integers, and the classics.
  it.each(["differential", "rate", "integer", "max", "percentile", "local", "mmse"])("%s is within a point of the ANN", async (pipeline) => {
    const module = moduleOf(readFileSync(join(cases, "offset-3000.onnx")));
    const { samples } = await dataFor(module, "offset-3000.calib.npz");
    const test = await dataFor(module, "offset-3000.test.npz");
    const made = (await convert(module, samples, running, { pipeline })).module;
    const { ann, snn } = await evaluatePair(module, made, test, running, made.timesteps);
    // What the analogue network has on these 500 samples.
    expect(ann.accuracy).toEqual([0.984]);
    const last = known(snn.accuracy?.at(-1), "an accuracy");
    expect(Math.abs(last - 0.984)).toBeLessThanOrEqual(0.01);
  });
});

/**
 * Trained models of others in WebAssembly: as they are and converted, every op has a kernel.
 * Analogue ones give what onnxruntime gave, spiking ones what the typed engine gives.
 */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { compileProgram } from "../../backends/wasm/compile.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { compileOptionsOf } from "../../backends/wasm/request.ts";
import { filesBeside } from "../../frontend/files.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, SampleResult, SampleSource } from "../../ir/executable.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { tensor } from "../../ir/tensor.ts";
import { convert } from "../../library/convert.ts";
import {
  type SharedModel,
  expectedLogits,
  hasShared,
  preprocessed,
  shared,
  sharedModels,
  testImage,
} from "./shared.ts";

/** Largest difference from onnxruntime, in parts of the range of its outputs. */
const tolerance = 1e-4;

/** Networks that stay analogue: attention has no spiking form. */
const analogueOnly = ["vnn_vit_pgd_2_3_16"];

function moduleOf(model: SharedModel): Module {
  const path = join(shared, model.file);
  const file = basename(path);
  return known(
    importOnnx(readFileSync(path), { file, files: filesBeside(path) }).module,
    "a module",
  );
}

function samplesOf(model: SharedModel, module: Module, count: number): SampleSource {
  const shape = inputsOf(module)[0]?.type.shape ?? [];
  return {
    count,
    get: (index) => [
      tensor("f32", shape, preprocessed(model, testImage(model.dataset, index))),
    ],
  };
}

/** The kinds of ops that the host has to compute. */
async function hostKinds(module: Module, timesteps: number): Promise<readonly string[]> {
  const program = await compileProgram(module, compileOptionsOf(module, { timesteps }));
  return program.tasks.map(({ op }) => op.kind);
}

async function resultOf(
  engine: Engine,
  module: Module,
  samples: SampleSource,
): Promise<SampleResult> {
  const executable = await engine.load(module, { threads: 1 });
  const results: SampleResult[] = [];
  await executable.run(samples, { timesteps: 8 }, (result) => results.push(result));
  await executable.close();
  return known(results[0], "a result");
}

function total(counts: ArrayLike<number>): number {
  return Array.from(counts).reduce((a, b) => a + b, 0);
}

describe.skipIf(!hasShared)("trained models in WebAssembly", () => {
  it.each([...sharedModels()])("%s, analogue", async (_name, model) => {
    const module = moduleOf(model);
    expect(await hostKinds(module, 1)).toEqual([]);
    const executable = await wasmEngine.load(module, { threads: 1 });
    const expected = expectedLogits(model);
    await executable.run(samplesOf(model, module, 2), { timesteps: 1 }, ({ index, outputs }) => {
      const want = expected(index);
      const range = Math.max(...want) - Math.min(...want);
      const [found] = outputs;
      const errors = [...want].map((y, i) => Math.abs(y - (found?.[i] ?? NaN)) / range);
      expect(Math.max(...errors)).toBeLessThan(tolerance);
    });
    await executable.close();
  });

  const convertible = [...sharedModels()].filter(([name]) => !analogueOnly.includes(name));
  it.each(convertible)("%s, converted", async (_name, model) => {
    const module = moduleOf(model);
    const { wanted, found } = await converted(module, model, "mmse");
    // A sum that is rounded otherwise may move a spike by a timestep, and no more than a few do.
    const difference = Math.abs(total(found.spikes) - total(wanted.spikes));
    expect(difference).toBeLessThanOrEqual(1e-4 * total(wanted.spikes));
    expect(errorOf(found, wanted)).toBeLessThan(difference === 0 ? tolerance : 0.1);
  });

  it.each(convertible)("%s, converted to integers", async (_name, model) => {
    const { wanted, found } = await converted(moduleOf(model), model, "integer");
    expect(found.spikes).toEqual(wanted.spikes);
    // What is left analogue behind the read-out, as a softmax is, is not of integers.
    expect(errorOf(found, wanted)).toBeLessThan(1e-6);
  });
});

/** A model converted and run for one sample, on the typed engine and in WebAssembly. */
async function converted(module: Module, model: SharedModel, pipeline: string) {
  const running = { engine: wasmEngine, threads: 1 };
  const options = { timesteps: 8, allowAnalogue: true, pipeline };
  const { module: spiking } = await convert(
    module,
    samplesOf(model, module, 2),
    running,
    options,
  );
  expect(spiking.code).toBe("rate");
  expect(await hostKinds(spiking, 8)).toEqual([]);
  const samples = samplesOf(model, module, 1);
  return {
    wanted: await resultOf(singleThreadEngine, spiking, samples),
    found: await resultOf(wasmEngine, spiking, samples),
  };
}

/** Largest difference of the outputs, in parts of the largest output. */
function errorOf(found: SampleResult, wanted: SampleResult): number {
  const [y, z] = [wanted.outputs[0] ?? [], found.outputs[0] ?? []];
  const scale = Math.max(...Array.from(y, Math.abs));
  return Math.max(...Array.from(y, (value, i) => Math.abs(value - (z[i] ?? NaN)) / scale));
}

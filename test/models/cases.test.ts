/** Small inputs that were wrong once, beside the repository: what every engine and a build make of them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { wholeOf } from "../../calibrate/data/dataset.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { provenTimesteps } from "../../ir/analysis/bounds.ts";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import type { Engine } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import { decodePackage } from "../../ir/file/package.ts";
import { buildFiles, unpack } from "../backends/wasm-emit/network.ts";
import { hasShared, shared } from "./shared.ts";

const caseFile = (name: string): string => path.join(shared, "cases", name);

async function networkOf(name: string): Promise<Module> {
  const file = caseFile(name);
  const bytes = await readFile(file);
  if (name.endsWith(".snn")) return decodePackage(bytes, name).module;
  return known(importOnnx(bytes, { file: name }).module, "a module");
}

/** The outputs of all samples of a file, one after the other, by name. */
async function outputsOn(engine: Engine, module: Module, file: string) {
  const inputs = modelInputs(module);
  const names = inputs.map(({ name }) => name);
  const dataset = await openDataset(file, { withLabels: false, preprocess: null, inputs: names });
  const samples = sampleSource(dataset, inputs, null);
  const gathered = new Map<string, number[]>(module.outputs.map(({ name }) => [name, []]));
  const executable = await engine.load(module, { threads: 1 });
  await executable.run(samples, { timesteps: 1 }, ({ outputs }) => {
    module.outputs.forEach(({ name }, i) => gathered.get(name)?.push(...(outputs[i] ?? [])));
  });
  await executable.close();
  return gathered;
}

describe.skipIf(!hasShared)("a sum that is broadcast in an addition", () => {
  const engines = [interpretEngine, singleThreadEngine, singleThreadWasmEngine];
  const cases = ["broadcast-add-linear", "broadcast-add-sequence"];
  const all = cases.flatMap((name) => engines.map((engine) => [name, engine.name, engine] as const));
  it.each(all)("%s on %s gives what onnxruntime gave", async (name, _, engine) => {
    const dataset = await openDataset(caseFile(`${name}.expected.npz`), {
      withLabels: false,
      preprocess: null,
    });
    const expected = new Map(dataset.fields.map((field) => [field.name, wholeOf(field).data]));
    const module = await networkOf(`${name}.onnx`);
    const found = await outputsOn(engine, module, caseFile(`${name}.npz`));
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const [output, values] of found) {
      const wanted = Array.from(known(expected.get(output), "an array"));
      expect(values).toHaveLength(wanted.length);
      expect(wanted.length).toBeGreaterThan(0);
      const off = values.map((x, i) => Math.abs(x - (wanted[i] ?? NaN)));
      expect(Math.max(...off)).toBeLessThan(1e-5);
    }
  });
});

describe.skipIf(!hasShared)("integers that do not fit 32 bits", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "snnc-cases-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("in one timestep are neither run nor built", async () => {
    const module = await networkOf("hostile/integer-overflow.snn");
    const codesOf = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => [],
        (error: unknown) =>
          error instanceof DiagnosticError ? error.diagnostics.map(({ code }) => code) : error,
      );
    expect(await codesOf(buildFiles(module, {}))).toEqual(["integer-overflow"]);
    for (const engine of [interpretEngine, singleThreadEngine, singleThreadWasmEngine]) {
      const run = outputsOn(engine, module, caseFile("hostile/four.npy"));
      expect(await codesOf(run), engine.name).toEqual(["integer-overflow"]);
    }
  });

  it("after many are not run by what is built", async () => {
    const module = await networkOf("hostile/integer-long.snn");
    const { files } = await buildFiles(module, { timesteps: 4 });
    const { loader, url } = await unpack(path.join(folder, "long"), files);
    const network = await loader.load(url);
    const most = known(network.mostTimesteps, "an end");
    const input = [Float32Array.of(4, 4, 4, 4)];
    expect(() => network.run(input, { timesteps: most + 1 })).toThrow(/may leave 32 bits/);
    expect(network.run(input, { timesteps: 8 }).timesteps).toBe(8);
    expect(most).toBe(provenTimesteps(module));
  });
});

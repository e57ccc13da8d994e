/** The loader of a build runs the network as the engine and the interpreter do. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Network, RunResult } from "../../../backends/wasm/emit/loader/api.ts";
import { wasmEngine } from "../../../backends/wasm/engine.ts";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import { marginOf } from "../../../ir/run/early-exit.ts";
import type { Probe, SampleResult } from "../../../ir/executable.ts";
import { type Module, opsOf } from "../../../ir/module.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { annNetworks, spikingNetworks } from "../../random/module.ts";
import { expectClose } from "../wasm/compare.ts";
import {
  type Loader,
  buildFiles,
  framedNetwork,
  gradedNetwork,
  image,
  integerNetwork,
  recurrentNetwork,
  spikingNetwork,
  unpack,
} from "./network.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "snnc-loader-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the engine finds for a sample. */
async function engineOn(
  module: Module,
  inputs: readonly Tensor[],
  timesteps: number,
  probes: readonly Probe[],
): Promise<SampleResult> {
  const executable = await wasmEngine.load(module, { threads: 1 });
  const results: SampleResult[] = [];
  await executable.run({ count: 1, get: () => inputs }, { timesteps, probes }, (r) => {
    results.push(r);
  });
  await executable.close();
  return known(results[0], "a result");
}

function expectSame(found: RunResult, wanted: SampleResult, module: Module): void {
  module.outputs.forEach(({ name }, i) => {
    const output = known(found.outputs[name], name);
    expectClose(output.data, known(wanted.outputs[i], "an output"));
  });
}

describe("a built network of other neurons", () => {
  it("runs one in which values come back, and begins anew with each sample", async () => {
    const module = recurrentNetwork();
    const { files } = await buildFiles(module);
    const { loader, url } = await unpack(path.join(folder, "recurrent"), files);
    const network = await loader.load(url);
    for (const seed of [1, 2, 1]) {
      const found = network.run([image(seed).data], { timesteps: 9 });
      expectSame(found, await engineOn(module, [image(seed)], 9, []), module);
    }
  });

  it("counts the bits of graded spikes, from chunk to chunk", async () => {
    const module = gradedNetwork();
    const { files } = await buildFiles(module, { probes: ["all"], membranes: ["relu2"] });
    const { loader, url } = await unpack(path.join(folder, "graded"), files);
    const network = await loader.load(url);
    const [first, second] = opsOf(module, "snn.graded");
    const probes = [
      { value: known(first, "a layer").result, keep: "trace" as const },
      { value: known(second, "a layer").result, keep: "state" as const },
    ];
    const wanted = await engineOn(module, [image(1)], 9, probes);
    const found = network.run([image(1).data], {
      spikes: true,
      probes: ["relu1", "relu2.membrane"],
    });
    expectSame(found, wanted, module);
    const layers = known(found.spikes, "counts").layers;
    const sum = (name: string): number =>
      Array.from(known(layers[name], name)).reduce((all, n) => all + n, 0);
    expect([sum("relu1"), sum("relu2")]).toEqual(Array.from(wanted.spikes));
    expect(sum("relu1")).toBeGreaterThan(0);
    ["relu1", "relu2.membrane"].forEach((name, i) => {
      const kept = known(found.probes[name], name).data;
      expectClose(kept, known(wanted.probes[i], "a probe"));
    });
  });

  it("gives one answer where its code has frames", async () => {
    const module = framedNetwork();
    const { files } = await buildFiles(module, { timesteps: 3, chunk: 4 });
    const { loader, url } = await unpack(path.join(folder, "framed"), files);
    const network = await loader.load(url);
    expect([network.timesteps, network.chunk, network.frame]).toEqual([1, 1, 5]);
    for (const seed of [1, 2]) {
      const wanted = await engineOn(module, [image(seed)], 5, []);
      const found = network.run([image(seed).data], { spikes: true });
      expectSame(found, wanted, module);
      expect(found.spikes?.total).toBe(wanted.spikes[0]);
    }
    expect(() => network.run(null)).toThrow("a network that runs by frames has no timesteps");
    expect(() => network.run([image(1).data], { timesteps: 5 })).toThrow("has one timestep, not 5");
  });
});

describe("a built network", () => {
  const module = spikingNetwork();
  let network: Network;
  let loader: Loader;
  let url: URL;

  beforeAll(async () => {
    const options = { chunk: 5, probes: ["all", "conv"], membranes: ["relu"] };
    const { files } = await buildFiles(module, options);
    ({ loader, url } = await unpack(path.join(folder, "net"), files));
    network = await loader.load(url);
  });

  it("says what it takes and gives", () => {
    expect(network.inputs).toEqual([{ name: "image", shape: [1, 2, 6, 5], preprocess: null }]);
    expect(network.outputs).toEqual([{ name: "logits", shape: [1, 4] }]);
    expect(network.layers).toEqual([
      { name: "relu", shape: [1, 3, 6, 5], neurons: 90 },
      { name: "relu#2", shape: [1, 8], neurons: 8 },
    ]);
    expect(network.probes.map(({ name, keeps }) => [name, keeps])).toEqual([
      ["relu", "spikes"],
      ["relu#2", "spikes"],
      ["conv", "values"],
      ["relu.membrane", "membrane"],
    ]);
    const { kind, timesteps, chunk, classes } = network;
    expect({ kind, timesteps, chunk, classes }).toEqual({
      kind: "snn",
      timesteps: 12,
      chunk: 5,
      classes: null,
    });
  });

  it("gives the engine's outputs at each timestep, its spikes and its potentials", async () => {
    const neurons = opsOf(module, "snn.if").map(({ result }) => result);
    const [first, second] = neurons;
    const probes: Probe[] = [
      { value: known(first, "a layer"), keep: "trace" },
      { value: known(second, "a layer"), keep: "trace" },
      { value: known(opsOf(module, "ann.conv")[0], "a convolution").result, keep: "trace" },
      { value: known(first, "a layer"), keep: "state" },
    ];
    for (const seed of [1, 2, 3]) {
      const sample = image(seed);
      const wanted = await engineOn(module, [sample], 12, probes);
      const found = network.run(sample.data, {
        spikes: true,
        probes: ["relu", "relu#2", "conv", "relu.membrane"],
      });
      expectSame(found, wanted, module);
      expect([found.after, found.timesteps, found.exited]).toEqual([0, 12, false]);
      const kept = ["relu", "relu#2", "conv", "relu.membrane"].map((name) => found.probes[name]);
      kept.forEach((series, i) =>
        expectClose(known(series, "a probe").data, known(wanted.probes[i], "")),
      );
      const spikes = known(found.spikes, "spikes");
      const sums = Object.values(spikes.layers).map((row) => row.reduce((a, b) => a + b, 0));
      expect(sums).toEqual([...wanted.spikes]);
      expect(spikes.total).toBe(wanted.activity.spikes.at(-1));
    }
  });

  it("counts nothing and keeps no probe unless asked", () => {
    const { spikes, probes } = network.run(image(1).data);
    expect([spikes, probes]).toEqual([null, {}]);
  });

  it("reads a series by timestep from the start of the sample", () => {
    const { logits } = network.run(image(1).data, { timesteps: 3 }).outputs;
    const { data, at, last } = known(logits, "logits");
    expect([...at(2)]).toEqual([...data.subarray(4, 8)]);
    expect([...last]).toEqual([...at(3)]);
    expect(() => at(0)).toThrow('"logits" has timesteps 1 to 3, not 0');
    expect(() => at(4)).toThrow("not 4");
  });

  it("goes on with a sample as if it had not stopped, in the middle of a chunk too", () => {
    const whole = known(network.run(image(2).data, { timesteps: 12 }).outputs["logits"], "logits");
    const begun = network.run(image(2).data, { timesteps: 3 });
    const rest = network.run(null, { timesteps: 9, spikes: true });
    expect([begun.after, rest.after, rest.timesteps]).toEqual([0, 3, 9]);
    const joined = [begun, rest].flatMap(({ outputs }) => [...(outputs["logits"]?.data ?? [])]);
    expect(joined).toEqual([...whole.data]);
    expect([...known(rest.outputs["logits"], "logits").at(4)]).toEqual([...whole.at(4)]);
  });

  it("has nothing to go on with after a reset", () => {
    const before = network.run(image(2).data).outputs["logits"];
    network.reset();
    expect(() => network.run(null)).toThrow("there is no sample to go on with: give inputs");
    expect(network.run(image(2).data).outputs["logits"]?.data).toEqual(before?.data);
  });

  it.each(["probability", "output"] as const)("ends once the margin of its %s is met", (of) => {
    const whole = known(network.run(image(3).data).outputs["logits"], "logits");
    const margins = Array.from({ length: 12 }, (_, i) => marginOf(whole.data, 4 * i, 4, of));
    const margin = Math.max(...margins.slice(0, 9)) * 0.999;
    const expected = 1 + margins.findIndex((m, i) => m >= margin && i >= 1 && (i + 1) % 2 === 0);
    const options = { exit: { margin, of, minimum: 2, every: 2 } };
    const { timesteps, exited, outputs } = network.run(image(3).data, options);
    expect([timesteps, exited]).toEqual(expected === 0 ? [12, false] : [expected, true]);
    expect([...known(outputs["logits"], "logits").last]).toEqual([...whole.at(timesteps)]);
  });

  it.each([
    [{ margin: 0 }, 1],
    [{ margin: 0, minimum: 5 }, 5],
    [{ margin: 0, every: 4 }, 4],
    [{ margin: 0, minimum: 5, every: 3 }, 6],
    [{ margin: 2 }, 12],
  ])("looks at the margin when it is told to: %j", (exit, timesteps) => {
    const result = network.run(image(3).data, { exit });
    expect([result.timesteps, result.exited]).toEqual([timesteps, timesteps < 12]);
  });

  it("tells of each timestep, and ends where it is told to", () => {
    const seen: number[][] = [];
    const result = network.run(image(1).data, {
      onTimestep({ timestep, outputs }) {
        seen.push([timestep, ...known(outputs["logits"], "logits")]);
        return timestep < 4;
      },
    });
    expect([result.timesteps, result.exited]).toEqual([4, true]);
    const logits = known(result.outputs["logits"], "logits");
    expect(seen).toEqual([1, 2, 3, 4].map((t) => [t, ...logits.at(t)]));
  });

  it("takes inputs as one, as a list and by name", () => {
    const { data } = image(1);
    const wanted = network.run(data).outputs["logits"]?.data;
    for (const inputs of [[data], { image: data }, Array.from(data)]) {
      expect(network.run(inputs).outputs["logits"]?.data).toEqual(wanted);
    }
  });

  it.each([
    [new Float32Array(59), 'input "image" takes 60 numbers ([1, 2, 6, 5]), not 59'],
    [[], 'the network takes 1 inputs ("image"), not 0'],
    [{ picture: new Float32Array(60) }, 'no input is named "picture"; there are: image'],
    [{}, 'input "image" is missing'],
    [new Float32Array(60).fill(NaN, 7), 'input "image" holds NaN at 7'],
  ])("refuses inputs that do not fit (%#)", (inputs, message) => {
    expect(() => network.run(inputs)).toThrow(message);
  });

  it.each([
    [{ timesteps: 0 }, "timesteps must be a whole number from 1, not 0"],
    [{ probes: ["fc1"] }, 'no probe is named "fc1"; there are: relu, relu#2, conv, relu.membrane'],
    [{ exit: { margin: NaN } }, "exit.margin must be a number from 0, not NaN"],
    [{ exit: { margin: 1, output: "y" } }, 'no output is named "y"; there are: logits'],
    [{ exit: { margin: 1, every: 0 } }, "exit.every must be a whole number from 1, not 0"],
  ])("refuses options that mean nothing (%#)", (options, message) => {
    expect(() => network.run(image(1).data, options)).toThrow(message);
  });

  it("loads from bytes, and says which file is not of the build", async () => {
    const { files } = await buildFiles(module);
    const wasm = known(files.get("model.wasm"), "code");
    const weights = known(files.get("model.weights"), "weights");
    const loaded = await loader.load({ wasm, weights });
    expect(loaded.chunk).toBe(4);
    expect(loaded.run(image(1).data).outputs["logits"]?.data).toEqual(
      network.run(image(1).data).outputs["logits"]?.data,
    );
    await expect(loader.load({ wasm, weights: weights.slice(1) })).rejects.toThrow(
      `model.weights has ${weights.length - 1} bytes, and model.wasm belongs to one of ${weights.length}`,
    );
    await expect(loader.load({ wasm: weights, weights })).rejects.toThrow("is no WebAssembly");
    const bare = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    await expect(loader.load({ wasm: bare, weights })).rejects.toThrow("not made by snnc build");
    await expect(loader.load(new URL("nowhere/", url))).rejects.toThrow("no such file");
  });

  it("runs samples side by side, with the same results in the same order", async () => {
    const pool = await network.createPool(3);
    expect([pool.threads, pool.memory, pool.reason]).toEqual([3, "shared", null]);
    const samples = Array.from({ length: 8 }, (_, seed) => image(seed).data);
    const options = { spikes: true, exit: { margin: 0.9 } };
    const found = await pool.runAll(samples, options);
    const wanted = samples.map((inputs) => network.run(inputs, options));
    expect(found.map(plain)).toEqual(wanted.map(plain));
    await expect(pool.run(new Float32Array(3))).rejects.toThrow("takes 60 numbers");
    await expect(pool.run(image(1).data, { timesteps: -1 })).rejects.toThrow("not -1");
    pool.close();
    await expect(pool.run(image(1).data)).rejects.toThrow("the pool is closed");
    await expect(network.createPool(0)).rejects.toThrow("from 1 to 256, not 0");
  });
});

/** A result without its functions. */
function plain({ outputs, spikes, timesteps }: RunResult): unknown {
  return { logits: outputs["logits"]?.data, spikes, timesteps };
}

describe("any network that can be built", () => {
  let loader: Loader;
  beforeAll(async () => {
    const { files } = await buildFiles(spikingNetwork());
    ({ loader } = await unpack(path.join(folder, "any"), files));
  });

  it.each([
    ["spiking", spikingNetworks(), 6],
    ["analogue", annNetworks(), 1],
  ] as const)("runs as on the engine: %s", async (kind, networks, timesteps) => {
    let built = 0;
    await fc.assert(
      fc.asyncProperty(
        networks,
        fc.integer({ min: 1, max: 4 }),
        async ({ module, inputs }, chunk) => {
          try {
            const { files } = await buildFiles(module, { chunk });
            built++;
            const wasm = known(files.get("model.wasm"), "code");
            const weights = known(files.get("model.weights"), "weights");
            const network = await loader.load({ wasm, weights });
            const options = kind === "spiking" ? { timesteps } : {};
            const found = network.run(
              inputs.map(({ data }) => data),
              options,
            );
            expectSame(found, await engineOn(module, inputs, timesteps, []), module);
          } catch (error) {
            // What needs the host is refused; see build.test.ts.
            if (!(error instanceof DiagnosticError)) throw error;
          }
        },
      ),
      { numRuns: 25 },
    );
    expect(built).toBeGreaterThan(5);
  });
});

describe("a built network of integers", () => {
  /** Steps of 128 · 10⁶, of which ⌊(2³¹ − 1) / 1.28e8⌋ = 16 fit. */
  const factor = 1e6;

  it("runs for as many timesteps as are proved to fit 32 bits, and refuses more", async () => {
    const { files } = await buildFiles(integerNetwork(factor), {});
    const { loader, url } = await unpack(path.join(folder, "integers"), files);
    const network = await loader.load(url);
    expect(network.mostTimesteps).toBe(16);
    expect(network.run([Float32Array.of(100)], { timesteps: 16 }).timesteps).toBe(16);
    const longer = (): unknown => network.run([Float32Array.of(100)], { timesteps: 17 });
    expect(longer).toThrow(
      'a run up to timestep 17 may leave 32 bits: the integers of "integers" are proved to fit for 16',
    );
    network.run([Float32Array.of(100)], { timesteps: 10 });
    expect(() => network.run(null, { timesteps: 7 })).toThrow(/up to timestep 17/);
    expect(network.run(null, { timesteps: 6 }).after).toBe(10);
    const pool = await network.createPool(1);
    await expect(pool.run([Float32Array.of(100)], { timesteps: 17 })).rejects.toThrow(
      /up to timestep 17/,
    );
    pool.close();
  });

  it("is not built for more, as no engine runs it", async () => {
    const failure = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => null,
        (error: unknown) => (error instanceof DiagnosticError ? error.diagnostics : error),
      );
    expect(await failure(buildFiles(integerNetwork(factor), { timesteps: 17 }))).toMatchObject([
      { code: "integer-timesteps" },
    ]);
    expect(await failure(buildFiles(integerNetwork(1e8), {}))).toMatchObject([
      { code: "integer-overflow" },
    ]);
  });

  it("has no such end where it has no integers over time", async () => {
    const { files } = await buildFiles(spikingNetwork(), {});
    const { loader, url } = await unpack(path.join(folder, "floats"), files);
    expect((await loader.load(url)).mostTimesteps).toBeNull();
  });
});

/**
 * Layers on words, by products of bytes and of two bytes: the interpreter's very spikes, potentials and counts,
 * in one chunk of timesteps and in several.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { singleThreadWasmEngine } from "../../../../../backends/wasm/runtime/single.ts";
import { interpretEngine } from "../../../../../backends/interpret/engine.ts";
import { Builder } from "../../../../../ir/build.ts";
import { known } from "../../../../../ir/diagnostic.ts";
import type { Engine, Probe, RunOptions, SampleResult } from "../../../../../ir/executable.ts";
import type { Module } from "../../../../../ir/module.ts";
import { neuronsOf } from "../../../../../ir/op/known.ts";
import { type Tensor, tensorOf } from "../../../../../ir/tensor.ts";
import { type LayerChoice, wordNetwork, wordNetworks } from "../../../../random/words.ts";
import { real } from "../../../../../ir/type.ts";
import { loc } from "../../../../ir/one-op.ts";
import { runOn } from "../../compare.ts";
import { runModelled } from "./relaxed.ts";

function probesOf(module: Module): Probe[] {
  return neuronsOf(module).flatMap(({ result }): Probe[] => [
    { value: result, keep: "trace" },
    { value: result, keep: "state" },
  ]);
}

function told({ outputs, probes, spikes, bits, activity }: SampleResult) {
  return { outputs, probes, spikes, bits, activity };
}

/** With and without probes: potentials that are asked for keep timesteps from being skipped. */
function optionsFor(module: Module, timesteps: number): RunOptions[] {
  return [{ timesteps, probes: probesOf(module) }, { timesteps }];
}

/** An image's rows from this one on, or up to it, counted from the end; others are 0. */
function rowsOf({ shape, data }: Tensor, from: number): Tensor {
  const [, , height = 1, width = 1] = shape;
  const isKept = (row: number): boolean => (from < 0 ? row < height + from : row >= from);
  const kept = Array.from(data, (x, i) => (isKept(Math.floor(i / width) % height) ? x : 0));
  return tensorOf("f32", shape, kept);
}

/** Samples one after the other, in the memory of one executable. */
async function samplesOn(
  engine: Engine,
  module: Module,
  samples: readonly Tensor[],
  options: RunOptions,
): Promise<SampleResult[]> {
  const executable = await engine.load(module, { threads: 1 });
  const found: SampleResult[] = [];
  const source = { count: samples.length, get: (i: number) => [known(samples[i], "a sample")] };
  await executable.run(source, options, (result) => found.push(result));
  return found;
}

const durations = fc.constantFrom(1, 2, 4, 6, 9, 70);

describe("layers on words", () => {
  it("are the interpreter's to the bit, as words of two bytes", async () => {
    await fc.assert(
      fc.asyncProperty(wordNetworks(), durations, async ({ module, inputs }, timesteps) => {
        for (const options of optionsFor(module, timesteps)) {
          const wanted = await runOn(interpretEngine, module, inputs, options);
          const found = await runOn(singleThreadWasmEngine, module, inputs, options);
          expect(told(found.sample)).toEqual(told(wanted.sample));
        }
      }),
      { numRuns: 3 },
    );
  });

  it("are so as bytes, and never leave a result to the machine", async () => {
    let all = 0;
    await fc.assert(
      fc.asyncProperty(wordNetworks(), durations, async ({ module, inputs }, timesteps) => {
        const probes = neuronsOf(module).map(({ result }): Probe => {
          return { value: result, keep: "trace" };
        });
        const options = { timesteps, probes, countOperations: false };
        const wanted = await runOn(interpretEngine, module, inputs, options);
        const { sample, instructions } = await runModelled(module, inputs, options);
        all += instructions;
        expect(sample.outputs).toEqual(wanted.sample.outputs);
        expect(sample.probes).toEqual(wanted.sample.probes);
      }),
      { numRuns: 3 },
    );
    expect(all).toBeGreaterThan(0);
  });

  it.each([
    // Rows of pixels that the pool joins, of which some are silent when others are not; and pixels alone behind them.
    { pool: "apart", shape: [1, 3, 9, 4] },
    { pool: "overlapping", shape: [1, 3, 9, 9] },
  ] as const)(
    "pass over timesteps of pools, and of pixels alone: $pool",
    async ({ pool, shape }) => {
      const usual = {
        alphabet: "word",
        hasCeiling: false,
        size: "usual",
        amplitude: "one",
      } as const;
      const neurons = { ...usual, bits: 4, sign: "retract", shares: "powers" } as const;
      const rows = { kernel: 3, stride: 1, pad: 0, isDepthwise: false, shortcut: "none" } as const;
      const layer = { ...rows, channels: 9, hasBias: false, pool, neurons } as const;
      const alone = { ...layer, kernel: shape[2] > 5 ? 3 : 1, pool: "none" } as const;
      const { module, inputs } = wordNetwork(1, shape, neurons, [layer, alone, alone]);
      // Samples of one memory: where rows of the first send and others do not, its sums are still there.
      const [whole] = inputs;
      const samples = [0, 6, -6].map((from) => rowsOf(known(whole, "an image"), from));
      for (const options of optionsFor(module, 9)) {
        const wanted = await samplesOn(interpretEngine, module, samples, options);
        const found = await samplesOn(singleThreadWasmEngine, module, samples, options);
        expect(found.map(told)).toEqual(wanted.map(told));
      }
      const options = { timesteps: 9, countOperations: false };
      const wanted = await runOn(interpretEngine, module, inputs, options);
      const { sample } = await runModelled(module, inputs, options);
      expect(sample.outputs).toEqual(wanted.sample.outputs);
    },
  );

  it.each([
    // What the taps of a window come to fits 16 bits at once, not in one sum of all, and not at all.
    { bits: 4, kernel: 3, stride: 2 },
    { bits: 6, kernel: 5, stride: 1 },
    { bits: 9, kernel: 2, stride: 1 },
  ])("sum depthwise windows: words of $bits bits, $kernel × $kernel", async (shape) => {
    const { bits, kernel, stride } = shape;
    const usual = { alphabet: "word", hasCeiling: false, size: "one", amplitude: "one" } as const;
    const neurons = { ...usual, bits, sign: "free", shares: "powers" } as const;
    const windows = {
      channels: 1,
      kernel,
      stride,
      pad: 1,
      hasBias: false,
      pool: "none",
      neurons,
    } as const;
    const layer: LayerChoice = { ...windows, isDepthwise: true, shortcut: "none" };
    const { module, inputs } = wordNetwork(1, [1, 3, 6, 7], neurons, [layer]);
    const probes = neuronsOf(module).map(({ result }): Probe => ({ value: result, keep: "trace" }));
    const options = { timesteps: 3, probes, countOperations: false };
    const wanted = await runOn(interpretEngine, module, inputs, options);
    const asShorts = await runOn(singleThreadWasmEngine, module, inputs, options);
    const asBytes = await runModelled(module, inputs, options);
    for (const { sample } of [asShorts, asBytes]) {
      expect(sample.outputs).toEqual(wanted.sample.outputs);
      expect(sample.probes).toEqual(wanted.sample.probes);
    }
  });

  it("have any number of channels and steps", async () => {
    const [channels, rows] = [4100, 32];
    const b = new Builder();
    const x = b.input("x", real("i8", [1, 1]), loc);
    const weights = Array.from({ length: channels }, (_, i) => (i % 255) - 127);
    const weight = b.tensor("w", tensorOf("i8", [channels, 1], weights));
    const current = b.add("ann.linear", [x], { weight, bias: null }, loc);
    const begun = b.add("snn.difference", [current], {}, loc);
    const shares = Array.from({ length: rows }, (_, row) => rows - row);
    const attrs = {
      threshold: b.tensor("theta", tensorOf("i32", [], [5])),
      vInit: b.tensor("v", tensorOf("i32", [], [0])),
      amplitude: b.tensor("one", tensorOf("i32", [], [1])),
      ceiling: null,
      bits: 4,
      alphabet: "word",
      sign: "retract",
      schedule: "table",
      shares: b.tensor("shares", tensorOf("i32", [rows, 1, 1], shares)),
    } as const;
    const sent = b.add("snn.graded", [begun], attrs, loc);
    const value = b.add("snn.accumulate", [sent], {}, loc);
    const module = b.finish({
      name: "wide",
      code: "differential",
      timesteps: rows,
      outputs: [{ name: "y", value }],
      properties: new Set(["spiking", "integer"]),
    });
    const inputs = [tensorOf("i8", [1, 1], [100])];
    const options = { timesteps: 3, countOperations: false };
    const wanted = await runOn(interpretEngine, module, inputs, options);
    const found = await runOn(singleThreadWasmEngine, module, inputs, options);
    expect(found.sample.outputs).toEqual(wanted.sample.outputs);
  });
});

/** Windows on words by events: the interpreter's very outputs and spikes, whichever timesteps are summed so. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileProgram } from "../../../../../backends/wasm/compile.ts";
import { interpretEngine } from "../../../../../backends/interpret/engine.ts";
import type { WindowKernel } from "../../../../../backends/wasm/lower/neurons/cost.ts";
import { lowerNetwork } from "../../../../../backends/wasm/lower/network.ts";
import { compileOptionsOf, longestChunk, runTaskOf } from "../../../../../backends/wasm/request.ts";
import { Instance, createMemory } from "../../../../../backends/wasm/runtime/instance.ts";
import { createRunner } from "../../../../../backends/wasm/runtime/runner.ts";
import type { Probe, RunOptions, SampleResult } from "../../../../../ir/executable.ts";
import type { Module } from "../../../../../ir/module.ts";
import { neuronsOf } from "../../../../../ir/op/known.ts";
import type { Tensor } from "../../../../../ir/tensor.ts";
import { type LayerChoice, wordNetwork, wordNetworks } from "../../../../random/words.ts";
import { runOn } from "../../compare.ts";
import { outputInParts } from "../../in-parts.ts";
import { withModel } from "./relaxed.ts";

interface Forced {
  readonly relaxed: boolean;
  /** The kernel of all windows; null as the cost model has them. */
  readonly windows: WindowKernel | null;
}

/** One sample on a program with these kernels. */
async function runWith(
  module: Module,
  inputs: readonly Tensor[],
  options: RunOptions,
  { relaxed, windows }: Forced,
): Promise<SampleResult> {
  const form = { shared: false, tiles: 1, longestChunk, relaxed };
  const asked = compileOptionsOf(module, options, form);
  const program = await compileProgram(module, windows === null ? asked : { ...asked, windows });
  const binary = relaxed ? withModel(program.binary).binary : Uint8Array.from(program.binary);
  const place = { arena: 0, part: 0, parts: 1 };
  const compiled = await WebAssembly.compile(binary);
  const instance = new Instance(program, compiled, createMemory(program), place);
  const runner = createRunner(module, instance, runTaskOf(module, options));
  return runner.run({
    ...{ index: 0, given: [], elements: null },
    inputs: inputs.map(({ data }) => data),
  });
}

describe("windows on words by events", () => {
  it.each([
    { relaxed: false, windows: "events", numRuns: 3 },
    { relaxed: false, windows: null, numRuns: 2 },
    { relaxed: true, windows: "events", numRuns: 1 },
  ] as const)(
    "are the interpreter's to the bit: relaxed SIMD $relaxed, $windows",
    async ({ relaxed, windows, numRuns }) => {
      const durations = fc.constantFrom(1, 4, 9);
      await fc.assert(
        fc.asyncProperty(wordNetworks(), durations, async ({ module, inputs }, timesteps) => {
          const probes = neuronsOf(module).map(({ result }): Probe => {
            return { value: result, keep: "trace" };
          });
          const options = { timesteps, probes, countOperations: false };
          const wanted = await runOn(interpretEngine, module, inputs, options);
          const sample = await runWith(module, inputs, options, { relaxed, windows });
          expect(sample.outputs).toEqual(wanted.sample.outputs);
          expect(sample.probes).toEqual(wanted.sample.probes);
        }),
        { numRuns },
      );
    },
  );

  // Each layer has several blocks of channels, few of which send anything late in the run.
  it.each([
    { windows: "tables", timesteps: 9 },
    { windows: "events", timesteps: 9 },
    { windows: "events", timesteps: 64 },
    { windows: null, timesteps: 30 },
  ] as const)("are those of every block of one pixel: %o", async ({ windows, timesteps }) => {
    const usual = { alphabet: "word", hasCeiling: false, size: "usual", amplitude: "one" } as const;
    const neurons = { ...usual, bits: 2, sign: "retract", shares: "constant" } as const;
    for (const seed of [1, 2, 3]) {
      const { module, inputs } = wordNetwork(seed, [1, 20], neurons, [], [neurons, neurons]);
      const options = { timesteps, countOperations: false };
      const wanted = await runOn(interpretEngine, module, inputs, options);
      const sample = await runWith(module, inputs, options, { relaxed: false, windows });
      expect(sample.outputs).toEqual(wanted.sample.outputs);
    }
  });

  it.each([
    { rate: 0.9, timesteps: 2, isThere: false },
    { rate: 0.05, timesteps: 2, isThere: true },
    { rate: 0.9, timesteps: 4, isThere: true },
    { rate: null, timesteps: 2, isThere: true },
  ])("have no code where calibration sent too many words: %o", ({ rate, timesteps, isThere }) => {
    const usual = { alphabet: "word", hasCeiling: false, size: "usual", amplitude: "one" } as const;
    const neurons = { ...usual, bits: 4, sign: "retract", shares: "powers" } as const;
    const window = { channels: 32, kernel: 3, stride: 1, pad: 1, isDepthwise: false } as const;
    const layer: LayerChoice = { ...window, hasBias: false, shortcut: "none", neurons };
    const { module } = wordNetwork(1, [1, 3, 16, 16], neurons, [layer, layer]);
    const sent = neuronsOf(module).map(({ result }) => result);
    const rates = rate === null ? {} : { rates: new Map(sent.map((value) => [value, rate])) };
    const options = { ...compileOptionsOf(module, { timesteps }), ...rates };
    const { lowering } = lowerNetwork(module, options);
    const names = lowering.allConstants().map(({ name }) => name);
    expect(names.some((name) => name.includes("by events"))).toBe(isThere);
  });

  it("are so where threads share rows, or the channels of one pixel", async () => {
    await fc.assert(
      fc.asyncProperty(wordNetworks(), fc.constantFrom(2, 3), async ({ module, inputs }, parts) => {
        for (const timesteps of [3, 9]) {
          const wanted = await runOn(interpretEngine, module, inputs, { timesteps });
          const forced = { windows: "events" } as const;
          const found = await outputInParts(module, inputs, parts, timesteps, forced);
          expect(found).toEqual(wanted.sample.outputs[0]);
        }
      }),
      { numRuns: 3 },
    );
  });
});

/** The halo of words: set before anything reads it, whatever was in memory. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../../../backends/interpret/engine.ts";
import { compileProgram } from "../../../../../backends/wasm/compile.ts";
import { arenaAddress } from "../../../../../backends/wasm/program.ts";
import { compileOptionsOf, longestChunk, runTaskOf } from "../../../../../backends/wasm/request.ts";
import { Instance, createMemory } from "../../../../../backends/wasm/runtime/instance.ts";
import { createRunner } from "../../../../../backends/wasm/runtime/runner.ts";
import { type LayerChoice, wordNetwork } from "../../../../random/words.ts";
import { runOn } from "../../compare.ts";
import { withModel } from "./relaxed.ts";

describe("the halo of words", () => {
  it.each([
    { relaxed: false, channels: 9, kernel: 3, extents: [5, 6], timesteps: 3 },
    { relaxed: true, channels: 9, kernel: 3, extents: [5, 6], timesteps: 3 },
    { relaxed: true, channels: 3, kernel: 2, extents: [4, 5], timesteps: 1 },
    { relaxed: true, channels: 20, kernel: 3, extents: [6, 1], timesteps: 2 },
  ])("is set whatever was there: %o", async (given) => {
    const { relaxed, channels, kernel, extents, timesteps } = given;
    const usual = { alphabet: "word", hasCeiling: false, size: "usual", amplitude: "one" } as const;
    const neurons = { ...usual, bits: 4, sign: "free", shares: "powers" } as const;
    const window = { channels, kernel, stride: 1, pad: 1, isDepthwise: false } as const;
    const layer: LayerChoice = { ...window, hasBias: true, shortcut: "none", neurons };
    const { module, inputs } = wordNetwork(1, [1, 3, ...extents], neurons, [layer, layer]);
    const options = { timesteps, countOperations: false };
    const wanted = await runOn(interpretEngine, module, inputs, options);
    const form = { shared: false, tiles: 1, longestChunk, relaxed };
    const program = await compileProgram(module, compileOptionsOf(module, options, form));
    const binary = relaxed ? withModel(program.binary).binary : program.binary;
    const memory = createMemory(program);
    new Uint8Array(memory.buffer, arenaAddress(program, 0)).fill(0x55);
    const place = { arena: 0, part: 0, parts: 1 };
    const instance = new Instance(program, await WebAssembly.compile(binary), memory, place);
    const runner = createRunner(module, instance, runTaskOf(module, options));
    const found = runner.run({
      ...{ index: 0, given: [], elements: null },
      inputs: inputs.map(({ data }) => data),
    });
    expect(found.outputs).toEqual(wanted.sample.outputs);
  });
});

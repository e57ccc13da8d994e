/**
 * Law: a program in C sends the interpreter's very words, keeps its very potentials and gives its outputs, at each
 * timestep, on whatever network of integers, by events and densely, under the sanitizers. `npm run verify -- c` draws
 * more.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refusalsOf } from "../../../backends/c/check.ts";
import { integerFrames, integerNetworks } from "../../random/integer.ts";
import type { RandomNetwork } from "../../random/module.ts";
import { wordNetworks } from "../../random/words.ts";
import "../../seed.ts";
import { compiled, differenceFrom } from "./native.ts";
import { withCompiler } from "./with-compiler.ts";

const flags = ["-O0", "-fsanitize=undefined", "-fno-sanitize-recover=all"];

function agree({ module, inputs }: RandomNetwork, synapses: "events" | "dense"): void {
  const { timesteps } = module;
  expect(refusalsOf(module, { timesteps, input: "floats", output: "floats" })).toEqual([]);
  const program = compiled(module, { synapses }, { flags });
  try {
    const [course] = program.run([inputs], timesteps);
    if (course === undefined) expect.fail("nothing came");
    expect(differenceFrom(module, inputs, timesteps, program, course)).toBeNull();
  } finally {
    program.remove();
  }
}

describe.runIf(withCompiler())("a program in C of a random network", () => {
  it.each(["events", "dense"] as const)("is the interpreter's: spikes at each step, %s", (way) => {
    fc.assert(
      fc.property(integerNetworks(), (network) => agree(network, way)),
      { numRuns: 3 },
    );
  });

  it.each(["events", "dense"] as const)("is the interpreter's: frames, %s", (way) => {
    fc.assert(
      fc.property(integerFrames(), (network) => agree(network, way)),
      { numRuns: 3 },
    );
  });

  it.each(["events", "dense"] as const)("is the interpreter's: words, %s", (way) => {
    fc.assert(
      fc.property(wordNetworks(), (network) => agree(network, way)),
      { numRuns: 3 },
    );
  });
});

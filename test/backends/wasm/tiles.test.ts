/** That no kernel's result depends on how its work is shared between threads, on random networks. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { createTeam } from "../../../backends/wasm/pool.ts";
import { createWasmEngine } from "../../../backends/wasm/single.ts";
import type { LoadOptions, SampleResult } from "../../../ir/executable.ts";
import { opsOf } from "../../../ir/module.ts";
import { neuronKinds } from "../../../ir/op.ts";
import { integerNetworks } from "../../random/integer.ts";
import {
  type RandomNetwork,
  framedNetworks,
  networks,
  temporalNetworks,
} from "../../random/module.ts";

const engine = createWasmEngine({ createTeam, fallback: singleThreadEngine, leastShared: 0 });

async function resultOf(
  { module, inputs }: RandomNetwork,
  load: LoadOptions,
): Promise<readonly SampleResult[]> {
  const executable = await engine.load(module, load);
  const probes = opsOf(module, ...neuronKinds).flatMap(({ result }) => [
    { value: result, keep: "trace" as const },
    { value: result, keep: "state" as const },
    { value: result, keep: "mean" as const },
  ]);
  const results: SampleResult[] = [];
  await executable.run({ count: 1, get: () => inputs }, { timesteps: 6, probes }, (result) => {
    results.push(result);
  });
  await executable.close();
  return results;
}

async function expectSame(network: RandomNetwork): Promise<void> {
  const alone = await resultOf(network, { threads: 1 });
  for (const threads of [2, 3]) {
    expect(await resultOf(network, { threads, split: "tiles" })).toEqual(alone);
  }
}

describe("threads that share each sample", () => {
  it("compute what one computes, to the bit", async () => {
    await fc.assert(fc.asyncProperty(networks(), expectSame), { numRuns: 30 });
  });

  it("do so for neurons of all kinds", async () => {
    const all = fc.oneof(temporalNetworks(), framedNetworks());
    await fc.assert(fc.asyncProperty(all, expectSame), { numRuns: 30 });
  });

  it("do so on integers", async () => {
    await fc.assert(fc.asyncProperty(integerNetworks(), expectSame), { numRuns: 15 });
  });
});

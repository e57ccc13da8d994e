/** That no kernel's result depends on how its work is shared between threads, on random networks. */
import { neuronsOf } from "../../../ir/op/known.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { createTeam } from "../../../backends/wasm/runtime/node-workers.ts";
import { createWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import type { LoadOptions, SampleResult, SampleSource } from "../../../ir/executable.ts";
import { statisticsToData } from "../../../ir/run/observe.ts";
import { integerNetworks } from "../../random/integer.ts";
import {
  type RandomNetwork,
  framedNetworks,
  networks,
  spikingNetworks,
  temporalNetworks,
} from "../../random/module.ts";

const engine = createWasmEngine({ createTeam, fallback: singleThreadEngine, leastShared: 0 });

/** The results, and the statistics as text. */
async function resultOf(
  { module, inputs }: RandomNetwork,
  load: LoadOptions,
  samples: SampleSource = { count: 1, get: () => inputs },
): Promise<readonly [readonly SampleResult[], string]> {
  const executable = await engine.load(module, load);
  const probes = neuronsOf(module).flatMap(({ result }) => [
    { value: result, keep: "trace" as const },
    { value: result, keep: "state" as const },
    { value: result, keep: "mean" as const },
  ]);
  const observe = module.outputs.map(({ value }) => ({ value, scope: "neuron", axis: 0 }) as const);
  const results: SampleResult[] = [];
  const options = { timesteps: 6, probes, observe };
  const statistics = await executable.run(samples, options, (result) => {
    results.push(result);
  });
  await executable.close();
  return [results, JSON.stringify(statisticsToData(statistics))];
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

  it("do so where one sample among others has values too large for float32 sums", async () => {
    const extremes = [1, -3e38, 3e38];
    const property = async ({ module, inputs }: RandomNetwork): Promise<void> => {
      const samples: SampleSource = {
        count: 4,
        get: (index) =>
          inputs.map((x) => ({
            ...x,
            data: x.data.map((v, i) => (i > 0 ? v : v * (extremes[index] ?? 2))),
          })),
      };
      const network = { module, inputs };
      const [results, statistics] = await resultOf(network, { threads: 1 }, samples);
      for (const split of ["samples", "tiles"] as const) {
        const together = await resultOf(network, { threads: 2, split }, samples);
        expect(together).toEqual([results, statistics]);
      }
      for (let index = 0; index < samples.count; index++) {
        const [alone] = await resultOf(
          network,
          { threads: 1 },
          { count: 1, get: () => samples.get(index) },
        );
        expect({ ...alone[0], index }).toEqual(results[index]);
      }
    };
    await fc.assert(fc.asyncProperty(spikingNetworks(), property), { numRuns: 5 });
  });

  it("do so on integers", async () => {
    await fc.assert(fc.asyncProperty(integerNetworks(), expectSame), { numRuns: 15 });
  });
});

/** What is stored in fewer bits computes the same in every engine as the i8 that it was. */
import { isNeuron } from "../../../ir/op/known.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import type { Probe } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { verify } from "../../../ir/verify.ts";
import { runPipeline } from "../../../passes/manager.ts";
import { packWeights } from "../../../passes/quantise/pack-weights.ts";
import { step } from "../../../passes/pipeline.ts";
import { both, runOn } from "../../backends/wasm/compare.ts";
import { integerNetworks } from "../../random/integer.ts";

async function packed(module: Module): Promise<Module> {
  return (await runPipeline(module, [step(packWeights)], { timesteps: 1 })).module;
}

/** With the weights of synapses drawn into a range, so that each storage gets its share. */
function narrowed(module: Module, low: number, high: number): Module {
  const tensors = new Map(module.tensors);
  for (const [ref, value] of module.tensors) {
    if (value.dtype !== "i8" || value.shape.length < 2) continue;
    const fold = (x: number): number =>
      high === 1 && low === -1 ? (x % 2 === 0 ? 1 : -1) : Math.max(low, Math.min(high, x));
    tensors.set(ref, tensorOf("i8", value.shape, Array.from(value.data, fold)));
  }
  return { ...module, tensors };
}

describe("pack-weights", () => {
  it.each([
    ["i4", -8, 7],
    ["i2", -2, 1],
    ["b1", -1, 1],
  ])("of %s changes nothing that any engine computes", async (storage, low, high) => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(integerNetworks(6), async (network) => {
        const plain = narrowed(network.module, low, high);
        const made = await packed(plain);
        for (const each of made.tensors.values()) if (each.storage === storage) count++;
        expect(verify(made)).toEqual([]);
        const probes = plain.ops.filter(isNeuron).flatMap(({ result: value }): Probe[] => [
          { value, keep: "trace" },
          { value, keep: "state" },
        ]);
        const options = { timesteps: plain.timesteps, probes };
        const wanted = await runOn(interpretEngine, plain, network.inputs, options);
        const { wanted: interpreted, found } = await both(made, network.inputs, options);
        const typed = await runOn(singleThreadEngine, made, network.inputs, options);
        for (const each of [interpreted, found, typed]) {
          expect(each.sample.outputs).toEqual(wanted.sample.outputs);
          expect(each.sample.spikes).toEqual(wanted.sample.spikes);
          expect(each.sample.probes).toEqual(wanted.sample.probes);
        }
      }),
      { numRuns: 3 },
    );
    expect(count).toBeGreaterThan(0);
  });

  const tensors: readonly (readonly [string, Tensor, string | undefined])[] = [
    ["4 bits", tensorOf("i8", [2], [-8, 7]), "i4"],
    ["2 bits", tensorOf("i8", [2], [-2, 0]), "i2"],
    ["±1", tensorOf("i8", [2], [-1, 1]), "b1"],
    ["more", tensorOf("i8", [2], [-9, 7]), undefined],
    ["nothing", tensorOf("i8", [0], []), undefined],
    ["floats", tensorOf("f32", [2], [1, 1]), undefined],
  ];
  it.each(tensors)("of %s takes the narrowest storage", async (_, value, storage) => {
    const { dtype, shape } = value;
    const type = `real<${dtype}>[${shape.join(", ")}]`.replace("<f32>", "");
    const module = parseModule(
      `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.constant() {value = @w} : ${type}
  ann.output(%0) {name = "y"}
}
tensors {
  @w = ${dtype}[${shape.join(", ")}] dense<[${[...value.data].join(", ")}]>
}
`,
      { file: "m.snnir" },
    );
    const made = await packed(module);
    expect(made.tensors.get("w")?.storage).toBe(storage);
    expect(made === module).toBe(storage === undefined);
    expect(await packed(made)).toBe(made);
  });
});

/** What threads share, and that nothing of a run depends on who listens or on how many work. */
import { describe, expect, it } from "vitest";
import { typedEngine } from "../../../backends/typed/engine.ts";
import { createPacking, withoutPacked } from "../../../backends/typed/packing.ts";
import { compilePlan } from "../../../backends/typed/plan.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { SampleResult, SampleSource } from "../../../ir/executable.ts";
import { type Module, inputsOf } from "../../../ir/module.ts";
import { statisticsToData } from "../../../ir/run/observe.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import { networks, pseudoRandom } from "../../frontend/build-model.ts";
import { moduleOf } from "../../frontend/run.ts";

/** Convolutions of both kinds, and linear layers. */
const modules = ["conv-bn-relu-pool-gemm", "depthwise"].map((name) =>
  moduleOf(known(networks[name], name)()),
);

function samplesFor(module: Module, count: number): SampleSource {
  const [input] = inputsOf(module);
  const { dtype, shape } = known(input, "an input").type;
  return {
    count,
    get: (i) => [tensorOf(dtype, shape, pseudoRandom(elementCount(shape), `sample ${i}`))],
  };
}

async function observed(module: Module, threads: number, listens: boolean): Promise<string> {
  const executable = await typedEngine.load(module, { threads });
  const value = known(module.outputs[0], "an output").value;
  const results: SampleResult[] = [];
  const statistics = await executable.run(
    samplesFor(module, 9),
    { timesteps: 1, observe: [{ value, scope: "neuron", axis: 0 }] },
    ...(listens ? [(result: SampleResult) => void results.push(result)] : []),
  );
  await executable.close();
  expect(results).toHaveLength(listens ? 9 : 0);
  expect(statistics.samples).toBe(9);
  return JSON.stringify(statisticsToData(statistics));
}

describe("statistics", () => {
  it.each(modules.map((module, i) => [i, module] as const))(
    "of module %d are the same with and without a listener, on one thread and on two",
    async (_, module) => {
      const first = await observed(module, 1, true);
      expect(await observed(module, 1, false)).toBe(first);
      expect(await observed(module, 2, true)).toBe(first);
      expect(await observed(module, 2, false)).toBe(first);
    },
  );
});

describe("packed weights", () => {
  const module = known(modules[0], "a module");

  it("are made once: a plan that starts from them fills none", () => {
    const packing = createPacking(new Map(), true);
    compilePlan(module, packing);
    expect(packing.weights.size).toBe(2);
    for (const { data } of packing.weights.values()) {
      expect(data.buffer).toBeInstanceOf(SharedArrayBuffer);
    }
    const again = createPacking(packing.weights);
    const refuse = (): never => {
      throw new Error("filled again");
    };
    compilePlan(module, {
      weights: again.weights,
      pack: (op, ref, length) => again.pack(op, ref, length, refuse),
    });
  });

  it("take the place of the weights that nothing else reads", () => {
    const packing = createPacking();
    compilePlan(module, packing);
    const bare = withoutPacked(module, packing.weights);
    const packed = new Set([...packing.weights.values()].map(({ ref }) => ref));
    for (const [ref, { shape, data }] of bare.tensors) {
      const original = known(module.tensors.get(ref), ref);
      expect(shape).toEqual(original.shape);
      expect(data.length).toBe(packed.has(ref) ? 0 : original.data.length);
    }
  });

  it("do not take the place of weights that another op reads too", () => {
    const packing = createPacking();
    compilePlan(module, packing);
    const [first] = packing.weights;
    const [value, { ref }] = known(first, "a packed weight");
    const rest = new Map([...packing.weights].filter(([op]) => op !== value));
    expect(known(withoutPacked(module, rest).tensors.get(ref), ref).data.length).toBeGreaterThan(0);
  });
});

/** Bits by layer: the choice is the best there is within the budget, and the network keeps to it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Module, opsOf } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { uniform } from "../../../ir/random.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { convert } from "../../../library/convert.ts";
import { calibrationOn } from "../../../library/measure.ts";
import { type Option, cheapest } from "../../../passes/fit/allocation.ts";

const options = fc.array(
  fc.record({
    bits: fc.integer({ min: 1, max: 8 }),
    error: fc.integer({ min: 0, max: 100 }),
    cost: fc.integer({ min: 1, max: 20 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** The least error of any choice within `allowed`, by trying them all. */
function leastError(layers: readonly (readonly Option[])[], allowed: number): number {
  const [first, ...rest] = layers;
  if (first === undefined) return 0;
  return Math.min(
    ...first.map(({ error, cost }) =>
      cost > allowed ? Infinity : error + leastError(rest, allowed - cost),
    ),
  );
}

describe("cheapest", () => {
  it("finds the least error within the budget", () => {
    fc.assert(
      fc.property(
        fc.array(options, { minLength: 1, maxLength: 4 }),
        // Divides the budget's two thousand steps, so that nothing is rounded up.
        fc.constantFrom(10, 20, 40, 50),
        (layers, allowed) => {
          const distinct = layers.map((all) => all.map((one, bits) => ({ ...one, bits })));
          const bits = cheapest(distinct, allowed);
          const least = leastError(distinct, allowed);
          if (bits === null) {
            expect(least).toBe(Infinity);
            return;
          }
          const chosen = bits.map((b, layer) => known(distinct[layer]?.[b], "a choice"));
          expect(chosen.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(allowed);
          expect(chosen.reduce((sum, { error }) => sum + error, 0)).toBe(least);
        },
      ),
    );
  });
});

describe("allocate-bits", () => {
  const text = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 4]
  %1 = ann.relu(%0) : real[1, 4]
  %2 = ann.linear(%1) {weight = @w, bias = none} : real[1, 2]
  %3 = ann.relu(%2) : real[1, 2]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = f32[2, 4] dense<[1, -0.5, 0.5, 1, 0.25, 1, -1, 0.5]>
}
`;
  const running = { engine: interpretEngine, threads: 1 };
  const samples = {
    count: 12,
    get: (index: number) => [
      tensorOf(
        "f32",
        [1, 4],
        [0, 1, 2, 3].map((k) => 2 * uniform(7, index, k, 0) - 0.7),
      ),
    ],
  };

  async function bitsOf(module: Module, timesteps = 2): Promise<number> {
    const executable = await interpretEngine.load(module, { threads: 1 });
    let bits = 0;
    await executable.run(samples, { timesteps }, (result) => {
      bits += result.bits.reduce((sum, n) => sum + n, 0);
    });
    return bits;
  }

  const network = parseModule(text, { file: "m.snnir" });
  const before = "convert-differential,balance-mmse";

  it("keeps to a budget that is smaller than what was sent", async () => {
    const plain = await convert(network, samples, running, { timesteps: 2, pipeline: before });
    const pipeline = `${before},allocate-bits{budget=0.7}`;
    const fewer = await convert(network, samples, running, { timesteps: 2, pipeline });
    expect(await bitsOf(fewer.module)).toBeLessThan(0.8 * (await bitsOf(plain.module)));
    expect(fewer.diagnostics.map(({ code }) => code)).toContain("bits-allocated");
  });

  it("counts a word by its bits", async () => {
    const one = { timesteps: 1, pipeline: before };
    const { module } = await convert(network, samples, running, one);
    const sums = new Map<number, number>();
    const run = { timesteps: 1, count: true };
    await calibrationOn(samples, running).watch(module, [], run, (_kept, _index, bits) => {
      for (const [value, count] of bits) sums.set(value, (sums.get(value) ?? 0) + count);
    });
    const total = [...sums.values()].reduce((a, b) => a + b, 0);
    expect(total).toBe(await bitsOf(module, 1));
  });

  it("takes the most bits where the budget does not matter", async () => {
    const pipeline = `${before},allocate-bits{budget=50}`;
    const { module } = await convert(network, samples, running, { timesteps: 1, pipeline });
    const bits = opsOf(module, "snn.graded").map((op) => op.attrs.bits);
    expect(Math.min(...bits)).toBeGreaterThanOrEqual(6);
  });

  it("says so where no choice is within the budget, or there is nothing to choose", async () => {
    const code = async (pipeline: string): Promise<unknown> =>
      convert(network, samples, running, { timesteps: 1, pipeline }).then(
        () => null,
        (error: unknown) => String(error),
      );
    expect(await code(`${before},allocate-bits{budget=0.01}`)).toContain("the budget is");
    expect(await code("convert-activations,balance-mmse,allocate-bits")).toContain(
      "no neuron here",
    );
  });
});

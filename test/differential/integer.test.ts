/** Integer mode: the typed engine gives the interpreter's very bits. */
import { neuronsOf } from "../../ir/op/known.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { compilePlan } from "../../backends/typed/plan.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, Probe, SampleResult } from "../../ir/executable.ts";
import { type Module, opsOf } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { isFloat } from "../../ir/type.ts";
import { integerFrames, integerNetworks } from "../random/integer.ts";

async function run(engine: Engine, module: Module, inputs: readonly Tensor[]) {
  const executable = await engine.load(module, { threads: 1 });
  const integers = module.ops.filter(({ type }) => !isFloat(type.dtype));
  const probes: readonly Probe[] = [
    ...integers.map(({ result }): Probe => ({ value: result, keep: "trace" })),
    ...neuronsOf(module).map(({ result }): Probe => ({ value: result, keep: "state" })),
  ];
  const results: SampleResult[] = [];
  await executable.run(
    { count: 1, get: () => inputs },
    { timesteps: module.timesteps, probes },
    (r) => results.push(r),
  );
  await executable.close();
  return known(results[0], "a result");
}

describe("integer networks on the typed engine", () => {
  it("have every spike, potential, current and output that the interpreter says", async () => {
    await fc.assert(
      fc.asyncProperty(integerNetworks(), async ({ module, inputs }) => {
        const wanted = await run(interpretEngine, module, inputs);
        expect(await run(singleThreadEngine, module, inputs)).toEqual(wanted);
      }),
      { numRuns: 50 },
    );
  });

  it("have them where neurons take frames", async () => {
    await fc.assert(
      fc.asyncProperty(integerFrames(), async ({ module, inputs }) => {
        const wanted = await run(interpretEngine, module, inputs);
        const found = await run(singleThreadEngine, module, inputs);
        expect(found.outputs).toEqual(wanted.outputs);
        expect(found.probes).toEqual(wanted.probes);
        expect(found.spikes).toEqual(wanted.spikes);
      }),
      { numRuns: 100 },
    );
  });

  it("hold integers of more than 24 bits on their way through a convolution", async () => {
    const module = parseModule(
      `module @wide attributes {code = "rate", timesteps = 1, properties = ["integer"]} {
  %0 = ann.input() {name = "x"} : real<i32>[1, 2, 1, 2]
  %1 = ann.conv(%0) {strides = [1, 1], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1], weight = @w, bias = @b, groups = 1} : real<i32>[1, 1, 1, 2]
  %2 = snn.if(%1) {threshold = @t, vInit = @t, amplitude = @one, reset = "subtract"} : spike<i8>[1, 1, 1, 2]
  %3 = snn.readout(%2) {start = 0} : real[1, 1, 1, 2]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = i8[1, 2, 1, 1] dense<[3, -3]>
  @b = i32[1] dense<[7]>
  @t = i32[] dense<16>
  @one = i8[] dense<1>
}
`,
      { file: "wide.snnir" },
    );
    const plan = compilePlan(module);
    plan.inputs[0]?.data.set([2 ** 25 + 1, -(2 ** 27) - 1, 2 ** 25, 2 ** 26]);
    for (const step of plan.steps) step.run();
    const current = known(opsOf(module, "ann.conv")[0], "the convolution").result;
    // 3 · (2²⁵ + 1) − 3 · 2²⁵ + 7, and −3 · (2²⁷ + 1) − 3 · 2²⁶ + 7.
    expect(plan.buffers.get(current)).toEqual(Int32Array.of(10, -3 * (2 ** 27 + 1 + 2 ** 26) + 7));
  });
});

/** Integer mode: the typed engine gives the interpreter's very bits. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, Probe, SampleResult } from "../../ir/executable.ts";
import { type Module, opsOf } from "../../ir/module.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { isFloat } from "../../ir/type.ts";
import { integerNetworks } from "../random/integer.ts";

async function run(engine: Engine, module: Module, inputs: readonly Tensor[]) {
  const executable = await engine.load(module, { threads: 1 });
  const integers = module.ops.filter(({ type }) => !isFloat(type.dtype));
  const probes: readonly Probe[] = [
    ...integers.map(({ result }): Probe => ({ value: result, keep: "trace" })),
    ...opsOf(module, "snn.if").map(({ result }): Probe => ({ value: result, keep: "state" })),
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
});

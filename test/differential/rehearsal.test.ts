/** Random networks with a rehearsal: engines agree on them, and the rehearsal is the run of the network before. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { typedEngine } from "../../backends/typed/engine.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { known } from "../../ir/diagnostic.ts";
import { interpret } from "../../ir/interpret.ts";
import { opsOf } from "../../ir/module.ts";
import { elementCount } from "../../ir/type.ts";
import { convert } from "../../library/convert.ts";
import { breachesOf } from "../../passes/properties.ts";
import { expectClose, runOn } from "../backends/wasm/compare.ts";
import { exactOnes, spikingNetworks } from "../random/module.ts";

const rehearsing = spikingNetworks().filter(
  (network) =>
    exactOnes(network) &&
    opsOf(network.module, "snn.if").every(({ attrs }) => attrs.reset !== "zero"),
);

it.each(["offset", "silence"])("a rehearsal for %s", async (rule) => {
  const steps = fc.integer({ min: 1, max: 6 });
  await fc.assert(
    fc.asyncProperty(rehearsing, steps, async ({ module: plain, inputs }, rehearsal) => {
      // Networks that compute on decoded values between neurons are refused, with a diagnostic.
      fc.pre(breachesOf(plain, "spiking").length === 0);
      const pipeline = `rehearse{steps=${rehearsal},rule=${rule}}`;
      const running = { engine: wasmEngine, threads: 1 };
      const { timesteps } = plain;
      const { module } = await convert(plain, null, running, { pipeline, timesteps });
      expect(module.timesteps).toBe(rehearsal + timesteps);

      const wanted = interpret(module, inputs, { timesteps: module.timesteps });
      for (const engine of [typedEngine, wasmEngine]) {
        const run = { timesteps: module.timesteps };
        const { sample: found } = await runOn(engine, module, inputs, run);
        expect(found.activity).toEqual(wanted.activity);
        wanted.outputs.forEach((y, i) => expectClose(known(found.outputs[i], "an output"), y));
      }
      const before = interpret(plain, inputs, { timesteps: rehearsal });
      expect(wanted.activity.spikes.slice(0, rehearsal)).toEqual(before.activity.spikes);
      before.outputs.forEach((y, i) => {
        const { value } = known(module.outputs[i], "an output");
        const shape = known(
          module.ops.find((op) => op.result === value),
          "its op",
        ).type.shape;
        expect(wanted.outputs[i]?.slice(0, rehearsal * elementCount(shape))).toEqual(y);
      });
    }),
    { numRuns: 60 },
  );
});

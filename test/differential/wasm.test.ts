/** The WebAssembly engine and the interpreter, on random networks. */
import { neuronsOf } from "../../ir/op/known.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { known } from "../../ir/diagnostic.ts";
import type { Probe } from "../../ir/executable.ts";
import { type Module, opsOf } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";
import { isFloat } from "../../ir/type.ts";
import { type Ran, both, expectClose } from "../backends/wasm/compare.ts";
import { integerFrames, integerNetworks } from "../random/integer.ts";
import {
  annNetworks,
  exactOnes,
  framedNetworks,
  spikingNetworks,
  temporalNetworks,
} from "../random/module.ts";

/** More than one chunk of timesteps, the last of them not full. */
const manyTimesteps = 70;

const exactNetworks = spikingNetworks().filter(exactOnes);
const exactTemporalNetworks = temporalNetworks().filter(exactOnes);

/** Whether sums are exact after many timesteps, too: what is halved each time gets finer and finer. */
function staysExact({ ops }: Module): boolean {
  return ops.every(
    (op) =>
      !isOp(op, "snn.low-pass") && !(isOp(op, "snn.graded") && op.attrs.schedule !== "constant"),
  );
}

function probesOf(module: Module): readonly Probe[] {
  const last = known(module.ops.at(-1), "an op").result;
  return [
    ...neuronsOf(module).flatMap(({ result }): Probe[] => [
      { value: result, keep: "trace" },
      { value: result, keep: "state" },
    ]),
    { value: last, keep: "mean" },
    { value: known(module.ops[0], "an op").result, keep: "mean" },
  ];
}

function expectAlike(wanted: Ran, found: Ran): void {
  const [want, have] = [wanted.sample, found.sample];
  expect(have.spikes).toEqual(want.spikes);
  expect(have.bits).toEqual(want.bits);
  expect(have.activity).toEqual(want.activity);
  want.outputs.forEach((y, i) => expectClose(known(have.outputs[i], "an output"), y));
  want.probes.forEach((y, i) => expectClose(known(have.probes[i], "a probe"), y));
}

describe("the WebAssembly engine", () => {
  it("computes what the interpreter computes on analogue networks", async () => {
    await fc.assert(
      fc.asyncProperty(annNetworks(), async ({ module, inputs }) => {
        const { wanted, found } = await both(module, inputs);
        expectAlike(wanted, found);
      }),
      { numRuns: 60 },
    );
  });

  it("spikes as the interpreter spikes, and counts as it counts", async () => {
    await fc.assert(
      fc.asyncProperty(exactNetworks, async ({ module, inputs }) => {
        const options = { timesteps: 5, probes: probesOf(module) };
        const { wanted, found } = await both(module, inputs, options);
        expectAlike(wanted, found);
      }),
      { numRuns: 60 },
    );
  });

  it("does so over several chunks of timesteps", async () => {
    await fc.assert(
      fc.asyncProperty(exactNetworks, async ({ module, inputs }) => {
        const options = { timesteps: manyTimesteps, probes: probesOf(module) };
        const { wanted, found } = await both(module, inputs, options);
        expectAlike(wanted, found);
      }),
      { numRuns: 60 },
    );
  });

  it("does so for neurons of all kinds, within a chunk and over several", async () => {
    await fc.assert(
      fc.asyncProperty(exactTemporalNetworks, async ({ module, inputs }) => {
        for (const timesteps of staysExact(module) ? [5, manyTimesteps] : [5]) {
          const options = { timesteps, probes: probesOf(module) };
          const { wanted, found } = await both(module, inputs, options);
          expectAlike(wanted, found);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("ends early where the interpreter does, for neurons of all kinds", async () => {
    const earlyExit = { margin: 0.1, of: "output", minimum: 2, every: 2 } as const;
    await fc.assert(
      fc.asyncProperty(exactTemporalNetworks, async ({ module, inputs }) => {
        const { wanted, found } = await both(module, inputs, { timesteps: 7, earlyExit });
        expectAlike(wanted, found);
        expect(found.sample.timestepsTaken).toBe(wanted.sample.timestepsTaken);
      }),
      { numRuns: 30 },
    );
  });

  it("sums frames up as the interpreter runs through them", async () => {
    await fc.assert(
      fc.asyncProperty(framedNetworks(), async ({ module, inputs }) => {
        const options = { timesteps: 1, probes: probesOf(module) };
        const { wanted, found } = await both(module, inputs, options);
        expectAlike(wanted, found);
      }),
      { numRuns: 100 },
    );
  });

  it("gives the interpreter's very bits on integer networks", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(integerNetworks(), integerFrames()), async (network) => {
        const { module, inputs } = network;
        const probes: readonly Probe[] = [
          ...module.ops
            .filter(({ type }) => !isFloat(type.dtype))
            .map(({ result }): Probe => ({ value: result, keep: "trace" })),
          ...neuronsOf(module).map(({ result }): Probe => ({
            value: result,
            keep: "state",
          })),
        ];
        const { wanted, found } = await both(module, inputs, { timesteps: 4, probes });
        const values = (ran: Ran): unknown =>
          JSON.stringify(
            [...ran.sample.outputs, ...ran.sample.probes].map((x) => Array.from(x, Math.fround)),
          );
        expectAlike(wanted, found);
        expect(found.sample.spikes).toEqual(wanted.sample.spikes);
        expect(values(found)).toBe(values(wanted));
      }),
      { numRuns: 120 },
    );
  });

  it("gathers the interpreter's statistics", async () => {
    await fc.assert(
      fc.asyncProperty(exactNetworks, async ({ module, inputs }) => {
        const observe = opsOf(module, "snn.if").map(({ result }) => ({
          value: result,
          scope: "neuron" as const,
          axis: 0,
        }));
        const { wanted, found } = await both(module, inputs, { timesteps: 4, observe });
        expect(found.statistics).toBe(wanted.statistics);
      }),
      { numRuns: 60 },
    );
  });
});

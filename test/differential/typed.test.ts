/** The typed engine and the interpreter, on random networks and on what each kernel is good at. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { typedEngine } from "../../backends/typed/engine.ts";
import { known } from "../../ir/diagnostic.ts";
import type {
  Engine,
  Probe,
  ProbeData,
  RunOptions,
  SampleResult,
  SampleSource,
} from "../../ir/executable.ts";
import { type Module, inputsOf, opsOf } from "../../ir/module.ts";
import { neuronsOf } from "../../ir/op/known.ts";
import { statisticsToData } from "../../ir/run/observe.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { integerNetworks } from "../random/integer.ts";
import {
  annNetworks,
  framedNetworks,
  spikingNetworks,
  temporalNetworks,
} from "../random/module.ts";

const timesteps = 5;

/** Ends within the rehearsal at 2 timesteps, and behind it at 5. */
const rehearsed = `module @m attributes {code = "rate", timesteps = 5, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 1, 4]
  %1 = snn.rehearsed-if(%0) {threshold = @th, vInit = @v, amplitude = @th, rehearsal = 3, rule = "offset"} : spike[1, 1, 4]
  %2 = snn.rehearsed-max-pool(%1) {strides = [2], padsBegin = [0], padsEnd = [0], dilations = [1], kernel = [2], ceilMode = false, rehearsal = 3} : spike[1, 1, 2]
  %3 = snn.rehearsed-readout(%2) {start = 1, rehearsal = 3} : real[1, 1, 2]
  ann.output(%3) {name = "y"}
}
tensors {
  @th = f32[] dense<[1]>
  @v = f32[] dense<[0.5]>
}
`;

async function results(
  engine: Engine,
  module: Module,
  samples: SampleSource,
  options: Partial<RunOptions> = {},
  threads = 1,
): Promise<{ samples: SampleResult[]; statistics: string }> {
  const executable = await engine.load(module, { threads });
  const gathered: SampleResult[] = [];
  const statistics = await executable.run(samples, { timesteps, ...options }, (r) => {
    gathered.push(r);
  });
  await executable.close();
  return { samples: gathered, statistics: JSON.stringify(statisticsToData(statistics)) };
}

function once(inputs: ReturnType<SampleSource["get"]>): SampleSource {
  return { count: 1, get: () => inputs };
}

/** Close in float32, relative to the largest element: engines may sum in another order. */
function expectClose(found: ProbeData, wanted: ProbeData): void {
  expect(found.length).toBe(wanted.length);
  const scale = Math.max(1e-6, ...Array.from(wanted, Math.abs));
  Array.from(found).forEach((x, i) => {
    const y = known(wanted[i], "an element");
    if (Number.isNaN(x) && Number.isNaN(y)) return;
    expect(Math.abs(x - y) / scale).toBeLessThanOrEqual(1e-4);
  });
}

const threeSpatialAxes = `module @m attributes {code = "rate", timesteps = 3, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 1, 2, 2, 2]
  %1 = snn.if(%0) {threshold = @th, vInit = @v, amplitude = @th, reset = "subtract"} : spike[1, 1, 2, 2, 2]
  %2 = snn.max-pool(%1) {strides = [2, 2, 2], padsBegin = [0, 0, 0], padsEnd = [0, 0, 0], dilations = [1, 1, 1], kernel = [2, 2, 2], ceilMode = false} : spike[1, 1, 1, 1, 1]
  %3 = snn.readout(%2) {start = 0} : real[1, 1, 1, 1, 1]
  ann.output(%3) {name = "y"}
}
tensors {
  @th = f32[] dense<[8]>
  @v = f32[] dense<[4]>
}
`;

const pooled = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 1, 2]
  %1 = ann.max-pool(%0) {strides = [1], padsBegin = [0], padsEnd = [0], dilations = [1], kernel = [2], ceilMode = false} : real[1, 1, 1]
  ann.output(%1) {name = "y"}
}
tensors {
}
`;

const behindReadOut = `module @m attributes {code = "rate", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 3]
  %1 = snn.if(%0) {threshold = @th, vInit = @v, amplitude = @th, reset = "subtract"} : spike[1, 3]
  %2 = snn.readout(%1) {start = 0} : real[1, 3]
  %3 = ann.linear(%2) {weight = @w, bias = none} : real[1, 1]
  ann.output(%3) {name = "y"}
}
tensors {
  @th = f32[] dense<[4]>
  @v = f32[] dense<[2]>
  @w = f32[1, 3] dense<[1, 2, 4]>
}
`;

describe("the typed engine", () => {
  it("computes what the interpreter computes on analogue networks", async () => {
    await fc.assert(
      fc.asyncProperty(annNetworks(), async ({ module, inputs }) => {
        const [slow, fast] = [
          await results(interpretEngine, module, once(inputs)),
          await results(typedEngine, module, once(inputs)),
        ];
        known(slow.samples[0], "a result").outputs.forEach((wanted, i) => {
          expectClose(known(fast.samples[0]?.outputs[i], "an output"), wanted);
        });
      }),
      { numRuns: 150 },
    );
  });

  it("spikes as the interpreter spikes, and counts as it counts", async () => {
    await fc.assert(
      fc.asyncProperty(spikingNetworks(), async ({ module, inputs }) => {
        const probes = opsOf(module, "snn.if").flatMap(({ result }) => [
          { value: result, keep: "trace" as const },
          { value: result, keep: "state" as const },
        ]);
        const [slow, fast] = [
          await results(interpretEngine, module, once(inputs), { probes }),
          await results(typedEngine, module, once(inputs), { probes }),
        ];
        const [wanted, found] = [known(slow.samples[0], "a result"), known(fast.samples[0], "one")];
        expect(found.spikes).toEqual(wanted.spikes);
        expect(found.bits).toEqual(wanted.bits);
        expect(found.activity).toEqual(wanted.activity);
        wanted.probes.forEach((trace, i) => expectClose(known(found.probes[i], "a trace"), trace));
        wanted.outputs.forEach((y, i) => expectClose(known(found.outputs[i], "an output"), y));
      }),
      { numRuns: 150 },
    );
  });

  it("fires and counts in frames as the interpreter does", async () => {
    await fc.assert(
      fc.asyncProperty(framedNetworks(), async ({ module, inputs }) => {
        const [slow, fast] = [
          await results(interpretEngine, module, once(inputs)),
          await results(typedEngine, module, once(inputs)),
        ];
        const [wanted, found] = [known(slow.samples[0], "a result"), known(fast.samples[0], "one")];
        expect(found.spikes).toEqual(wanted.spikes);
        expect(found.bits).toEqual(wanted.bits);
        expect(found.activity).toEqual(wanted.activity);
        wanted.outputs.forEach((y, i) => expectClose(known(found.outputs[i], "an output"), y));
      }),
      { numRuns: 60 },
    );
  });

  it("starts each sample anew, whatever was before it", async () => {
    const start = async (module: Module, inputs: readonly Tensor[], steps: number) => {
      const other = inputs.map((t) => ({ ...t, data: t.data.map((x) => 1 - x) }));
      const samples = { count: 3, get: (index: number) => (index === 1 ? other : inputs) };
      const probes = neuronsOf(module).map(({ result }): Probe => ({
        value: result,
        keep: "state",
      }));
      const options = { timesteps: steps, probes };
      const { samples: found } = await results(typedEngine, module, samples, options);
      expect({ ...found[2], index: 0 }).toEqual(found[0]);
    };
    const networks = fc.oneof(temporalNetworks(), framedNetworks(), integerNetworks());
    await fc.assert(
      fc.asyncProperty(networks, ({ module, inputs }) => start(module, inputs, timesteps)),
      { numRuns: 60 },
    );
    const inputs = [tensorOf("f32", [1, 1, 4], [0.75, -0.5, 0.25, 1.5])];
    for (const steps of [2, 5])
      await start(parseModule(rehearsed, { file: "test" }), inputs, steps);
  });

  it.each([
    ["a max-pool over time with three spatial axes", threeSpatialAxes, [1, 3, 2, 4, 8, 5, 7, 6]],
    ["a NaN in a max-pool", pooled, [NaN, 1]],
    ["a synapse behind a read-out", behindReadOut, [1, 2, 3]],
  ])("agrees on %s", async (_, text, values) => {
    const module = parseModule(text, { file: "test" });
    const [input] = inputsOf(module);
    const sample = once([tensorOf("f32", known(input, "an input").type.shape, values)]);
    const slow = await results(interpretEngine, module, sample);
    expect(await results(typedEngine, module, sample)).toEqual(slow);
  });

  it("gives the same bytes on one thread and on two", async () => {
    const [network] = fc.sample(spikingNetworks(), { numRuns: 1, seed: 7 });
    const { module, inputs } = known(network, "a network");
    const samples: SampleSource = {
      count: 11,
      get: (index) => inputs.map((t) => ({ ...t, data: t.data.map((x) => x * (1 - index / 16)) })),
    };
    const observe = [{ value: known(module.ops.at(-1), "an op").result, scope: "neuron", axis: 0 }];
    const options = { observe: observe.map((o) => ({ ...o, scope: "neuron" as const })) };
    const alone = await results(typedEngine, module, samples, options, 1);
    const together = await results(typedEngine, module, samples, options, 2);
    expect(together).toEqual(alone);
    expect(alone.samples.map((r) => r.index)).toEqual([...Array(11).keys()]);
  });
});

/** Runs that go on from recorded spikes: what comes out is to the bit what a whole run gives. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { wasmEngine } from "../../../backends/wasm/engine.ts";
import { createTeam } from "../../../backends/wasm/runtime/node-workers.ts";
import { noHalo } from "../../../backends/wasm/memory/spikes.ts";
import { recordingFor, restoreMasks } from "../../../backends/wasm/runtime/recordings.ts";
import { createWasmEngine, singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Engine, Recording, RunOptions, SampleResult } from "../../../ir/executable.ts";
import { type Module, opsOf } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { convert } from "../../../library/convert.ts";
import { prefixOf } from "../../../passes/graph.ts";
import { integerNetworks } from "../../random/integer.ts";
import { exactOnes, temporalNetworks } from "../../random/module.ts";
import { networkNamed, samplesFor } from "./spiking-twin.ts";

/** More than one chunk of timesteps, the last of them not full. */
const manyTimesteps = 70;

async function run(
  module: Module,
  inputs: readonly Tensor[],
  options: RunOptions,
  engine: Engine = singleThreadWasmEngine,
): Promise<SampleResult> {
  const executable = await engine.load(module, { threads: 1 });
  const results: SampleResult[] = [];
  await executable.run({ count: 1, get: () => inputs }, options, (r) => void results.push(r));
  await executable.close();
  return known(results[0], "a result");
}

async function recordableOf(module: Module): Promise<readonly ValueId[]> {
  const { recordable } = await singleThreadWasmEngine.load(module, { threads: 1 });
  return [...known(recordable, "an engine that records")];
}

/** What gives `recordings` of `values`, whatever the sample. */
function resume(values: readonly ValueId[], recordings: readonly Recording[]) {
  return { values, recordingsOf: () => recordings };
}

/** Resumes from each half of what can be recorded, and from all of it. */
async function expectResumes(
  module: Module,
  inputs: readonly Tensor[],
  timesteps: number,
): Promise<number> {
  const record = await recordableOf(module);
  if (record.length === 0) return 0;
  const options = { timesteps, countOperations: false };
  const wanted = await run(module, inputs, options);
  const whole = await run(module, inputs, { ...options, record });
  expect(whole.outputs).toEqual(wanted.outputs);
  const recordings = known(whole.recordings, "recordings");
  for (const remainder of [0, 1, null]) {
    const is = (_: unknown, i: number): boolean => remainder === null || i % 2 === remainder;
    const others = record.filter((_, i) => !is(_, i));
    const found = await run(module, inputs, {
      ...options,
      record: others,
      resume: resume(record.filter(is), recordings.filter(is)),
    });
    expect(found.outputs).toEqual(wanted.outputs);
    if (others.length > 0) expect(found.recordings).toEqual(recordings.filter((_, i) => !is(_, i)));
  }
  return record.length;
}

describe("a run that goes on from recordings", () => {
  it("gives the same bits on neurons of all kinds, within a chunk and over several", async () => {
    let neurons = 0;
    await fc.assert(
      fc.asyncProperty(temporalNetworks().filter(exactOnes), async ({ module, inputs }) => {
        neurons += await expectResumes(module, inputs, 5);
        await expectResumes(module, inputs, manyTimesteps);
      }),
      { numRuns: 10 },
    );
    expect(neurons).toBeGreaterThan(10);
  });

  it("gives the same bits on integers", async () => {
    let neurons = 0;
    await fc.assert(
      fc.asyncProperty(integerNetworks(), async ({ module, inputs }) => {
        neurons += await expectResumes(module, inputs, 4);
      }),
      { numRuns: 10 },
    );
    expect(neurons).toBeGreaterThan(5);
  });

  it("needs nothing of the sample before the spikes that are given", async () => {
    for (const pipeline of ["rate", "signed-rate", "burst", "differential"]) {
      const network = networkNamed("conv-bn-relu-pool-gemm");
      const samples = samplesFor(network, 3);
      const running = { engine: singleThreadEngine, threads: 1 };
      const { module } = await convert(network, samples, running, { timesteps: 9, pipeline });
      const value = known(opsOf(module, "snn.if", "snn.graded")[0], "neurons").result;
      const options = { timesteps: 9, countOperations: false };
      const recorded = await run(module, samples.get(0), { ...options, record: [value] });
      const given = resume([value], known(recorded.recordings, "recordings"));
      const found = await run(module, samples.get(1), { ...options, resume: given });
      expect(found.outputs).toEqual(recorded.outputs);
      const wanted = await run(module, samples.get(0), options, interpretEngine);
      known(found.outputs[0], "an output").forEach((x, i) => {
        expect(x).toBeCloseTo(wanted.outputs[0]?.[i] ?? NaN, 4);
      });
      const other = await run(module, samples.get(1), options);
      expect(other.outputs).not.toEqual(recorded.outputs);
    }
  });

  it("reads what was recorded where no window was in sight, and where one was", async () => {
    // As the end of a network the neurons lie row by row; before a convolution their channels come last.
    const text = (
      bits: number,
    ): string => `module @m attributes {code = "burst", timesteps = 3, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 6]
  %1 = ann.linear(%0) {weight = @w, bias = none} : real[1, 12]
  %2 = ann.reshape(%1) {shape = [1, 3, 2, 2]} : real[1, 3, 2, 2]
  %3 = snn.graded(%2) {threshold = @th, vInit = @v, amplitude = @th, ceiling = none, bits = ${bits}, alphabet = "word", sign = "free", schedule = "constant", shares = none} : spike[1, 3, 2, 2]
  %4 = ann.conv(%3) {strides = [1, 1], padsBegin = [1, 1], padsEnd = [1, 1], dilations = [1, 1], weight = @k, bias = none, groups = 1} : current[1, 2, 2, 2]
  %5 = snn.readout(%4) {start = 0} : real[1, 2, 2, 2]
  ann.output(%5) {name = "y"}
}
tensors {
  @w = f32[12, 6] dense<[${Array.from({ length: 72 }, (_, i) => ((i * 7) % 11) / 8 - 0.625).join()}]>
  @th = f32[] dense<[0.5]>
  @v = f32[] dense<[0.25]>
  @k = f32[2, 3, 3, 3] dense<[${Array.from({ length: 54 }, (_, i) => ((i * 5) % 13) / 8 - 0.75).join()}]>
}
`;
    const inputs = [tensorOf("f32", [1, 6], [0.5, -1, 0.25, 1, -0.75, 0.125])];
    for (const [bits, timesteps] of [
      [1, 3],
      [1, manyTimesteps],
      [3, 3],
    ] as const) {
      const module = parseModule(text(bits), { file: "m.snnir" });
      const value = known(opsOf(module, "snn.graded")[0], "neurons").result;
      const options = { timesteps, countOperations: false };
      const record = { ...options, record: [value] };
      const wanted = await run(module, inputs, record);
      const prefix = prefixOf(module, [value]);
      const early = await run(prefix, inputs, { ...record, outputs: false });
      expect(early.outputs).toEqual([]);
      const later = { ...options, resume: resume([value], known(early.recordings, "recordings")) };
      expect((await run(module, inputs, later)).outputs).toEqual(wanted.outputs);
      const back = { ...options, resume: resume([value], known(wanted.recordings, "recordings")) };
      const kept = { ...back, probes: [{ value, keep: "trace" as const }] };
      const { probes } = await run(
        prefix,
        inputs,
        { ...options, probes: kept.probes },
        interpretEngine,
      );
      expect((await run(prefix, inputs, kept)).probes).toEqual(probes);
    }
  });

  it("leaves nothing of before between masks and behind the last timestep", () => {
    const grid = { rows: 1, columns: 2, channels: 20 };
    const shape = { grid, halo: noHalo, steps: 4, maskBytes: 4 };
    const at = { kind: "masks", planes: [0], shape, image: true } as const;
    const recording = recordingFor(at, [1, 20, 1, 2], 3).fill(0xff);
    const memory = new Uint8Array(32).fill(0xff);
    restoreMasks(memory, 0, at, recording, { elapsed: 0, steps: 3, timesteps: 3 });
    const mask = [0xff, 0xff, 0xff, 0];
    const pixel = [...mask, ...mask, ...mask, 0, 0, 0, 0];
    expect([...memory]).toEqual([...pixel, ...pixel]);
  });

  it("gives the same bits on threads, which take samples or share each", async () => {
    const network = networkNamed("residual-add");
    const samples = samplesFor(network, 5);
    const running = { engine: singleThreadEngine, threads: 1 };
    const pipeline = "signed-rate";
    const { module } = await convert(network, samples, running, { timesteps: 9, pipeline });
    const record = await recordableOf(module);
    const options = { timesteps: 9, countOperations: false };
    const shares = { createTeam, fallback: singleThreadEngine, leastShared: 0 };
    const all = async (
      engine: Engine,
      threads: number,
      more: Partial<RunOptions>,
      split: "samples" | "tiles" = "samples",
    ): Promise<readonly SampleResult[]> => {
      const executable = await engine.load(module, { threads, split });
      const results: SampleResult[] = [];
      await executable.run(samples, { ...options, ...more }, (r) => void results.push(r));
      await executable.close();
      return results;
    };
    const wanted = await all(wasmEngine, 1, { record });
    expect(await all(wasmEngine, 2, { record })).toEqual(wanted);
    const values = record.slice(0, 1);
    const recordingsOf = (index: number): readonly Recording[] =>
      known(wanted[index]?.recordings, "recordings").slice(0, 1);
    for (const [engine, split] of [
      [wasmEngine, "samples"],
      [createWasmEngine(shares), "tiles"],
    ] as const) {
      const found = await all(engine, 2, { resume: { values, recordingsOf } }, split);
      expect(found.map(({ outputs }) => outputs)).toEqual(wanted.map(({ outputs }) => outputs));
    }
  });
});

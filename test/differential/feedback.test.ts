/**
 * Networks in which values come back timesteps later: worked by hand, and on all engines on random ones;
 * passes keep what they compute, or refuse them.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import type { Engine, Probe, SampleResult } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import { neuronsOf } from "../../ir/op/known.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { verify } from "../../ir/verify.ts";
import { allPasses } from "../../passes/index.ts";
import { runPipeline } from "../../passes/manager.ts";
import { step } from "../../passes/pipeline.ts";
import { runOn } from "../../scripts/verify/graphs/run.ts";
import { expectClose } from "../backends/wasm/compare.ts";
import { exactOnes, recurrentNetworks, streamingNetworks } from "../random/module.ts";

const engines = [interpretEngine, singleThreadEngine, singleThreadWasmEngine];

/**
 * Each of two neurons excites the other and inhibits itself. x = [1, 0] at t = 1 and nothing after:
 * u = [1, 0], s = [1, 0]; then u = [−1, 1], s = [0, 1]; then u = [−1 + 1, −1], s = [0, 0]; then 0.
 */
const pair = `module @pair attributes {code = "rate", timesteps = 4, properties = []} {
  %0 = snn.input() {name = "x"} : spike[1, 2]
  %1 = snn.previous() {initial = @rest, domain = "spike"} : spike[1, 2]
  %2 = ann.linear(%1) {weight = @w, bias = none} : current[1, 2]
  %3 = ann.add(%0, %2) : current[1, 2]
  %4 = snn.if(%3) {threshold = @one, vInit = @zero, amplitude = @one, reset = "subtract"} : spike[1, 2]
  %5 = snn.accumulate(%4) : real[1, 2]
  snn.carry(%4, %1)
  ann.output(%5) {name = "y"}
}
tensors {
  @rest = f32[1, 2] dense<[0, 0]>
  @w = f32[2, 2] dense<[-1, 1, 1, -1]>
  @one = f32[] dense<1>
  @zero = f32[] dense<0>
}
`;

/** A chain of two, and two values that change places: y = x two timesteps later + one of 3 and 5 in turn. */
const delays = `module @delays attributes {code = "none", timesteps = 5, properties = []} {
  %0 = snn.input() {name = "x"} : real[2]
  %1 = snn.previous() {initial = @start, domain = "real"} : real[2]
  %2 = snn.previous() {initial = @start, domain = "real"} : real[2]
  %3 = snn.previous() {initial = @three, domain = "real"} : real[2]
  %4 = snn.previous() {initial = @five, domain = "real"} : real[2]
  %5 = ann.add(%2, %3) : real[2]
  snn.carry(%0, %1)
  snn.carry(%1, %2)
  snn.carry(%4, %3)
  snn.carry(%3, %4)
  ann.output(%5) {name = "y"}
}
tensors {
  @start = f32[2] dense<[-1, -2]>
  @three = f32[2] dense<[3, 3]>
  @five = f32[2] dense<[5, 5]>
}
`;

const spikeOnce = tensorOf("f32", [1, 1, 2], [1, 0]);

function probesOf(module: Module): readonly Probe[] {
  return neuronsOf(module).flatMap(({ result }): Probe[] => [
    { value: result, keep: "trace" },
    { value: result, keep: "state" },
  ]);
}

async function expectAlike(engine: Engine, module: Module, inputs: readonly Tensor[]) {
  const probes = probesOf(module);
  const wanted = await runOn(interpretEngine, module, inputs, probes);
  const found = await runOn(engine, module, inputs, probes);
  const counts = ({ spikes, bits, activity }: SampleResult) => ({ spikes, bits, activity });
  expect(counts(found)).toEqual(counts(wanted));
  wanted.outputs.forEach((y, i) => expectClose(known(found.outputs[i], "an output"), y));
  wanted.probes.forEach((y, i) => expectClose(known(found.probes[i], "a probe"), y));
}

describe("two neurons that excite each other", () => {
  const module = parseModule(pair, { file: "pair.snnir" });

  it("fire in turn on every engine, and their words meet weights a timestep later", async () => {
    expect(verify(module)).toEqual([]);
    for (const engine of engines) {
      const { outputs, activity, spikes } = await runOn(engine, module, [spikeOnce], []);
      expect([...known(outputs[0], "y")], engine.name).toEqual([1, 0, 1, 1, 1, 1, 1, 1]);
      expect([...spikes], engine.name).toEqual([2]);
      // The spike from outside meets no weight; each of the two words meets two, a timestep after it is sent.
      expect([...activity.events], engine.name).toEqual([0, 2, 4, 4]);
      expect([...activity.plainEvents], engine.name).toEqual([0, 2, 4, 4]);
    }
  });

  it("begin anew with each sample", async () => {
    const samples = { count: 3, get: () => [spikeOnce] };
    for (const engine of engines) {
      const executable = await engine.load(module, { threads: 1 });
      const results: SampleResult[] = [];
      await executable.run(samples, { timesteps: 2 }, (result) => results.push(result));
      await executable.close();
      for (const { outputs, activity } of results) {
        expect([...known(outputs[0], "y")], engine.name).toEqual([1, 0, 1, 1]);
        expect([...activity.events], engine.name).toEqual([0, 2]);
      }
    }
  });
});

describe("values that come back", () => {
  const module = parseModule(delays, { file: "delays.snnir" });

  it("may be carried on, and may change places", async () => {
    expect(verify(module)).toEqual([]);
    const x = tensorOf("f32", [5, 2], [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    for (const engine of engines) {
      const { outputs } = await runOn(engine, module, [x], []);
      // −1 and −2 twice, then x from its first frame on; 3, 5, 3, 5, 3 beside.
      const wanted = [2, 1, 4, 3, 13, 23, 35, 45, 53, 63];
      expect([...known(outputs[0], "y")], engine.name).toEqual(wanted);
    }
  });

  it("print in the order of the ops that they come back in", () => {
    expect(printModule(module)).toBe(delays);
    const turned = { ...module, carries: module.carries.toReversed() };
    expect(printModule(turned)).toBe(delays);
  });

  it.each([
    ["no carry", "  snn.carry(%0, %1)\n", "", ["nothing is carried to %1"]],
    [
      "two carries",
      "snn.carry(%1, %2)",
      "snn.carry(%1, %2)\n  snn.carry(%0, %2)",
      ["two values are carried to %2"],
    ],
    [
      "another type",
      "@start = f32[2] dense<[-1, -2]>",
      "@start = f32[1] dense<[-1]>",
      ["real[2] is carried to %1, which is real[1]"],
    ],
    [
      "no such op",
      "snn.carry(%3, %4)",
      "snn.carry(%3, %4)\n  snn.carry(%3, %5)",
      ["a value is carried to %5, which is not an snn.previous"],
    ],
  ])("are refused with %s", (_, from, to, wanted) => {
    const text = delays.replaceAll(from, to);
    const changed = text.replaceAll(/(initial = @start.*?) : real\[2\]/g, (all, head: string) =>
      to.startsWith("@start") ? `${head} : real[1]` : all,
    );
    const faults = verify(parseModule(changed, { file: "m" })).filter((v) => v.invariant === 15);
    expect(faults.map(({ message }) => message)).toEqual(wanted);
  });

  it("are the same on every engine, with neurons of all kinds", async () => {
    await fc.assert(
      fc.asyncProperty(recurrentNetworks().filter(exactOnes), async ({ module, inputs }) => {
        for (const engine of engines) await expectAlike(engine, module, inputs);
      }),
      { numRuns: 30 },
    );
  });

  it("are the same on every engine before conversion", async () => {
    await fc.assert(
      fc.asyncProperty(streamingNetworks(), async ({ module, inputs }) => {
        for (const engine of engines) await expectAlike(engine, module, inputs);
      }),
      { numRuns: 30 },
    );
  });
});

describe("every pass", () => {
  it("keeps what a network with feedback computes, or refuses it", async () => {
    const refused = new Set<string>();
    const kept = new Set<string>();
    const draws = [recurrentNetworks().filter(exactOnes), streamingNetworks()].flatMap((source) =>
      fc.sample(source, { numRuns: 12, seed: 5 }),
    );
    for (const pass of allPasses) {
      for (const { module, inputs } of draws) {
        const text = printModule(module);
        try {
          const { module: after } = await runPipeline(module, [step(pass)]);
          kept.add(pass.name);
          const wanted = await runOn(interpretEngine, module, inputs, []);
          const found = await runOn(interpretEngine, after, inputs, []);
          wanted.outputs.forEach((y, i) => expectClose(known(found.outputs[i], "an output"), y));
        } catch (error) {
          if (!(error instanceof DiagnosticError)) throw error;
          const codes = error.diagnostics.map(({ code }) => code);
          expect(
            codes.every((code) => code === "pass-not-over-time" || code === "property-missing"),
          ).toBe(true);
          refused.add(pass.name);
        }
        expect(printModule(module)).toBe(text);
      }
    }
    const early = allPasses.filter(({ role }) => role === "clean" || role === "fuse");
    expect([...kept].sort()).toEqual(early.map(({ name }) => name).sort());
    expect(kept.size + refused.size).toBe(allPasses.length);
  });
});

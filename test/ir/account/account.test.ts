/** The account of small networks, worked out by hand; and every engine's counts of the same run. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { typedEngine } from "../../../backends/typed/engine.ts";
import { wasmEngine } from "../../../backends/wasm/engine.ts";
import { accountOf, latencyOf } from "../../../ir/account/account.ts";
import { operationsOf } from "../../../ir/account/work.ts";
import { operations } from "../../../ir/account/operations.ts";
import { sendersOf } from "../../../ir/account/senders.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { SampleResult } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { tensorOf } from "../../../ir/tensor.ts";

const graded = (operand: string, bits: number): string =>
  `snn.graded(${operand}) {threshold = @one, vInit = @zero, amplitude = @one, ceiling = none, bits = ${bits}, alphabet = "word", sign = "free", schedule = "halving", shares = none}`;

/** Two populations whose words meet in a sum, before a layer of 2 × 3 weights; a current goes to the last layer. */
const network = `module @m attributes {code = "differential", timesteps = 2, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @square, bias = none} : real[1, 2]
  %2 = snn.difference(%1) : current[1, 2]
  %3 = ${graded("%2", 2)} : spike[1, 2]
  %4 = ${graded("%2", 1)} : spike[1, 2]
  %5 = ann.add(%3, %4) : current[1, 2]
  %6 = ann.linear(%5) {weight = @tall, bias = none} : current[1, 3]
  %7 = ann.linear(%6) {weight = @wide, bias = none} : current[1, 1]
  %8 = snn.accumulate(%7) : real[1, 1]
  ann.output(%8) {name = "y"}
}
tensors {
  @one = f32[] dense<[1]>
  @zero = f32[] dense<[0]>
  @square = f32[2, 2] dense<[1, 0, 0, 1]>
  @tall = f32[3, 2] dense<[1, 1, 1, 1, 1, 1]>
  @wide = f32[1, 3] dense<[1, 1, 1]>
}
`;

async function resultsOf(module: Module, values: readonly number[]): Promise<SampleResult[]> {
  const input = tensorOf("f32", [1, values.length], values);
  const results: SampleResult[] = [];
  for (const engine of [interpretEngine, typedEngine, wasmEngine]) {
    const executable = await engine.load(module, { threads: 1 });
    const samples = { count: 1, get: () => [input] };
    await executable.run(samples, { timesteps: module.timesteps }, (each) => results.push(each));
    await executable.close();
  }
  return results;
}

describe("the account of a run", () => {
  const module = parseModule(network, { file: "m" });

  it("has spikes, bits and events as the equations have them, in every engine", async () => {
    // Words of the first population: of 3 and 1, then, with half the step, of 0 and 0. Of the second, 1 bit:
    // 1 and 1, then 1 (2 left, of step ½: at most 1) and 0.
    for (const { spikes, bits, activity } of await resultsOf(module, [3, 1])) {
      expect([...spikes]).toEqual([2, 3]);
      expect([...bits]).toEqual([3, 3]);
      expect([...activity.spikes]).toEqual([4, 5]);
      expect([...activity.bits]).toEqual([5, 6]);
      // Each word meets three weights; those of one bit halve, and so shift.
      expect([...activity.events]).toEqual([12, 15]);
      expect([...activity.plainEvents]).toEqual([6, 9]);
      expect([...activity.eventBits]).toEqual([15, 18]);
    }
  });

  it("knows what is computed without spikes", async () => {
    const account = accountOf(module);
    expect(account).toMatchObject({ inputProducts: 4, currentProducts: 3, valueProducts: 0 });
    expect(account.realLayers.map(({ result }) => result)).toEqual([7]);
    // One difference of two elements and one sum of one, at each timestep; the sum of words is in the weights.
    expect(account.other.each).toEqual(operations({ additions: 3 }));
    const [result] = await resultsOf(module, [3, 1]);
    const { spikes, activity } = known(result, "a result");
    const all = operationsOf(account, {
      steps: 2,
      events: known(activity.events[1], "events"),
      plainEvents: known(activity.plainEvents[1], "plain events"),
      eventBits: known(activity.eventBits[1], "event bits"),
      spikes,
    });
    // 4 of the input, 3 at each of two timesteps, 6 events of words.
    expect(all.multiplyAccumulates).toBe(4 + 2 * 3 + 6);
    expect(latencyOf(module, 2)).toEqual({ timesteps: 2, phases: 1, withDelay: 2 });
  });

  it("follows words backwards to who sent them", () => {
    expect(
      sendersOf(module).map(({ op, fanOut, isPlain }) => [op.result, [...fanOut], isPlain]),
    ).toEqual([
      [3, [3, 3], false],
      [4, [3, 3], true],
    ]);
  });
});

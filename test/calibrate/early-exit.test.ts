/** Accuracy and latency where samples end once their answer is clear, worked out by hand. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { type EarlyExitEvaluation, evaluateEarlyExit } from "../../calibrate/early-exit.ts";
import { workOf } from "../../calibrate/energy.ts";
import { evaluate } from "../../calibrate/evaluate.ts";
import { type Operations, operationKinds } from "../../ir/account/operations.ts";
import { allOperations } from "../../ir/account/work.ts";
import type { EarlyExit } from "../../ir/run/early-exit.ts";
import { network, samplesOf } from "./networks.ts";

const identity = [
  [1, 0],
  [0, 1],
];
const snn = network("snn", [{ weight: identity, threshold: [1], vInit: [0] }], identity);
/** The first is at (0.5, 0) after two timesteps, (0.67, 0) after three; the second has no winner. */
const samples = samplesOf([
  [0.75, 0],
  [0.25, 0.25],
]);

async function evaluated(
  rule: Partial<EarlyExit>,
  labels: Int32Array | null = Int32Array.of(0, 1),
): Promise<EarlyExitEvaluation> {
  const executable = await interpretEngine.load(snn, { threads: 1 });
  const whole = { margin: 0.4, of: "output", minimum: 1, every: 1, ...rule } as const;
  return evaluateEarlyExit(executable, samples, labels, { timesteps: 4, rule: whole });
}

/** All operations of one sample alone, in a run of so many timesteps. */
async function operationsOf(row: readonly number[], timesteps: number): Promise<Operations> {
  const executable = await interpretEngine.load(snn, { threads: 1 });
  const one = await evaluate(executable, samplesOf([row]), null, { timesteps });
  return allOperations(workOf(one));
}

describe("an early end", () => {
  it("comes with the margin, and counts up to there", async () => {
    const found = await evaluated({});
    const { costs, operationsPerSample } = found;
    expect(found).toEqual({
      rule: { margin: 0.4, of: "output", minimum: 1, every: 1 },
      accuracy: 0.5,
      meanTimesteps: 3,
      latency: { p50: 2, p90: 4, p99: 4, longest: 4 },
      spikesPerSample: 1.5,
      synapticOperationsPerSample: 3,
      accuracyByTimestep: [0.5, 0.5, 0.5, 0.5],
      ended: [0, 0.5, 0.5, 1],
      costs,
      operationsPerSample,
    });
  });

  it("costs, at every timestep, what samples take that have not ended before", async () => {
    const executable = await interpretEngine.load(snn, { threads: 1 });
    const whole = await evaluate(executable, samples, null, { timesteps: 4 });
    // The first fires from the second timestep on, both neurons of the second at the fourth.
    expect(whole.spikesPerSample).toEqual([0, 0.5, 1, 2.5]);
    const { costs } = await evaluated({});
    expect(costs.timesteps).toEqual([1, 2, 3, 4]);
    expect(costs.spikesPerSample).toEqual([0, 0.5, 0.5, 1.5]);
    expect(costs.synapticOperationsPerSample).toEqual([0, 1, 1, 3]);
    // Two weights by two inputs, once.
    expect(costs.multiplyAccumulatesPerSample).toEqual([4, 4, 4, 4]);
  });

  it("costs the operations of two timesteps of the first and four of the second", async () => {
    const { operationsPerSample } = await evaluated({});
    const alone = [await operationsOf([0.75, 0], 2), await operationsOf([0.25, 0.25], 4)];
    for (const kind of operationKinds) {
      const mean = alone.reduce((sum, each) => sum + each[kind], 0) / 2;
      expect(operationsPerSample[kind]).toBeCloseTo(mean, 12);
    }
    expect(operationsPerSample.multiplyAccumulates).toBe(4);
    expect(operationsPerSample.additions).toBeGreaterThan(3);
  });

  it("waits for the fewest timesteps, and for multiples", async () => {
    expect((await evaluated({ minimum: 3 })).latency.p50).toBe(3);
    expect((await evaluated({ every: 3 })).latency.p50).toBe(3);
    expect((await evaluated({ margin: 0.6 })).latency.p50).toBe(3);
  });

  it("has no accuracy without labels", async () => {
    expect((await evaluated({}, null)).accuracy).toBeNull();
  });
});

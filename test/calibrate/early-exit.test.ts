/** Accuracy and latency where samples end once their answer is clear, worked out by hand. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { type EarlyExitEvaluation, evaluateEarlyExit } from "../../calibrate/early-exit.ts";
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

describe("an early end", () => {
  it("comes with the margin, and counts up to there", async () => {
    expect(await evaluated({})).toEqual({
      rule: { margin: 0.4, of: "output", minimum: 1, every: 1 },
      accuracy: 0.5,
      meanTimesteps: 3,
      latency: { p50: 2, p90: 4, p99: 4, longest: 4 },
      spikesPerSample: 1.5,
      synapticOperationsPerSample: 3,
    });
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

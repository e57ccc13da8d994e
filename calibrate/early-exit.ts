/**
 * Measures a network whose runs end once the answer is clear: how often it is right, and after how
 * many timesteps it says so.
 */
import { known } from "../ir/diagnostic.ts";
import type { EarlyExit } from "../ir/early-exit.ts";
import type { Executable, SampleSource } from "../ir/executable.ts";
import { argmax } from "./evaluate.ts";

export interface EarlyExitOptions {
  /** Timesteps at most. */
  readonly timesteps: number;
  readonly rule: EarlyExit;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface EarlyExitEvaluation {
  readonly rule: EarlyExit;
  /** Share of samples that are right when they end; null without labels. */
  readonly accuracy: number | null;
  readonly meanTimesteps: number;
  /** The fewest timesteps within which so great a share of the samples have ended. */
  readonly latency: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly longest: number;
  };
  /** Mean over samples, up to where each ended. */
  readonly spikesPerSample: number;
  readonly synapticOperationsPerSample: number;
}

/** Runs every sample once. `labels` are known to fit, as `evaluate` has looked. */
export async function evaluateEarlyExit(
  executable: Executable,
  samples: SampleSource,
  labels: Int32Array | null,
  { timesteps, rule, onProgress }: EarlyExitOptions,
): Promise<EarlyExitEvaluation> {
  const taken = new Int32Array(samples.count);
  let [correct, spikes, operations] = [0, 0, 0];
  await executable.run(
    samples,
    { timesteps, earlyExit: rule, ...(onProgress === undefined ? {} : { onProgress }) },
    (result) => {
      const y = known(result.outputs[0], "an output");
      const classes = y.length / timesteps;
      taken[result.index] = result.timestepsTaken;
      if (argmax(y, y.length - classes, classes) === labels?.[result.index]) correct++;
      spikes += result.spikesByStep.at(-1) ?? 0;
      operations += result.synapticOperationsByStep.at(-1) ?? 0;
    },
  );
  const ordered = taken.toSorted();
  const within = (share: number): number =>
    known(ordered[Math.ceil(share * samples.count) - 1], "a sample");
  return {
    rule,
    accuracy: labels === null ? null : correct / samples.count,
    meanTimesteps: taken.reduce((sum, t) => sum + t, 0) / samples.count,
    latency: { p50: within(0.5), p90: within(0.9), p99: within(0.99), longest: within(1) },
    spikesPerSample: spikes / samples.count,
    synapticOperationsPerSample: operations / samples.count,
  };
}

/**
 * Measures a network whose runs end once the answer is clear: how often it is right, and after how
 * many timesteps it says so.
 */
import { known } from "../ir/diagnostic.ts";
import { type EarlyExit, probabilityIn } from "../ir/run/early-exit.ts";
import type { Operations } from "../ir/account/operations.ts";
import type { Executable, SampleSource } from "../ir/executable.ts";
import { type Module, answersOf } from "../ir/module.ts";
import { chooseTask, outputView, taskOf } from "./tasks/choose.ts";
import { CostTally, type RunCosts, firstAnswer } from "./cost-tally.ts";
import { type Targets, targetSetOf } from "./tasks/targets.ts";
import type { ChosenTask, OutputView, TaskWish } from "./tasks/task.ts";

export interface EarlyExitOptions {
  /** Timesteps at most. */
  readonly timesteps: number;
  readonly rule: EarlyExit;
  /** What the first output is for; told from it and the targets unless given. */
  readonly task?: TaskWish;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface EarlyExitEvaluation {
  readonly rule: EarlyExit;
  /** Share of decisions that are right when samples end; null without labels. */
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
  /** Share of decisions that are right where no sample runs for longer, by timestep; null without labels. */
  readonly accuracyByTimestep: readonly number[] | null;
  /** Share of the samples that have ended, by timestep. */
  readonly ended: readonly number[];
  /** What a sample takes up to each timestep, and no more than up to where it ended. */
  readonly costs: RunCosts;
  /** All operations by kind, by events, mean over samples, up to where each ended. */
  readonly operationsPerSample: Operations;
}

/**
 * What a margin of the first output is one of, by its task; a reason where it has none that says how sure
 * an answer is.
 */
export function marginOfTask(
  module: Module,
  { task, view }: { readonly task: ChosenTask; readonly view: OutputView },
): { readonly of: EarlyExit["of"] } | { readonly none: string } {
  switch (task.name) {
    case "classify":
      return view.choices === null
        ? { of: probabilityIn(module) }
        : { none: "the output is a class number and does not say how near the next class was" };
    case "binary":
    case "multilabel":
      return { of: view.ending === "sigmoid" ? "label-probability" : "label-logit" };
    case "segment":
      return { none: "places do not become clear together, and one that never does holds up all" };
    case "regress":
      return { none: "a value does not say how sure it is" };
  }
}

/** Runs every sample once. `targets` are known to fit, as `evaluate` has looked. */
export async function evaluateEarlyExit(
  executable: Executable,
  samples: SampleSource,
  targets: Targets | null,
  { timesteps, rule, onProgress, task: wanted }: EarlyExitOptions,
): Promise<EarlyExitEvaluation> {
  const { module } = executable;
  const taken = new Int32Array(samples.count);
  const view = outputView(module, 0);
  const set = targets === null ? null : targetSetOf(targets);
  const task = taskOf(chooseTask(module, view, set, wanted));
  const steps = answersOf(module, timesteps);
  const scores = task.tally(view, {
    samples: samples.count,
    steps,
    targets: set,
    reference: null,
  });
  const tally = new CostTally(module, steps, executable.neurons.length);
  await executable.run(
    samples,
    { timesteps, earlyExit: rule, ...(onProgress === undefined ? {} : { onProgress }) },
    (result) => {
      const y = known(result.outputs[0], "an output");
      taken[result.index] = result.timestepsTaken;
      scores.add(result.index, y);
      tally.add(result);
    },
  );
  const ordered = taken.toSorted();
  const within = (share: number): number =>
    known(ordered[Math.ceil(share * samples.count) - 1], "a sample");
  const costs = tally.finish(executable.neurons);
  const { accuracy } = scores.finish(firstAnswer(module, steps));
  return {
    rule,
    accuracy: accuracy?.at(-1) ?? null,
    meanTimesteps: taken.reduce((sum, t) => sum + t, 0) / samples.count,
    latency: { p50: within(0.5), p90: within(0.9), p99: within(0.99), longest: within(1) },
    spikesPerSample: known(costs.spikesPerSample.at(-1), "a timestep"),
    synapticOperationsPerSample: known(costs.synapticOperationsPerSample.at(-1), "a timestep"),
    accuracyByTimestep: accuracy,
    ended: costs.timesteps.map((t) => taken.filter((each) => each <= t).length / samples.count),
    costs,
    operationsPerSample: tally.operations(),
  };
}

/** The blocks of figures that every command prints with `--json`, each made in one place. */
import type { Operations } from "../../ir/account/operations.ts";
import { allOperations } from "../../ir/account/work.ts";
import type { RunCosts } from "../cost-tally.ts";
import type { EarlyExitEvaluation } from "../early-exit.ts";
import { workOf } from "../energy.ts";
import type { Evaluation } from "../evaluate.ts";
import { type Metrics, metricNames } from "../tasks/task.ts";
import type { EvalResult, FiguresJson } from "./schema.ts";

/** A network that was measured; `ann` beside it, where the same samples went through both. */
export function measuredFigures(evaluation: Evaluation, ann: Evaluation | null): FiguresJson {
  const { accuracy, lossStandardError, agreement, relativeLogitError, outputs } = evaluation;
  const [first] = outputs;
  const before = ann?.accuracy?.[0];
  return {
    ...figuresOfRun(evaluation),
    task: first?.task ?? null,
    accuracy,
    metrics: first === undefined ? null : finiteMetrics(first.metrics),
    conversionLoss:
      accuracy === null || before === undefined
        ? null
        : {
            points: accuracy.map((share) => 100 * (before - share)),
            standardError: lossStandardError?.map((error) => 100 * error) ?? null,
          },
    agreement,
    relativeLogitError: relativeLogitError?.map(finite) ?? null,
  };
}

/** A network that ran, with nothing to compare its outputs with. */
export function figuresOfRun(run: RunCosts): FiguresJson {
  return {
    timesteps: run.timesteps,
    task: null,
    accuracy: null,
    metrics: null,
    conversionLoss: null,
    agreement: null,
    relativeLogitError: null,
    ...costsJson(run, allOperations(workOf(run))),
    latency: run.latency,
  };
}

/** A run in which samples end early, timestep by timestep: all of it up to where each sample ended. */
export function earlyExitFigures(
  evaluation: EarlyExitEvaluation,
): NonNullable<EvalResult["earlyExit"]>["figures"] {
  const { costs, accuracyByTimestep, ended, operationsPerSample } = evaluation;
  return {
    timesteps: costs.timesteps,
    ended,
    accuracy: accuracyByTimestep,
    ...costsJson(costs, operationsPerSample),
  };
}

/** What a sample takes up to each timestep. */
function costsJson(costs: RunCosts, operations: Operations) {
  return {
    spikes: costs.spikesPerSample,
    bits: costs.bitsPerSample,
    events: costs.synapticOperationsPerSample,
    additions: costs.plainSynapticOperationsPerSample,
    eventBits: costs.synapticBitsPerSample,
    multiplyAccumulates: costs.multiplyAccumulatesPerSample,
    operations,
  };
}

/** JSON has no NaN or infinity: what could not be computed is null. */
function finite(x: number | null): number | null {
  return x !== null && Number.isFinite(x) ? x : null;
}

function finiteMetrics(metrics: Metrics): Metrics {
  return Object.fromEntries(
    metricNames.flatMap((name) => {
      const values = metrics[name];
      return values === undefined ? [] : [[name, values.map(finite)]];
    }),
  );
}

/** The figures of an evaluation under the names that `snnc eval --json` and `convert --json` always had. */
import { known } from "../ir/diagnostic.ts";
import type { EarlyExitEvaluation } from "./early-exit.ts";
import type { Evaluation, OutputEvaluation } from "./evaluate.ts";
import { earlyExitFigures } from "./result/figures.ts";
import type { CommonResult, EvalResult } from "./result/schema.ts";

/** The keys of `eval --json` that stand beside the blocks of all commands. */
export type EvaluationJson = Omit<
  EvalResult,
  Exclude<keyof CommonResult, "model"> | "command" | "options"
>;
type OutputJson = NonNullable<EvalResult["outputs"]>[number];
type EarlyExitJson = NonNullable<EvalResult["earlyExit"]>;

/** The fields of `eval --json`; the caller owns the clock. */
export function evaluationJson(
  evaluation: Evaluation,
  run: { readonly model: string; readonly seconds: number; readonly earlyExit?: TimedEarlyExit },
): EvaluationJson {
  const { lossStandardError, agreement, relativeLogitError, memory } = evaluation;
  const { earlyExit } = run;
  return {
    model: run.model,
    kind: evaluation.kind,
    samples: evaluation.samples,
    timesteps: evaluation.timesteps,
    accuracy: evaluation.accuracy,
    ...taskJson(evaluation),
    ...(lossStandardError === null ? {} : { lossStandardError }),
    ...(agreement === null ? {} : { agreement }),
    ...(relativeLogitError === null ? {} : { relativeLogitError }),
    ...costJson(evaluation),
    seconds: run.seconds,
    samplesPerSecond: run.seconds > 0 ? evaluation.samples / run.seconds : 0,
    ...(memory === null ? {} : { memory }),
    ...(earlyExit === undefined ? {} : { earlyExit: earlyExitJson(earlyExit, evaluation.samples) }),
  };
}

/** What a sample takes, as every command prints it. */
export function costJson(
  evaluation: Evaluation,
): Pick<
  EvaluationJson,
  | "spikesPerSample"
  | "bitsPerSample"
  | "synapticOperationsPerSample"
  | "plainSynapticOperationsPerSample"
  | "synapticBitsPerSample"
  | "multiplyAccumulatesPerSample"
  | "latencyTimesteps"
  | "latencyPhases"
  | "latencyWithDelay"
> {
  return {
    spikesPerSample: evaluation.spikesPerSample,
    bitsPerSample: evaluation.bitsPerSample,
    synapticOperationsPerSample: evaluation.synapticOperationsPerSample,
    plainSynapticOperationsPerSample: evaluation.plainSynapticOperationsPerSample,
    synapticBitsPerSample: evaluation.synapticBitsPerSample,
    multiplyAccumulatesPerSample: evaluation.multiplyAccumulatesPerSample,
    latencyTimesteps: evaluation.latency.timesteps,
    latencyPhases: evaluation.latency.phases,
    latencyWithDelay: evaluation.latency.withDelay,
  };
}

/** The task and its figures as every command prints them. */
export function taskJson({
  outputs,
}: Evaluation): Pick<EvaluationJson, "task" | "metrics" | "outputs"> {
  const { task, metrics } = known(outputs[0], "an output");
  return {
    task,
    metrics,
    ...(outputs.length === 1 ? {} : { outputs: outputs.map(outputJson) }),
  };
}

function outputJson(output: OutputEvaluation): OutputJson {
  const { name, task, accuracy, lossStandardError, agreement, relativeLogitError, metrics } =
    output;
  return {
    name,
    task,
    accuracy,
    ...(lossStandardError === null ? {} : { lossStandardError }),
    ...(agreement === null ? {} : { agreement }),
    ...(relativeLogitError === null ? {} : { relativeLogitError }),
    metrics,
  };
}

interface TimedEarlyExit {
  readonly evaluation: EarlyExitEvaluation;
  readonly seconds: number;
}

function earlyExitJson({ evaluation, seconds }: TimedEarlyExit, samples: number): EarlyExitJson {
  const { rule, accuracy, meanTimesteps, latency } = evaluation;
  const { spikesPerSample, synapticOperationsPerSample } = evaluation;
  return {
    margin: rule.margin,
    every: rule.every,
    accuracy,
    meanTimesteps,
    latency,
    spikesPerSample,
    synapticOperationsPerSample,
    figures: earlyExitFigures(evaluation),
    seconds,
    samplesPerSecond: seconds > 0 ? samples / seconds : 0,
  };
}

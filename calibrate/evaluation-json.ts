/** What `snnc eval --json` prints: the figures of an evaluation under stable names. */
import { type Diagnostic, known } from "../ir/diagnostic.ts";
import type { MemoryUse } from "../ir/executable.ts";
import type { EarlyExitEvaluation } from "./early-exit.ts";
import type { Evaluation, OutputEvaluation } from "./evaluate.ts";
import { earlyExitFigures } from "./result/figures.ts";
import type { ChosenTask, Metrics } from "./tasks/task.ts";

/** A run of its own, in which samples end once their answer is clear. */
interface EarlyExitJson {
  /** Least difference of the two greatest probabilities. */
  readonly margin: number;
  /** It is looked at after every so many timesteps. */
  readonly every: number;
  readonly accuracy: number | null;
  readonly meanTimesteps: number;
  readonly latency: EarlyExitEvaluation["latency"];
  readonly spikesPerSample: number;
  readonly synapticOperationsPerSample: number;
  /** The same by timestep, and all that a sample takes; the lists beside it are of the whole run. */
  readonly figures: ReturnType<typeof earlyExitFigures>;
  readonly seconds: number;
  readonly samplesPerSecond: number;
}

/** What one output was measured as, and what came of it. */
export interface OutputJson {
  readonly name: string;
  readonly task: ChosenTask;
  readonly accuracy: readonly number[] | null;
  readonly lossStandardError?: readonly number[];
  readonly agreement?: readonly number[];
  readonly relativeLogitError?: readonly number[];
  readonly metrics: Metrics;
}

/** What `snnc eval --json` prints; its field names are stable. */
export interface EvaluationJson {
  readonly model: string;
  readonly kind: "ann" | "snn";
  readonly samples: number;
  readonly timesteps: readonly number[];
  /** Share of decisions that are right; null without labels, and where the task is regress. */
  readonly accuracy: readonly number[] | null;
  /** What the first output was measured as, and why. */
  readonly task: ChosenTask;
  /** Further figures of the task, by timestep. */
  readonly metrics: Metrics;
  /** Each output by itself, where there are several. */
  readonly outputs?: readonly OutputJson[];
  /** Of the accuracy's difference from the reference's, where there are labels and a reference. */
  readonly lossStandardError?: readonly number[];
  readonly agreement?: readonly number[];
  readonly relativeLogitError?: readonly number[];
  readonly spikesPerSample: readonly number[];
  readonly bitsPerSample: readonly number[];
  /** Events: words × weights that they met. */
  readonly synapticOperationsPerSample: readonly number[];
  readonly plainSynapticOperationsPerSample: readonly number[];
  readonly synapticBitsPerSample: readonly number[];
  /** Products on what is no spike. */
  readonly multiplyAccumulatesPerSample: readonly number[];
  readonly latencyTimesteps: number;
  readonly latencyPhases: number;
  readonly latencyWithDelay: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  /** What the run held at once; missing where the engine does not plan its memory. */
  readonly memory?: MemoryUse;
  /** Where `--early-exit` was given. */
  readonly earlyExit?: EarlyExitJson;
  readonly diagnostics: readonly Diagnostic[];
}

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
    diagnostics: evaluation.diagnostics,
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
export function taskJson({ outputs }: Evaluation): {
  readonly task: ChosenTask;
  readonly metrics: Metrics;
  readonly outputs?: readonly OutputJson[];
} {
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

/**
 * Measures a network on samples: what its task counts as right, agreement with a reference, the error of
 * its outputs, spikes and operations, at every timestep of one run. Reads no file and no clock.
 */
import { type Diagnostic, fail, known } from "../ir/diagnostic.ts";
import {
  type Account,
  type Latency,
  accountOf,
  latencyOf,
  multiplyAccumulatesIn,
} from "../ir/account/account.ts";
import {
  type Activity,
  type Executable,
  type MemoryUse,
  type SampleResult,
  type SampleSource,
  activityKinds,
  noActivity,
} from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import { type Module, answersOf, isFramed, producerOf, rehearsalOf } from "../ir/module.ts";
import type { ValueId } from "../ir/op/op.ts";
import { elementCount } from "../ir/type.ts";
import { diagnoseEvaluation } from "./evaluation-diagnostics.ts";
import { chooseTask, outputView, taskOf } from "./tasks/choose.ts";
import { type TargetSet, type Targets, targetSetOf } from "./tasks/targets.ts";
import type {
  ChosenTask,
  OutputView,
  Scores,
  TallyOptions,
  TaskWish,
  TaskTally,
} from "./tasks/task.ts";

export interface EvaluateOptions {
  /** Steps to run; ignored for an ANN, and in framed codes, whose frame has a fixed length. */
  readonly timesteps: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** What the first output is for; told from it and the targets unless given. */
  readonly task?: TaskWish;
  /** The evaluation of another network (the ANN) on these samples, made with `keepLogits`. */
  readonly reference?: Pick<Evaluation, "outputs">;
  /** Whether spikes and operations are wanted; else they are not to be read. True unless given. */
  readonly countOperations?: boolean;
  /** Keep the final outputs of every sample, to be another evaluation's reference. */
  readonly keepLogits?: boolean;
}

/** One output, measured by its task. */
export interface OutputEvaluation extends Omit<Scores, "uncounted"> {
  readonly name: string;
  readonly task: ChosenTask;
  /** What the task was told from; that of the reference where there is one. */
  readonly view: OutputView;
  /** Σ |y − y_ref|² / Σ |y_ref|², over samples and elements. */
  readonly relativeLogitError: readonly number[] | null;
  /** [samples, size], after the last timestep; null unless asked for. */
  readonly logits: Float32Array | null;
}

export interface Evaluation {
  readonly kind: "ann" | "snn";
  readonly samples: number;
  /** 1 … T, [T] in a framed code, or [0] for an ANN; what every list below goes by. */
  readonly timesteps: readonly number[];
  /** Each output by its own task, the first one first: what follows is that one's. */
  readonly outputs: readonly OutputEvaluation[];
  /** Classes that are told apart; 0 where the task has none. */
  readonly classes: number;
  /** Share of what is decided (samples, labels, pixels) that is right; null without labels or decisions. */
  readonly accuracy: readonly number[] | null;
  /** Of the difference of that share from the reference's, by timestep; `PairedDifference` has the rule. */
  readonly lossStandardError: readonly number[] | null;
  /** Share of it that is decided as by the reference. */
  readonly agreement: readonly number[] | null;
  /** Σ |y − y_ref|² / Σ |y_ref|², over samples and classes. */
  readonly relativeLogitError: readonly number[] | null;
  /** Spikes of all neurons up to each timestep, mean over samples: words, whatever their size. */
  readonly spikesPerSample: readonly number[];
  /** Binary digits set in these words. */
  readonly bitsPerSample: readonly number[];
  /** Events: words × weights that they met, up to each timestep, mean over samples. */
  readonly synapticOperationsPerSample: readonly number[];
  /** Those of them that are additions; the others are multiply-accumulates. */
  readonly plainSynapticOperationsPerSample: readonly number[];
  /** Binary digits × weights that they met. */
  readonly synapticBitsPerSample: readonly number[];
  /** Products on what is no spike, up to each timestep: those of the input once, others at each timestep. */
  readonly multiplyAccumulatesPerSample: readonly number[];
  /** What the network computes whether it spikes or not. */
  readonly account: Account;
  /** Timesteps from the first input to the answer, for the whole depth; 0 for an ANN. */
  readonly latencyTimesteps: number;
  readonly latency: Latency;
  /** Predicted class per sample, after the last timestep; empty where samples are not of one class. */
  readonly predictions: Int32Array;
  /** How many different classes were predicted at all. */
  readonly distinctPredictions: number;
  /** [samples, classes], after the last timestep; null unless asked for. */
  readonly logits: Float32Array | null;
  readonly neurons: readonly NeuronActivity[];
  /** Of the run, where the engine plans its memory. */
  readonly memory: MemoryUse | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** What one neuron op did in a whole run, mean over samples. */
export interface NeuronActivity {
  readonly value: ValueId;
  readonly name: string;
  readonly neurons: number;
  readonly spikesPerSample: number;
  /** Spikes per neuron and timestep. */
  readonly firingRate: number;
}

/**
 * Runs every sample once. `targets` are those of the first output. Fails with a diagnostic where targets
 * or samples are missing or do not fit.
 */
export async function evaluate(
  executable: Executable,
  samples: SampleSource,
  targets: Targets | null,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { module } = executable;
  if (samples.count === 0) fail(diagnoseEvaluation("no-samples", null, {}));
  const wanted = targets === null ? null : targetSetOf(targets);
  if (wanted !== null) checkCount(wanted, samples.count);
  const steps = answersOf(module, options.timesteps);
  const outputs = module.outputs.map((_, i): OutputTally => {
    const given = options.reference?.outputs[i];
    const view = given?.view ?? outputView(module, i);
    const own = i === 0 ? wanted : null;
    const task = given?.task ?? chooseTask(module, view, own, i === 0 ? options.task : undefined);
    const reference =
      given === undefined ? null : known(given.logits ?? undefined, "outputs of the reference");
    const tally = { samples: samples.count, steps, targets: own, reference };
    const kept = options.keepLogits === true ? new Float32Array(samples.count * view.size) : null;
    return new OutputTally(view, task, taskOf(task).tally(view, tally), tally, kept);
  });
  const tally = new Tally(samples.count, steps, executable.neurons.length);

  await executable.run(
    samples,
    {
      timesteps: steps,
      countOperations: options.countOperations ?? true,
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    },
    (result) => {
      outputs.forEach((output, i) => {
        output.add(result.index, known(result.outputs[i], "an output"));
      });
      tally.addActivity(result);
    },
  );

  const memory = executable.memory?.() ?? null;
  return { ...tally.finish(module, executable.neurons, outputs), memory };
}

/**
 * The task of a module's first output beside these targets. Fails where they are not `samples` or do not
 * fit, before anything runs.
 */
export function checkTargets(
  module: Module,
  targets: Targets,
  samples: number,
  wanted?: TaskWish,
): ChosenTask {
  const set = targetSetOf(targets);
  checkCount(set, samples);
  return chooseTask(module, outputView(module, 0), set, wanted);
}

function checkCount({ count }: TargetSet, samples: number): void {
  if (count === samples) return;
  fail(diagnoseEvaluation("labels-do-not-match-samples", null, { labels: count, samples }));
}

/** The sums of one output. Mutable; lives inside one evaluation. */
class OutputTally {
  readonly view: OutputView;
  private readonly task: ChosenTask;
  private readonly scores: TaskTally;
  private readonly options: TallyOptions;
  private readonly kept: Float32Array | null;
  private readonly squaredError: Float64Array;
  private squaredReference = 0;
  notFinite = 0;

  constructor(
    view: OutputView,
    task: ChosenTask,
    scores: TaskTally,
    options: TallyOptions,
    kept: Float32Array | null,
  ) {
    this.view = view;
    this.task = task;
    this.scores = scores;
    this.options = options;
    this.kept = kept;
    this.squaredError = new Float64Array(options.steps);
  }

  /** `y` is [T, size]. */
  add(index: number, y: Float32Array): void {
    const { size } = this.view;
    const { steps, reference } = this.options;
    this.scores.add(index, y);
    if (reference !== null) this.addError(index, y, reference);
    const last = y.subarray((steps - 1) * size, steps * size);
    if (!last.every(Number.isFinite)) this.notFinite++;
    this.kept?.set(last, index * size);
  }

  private addError(index: number, y: Float32Array, reference: Float32Array): void {
    const { size } = this.view;
    for (let t = 0; t < this.options.steps; t++) {
      let error = 0;
      for (let k = 0; k < size; k++) {
        error += ((y[t * size + k] ?? NaN) - (reference[index * size + k] ?? NaN)) ** 2;
      }
      increment(this.squaredError, t, error);
    }
    for (let k = 0; k < size; k++) {
      this.squaredReference += (reference[index * size + k] ?? NaN) ** 2;
    }
  }

  /** The scores from timestep `first` on, and what there is to say about them. */
  finish(first: number): { readonly found: OutputEvaluation; readonly said: Diagnostic[] } {
    const { view, task, squaredReference, options } = this;
    const { uncounted, ...scores } = this.scores.finish(first);
    const found = {
      name: view.name,
      task,
      view,
      ...scores,
      relativeLogitError:
        options.reference === null || squaredReference === 0
          ? null
          : Array.from(this.squaredError.subarray(first), (error) => error / squaredReference),
      logits: this.kept,
    };
    return { found, said: this.remarks(uncounted) };
  }

  private remarks(uncounted: number): Diagnostic[] {
    const { view, task, options } = this;
    const { name: output, shape } = view;
    const said: Diagnostic[] = [];
    if (options.reference === null && task.assumed) {
      const params = { output, task: task.name, reason: task.reason };
      said.push(diagnoseEvaluation("task-assumed", null, params));
    }
    if (task.name === "classify" && shape.filter((extent) => extent > 1).length > 1) {
      said.push(diagnoseEvaluation("output-is-no-class-score", null, { output, shape }));
    }
    if (uncounted > 0) {
      const of = options.targets?.data.length ?? 0;
      said.push(diagnoseEvaluation("pixels-not-counted", null, { count: uncounted, of }));
    }
    if (this.notFinite > 0) {
      const count = this.notFinite;
      said.push(diagnoseEvaluation("logits-not-finite", null, { count, samples: options.samples }));
    }
    return said;
  }

  get labelled(): boolean {
    return this.options.targets !== null;
  }
}

/** Spikes and events over samples, by timestep. Mutable; lives inside one evaluation. */
class Tally {
  private readonly samples: number;
  private readonly steps: number;
  private readonly activity: Activity;
  private readonly spikesByOp: Float64Array;

  constructor(samples: number, steps: number, neuronOps: number) {
    this.samples = samples;
    this.steps = steps;
    this.activity = noActivity(steps);
    this.spikesByOp = new Float64Array(neuronOps);
  }

  addActivity({ spikes, activity }: Pick<SampleResult, "spikes" | "activity">): void {
    for (const kind of activityKinds) {
      for (let t = 0; t < this.steps; t++) {
        increment(this.activity[kind], t, activity[kind][t] ?? 0);
      }
    }
    spikes.forEach((count, i) => {
      increment(this.spikesByOp, i, count);
    });
  }

  finish(
    module: Module,
    neurons: readonly ValueId[],
    outputs: readonly OutputTally[],
  ): Omit<Evaluation, "memory"> {
    const { samples, steps, activity } = this;
    const start = firstAnswer(module, steps);
    const account = accountOf(module);
    const latency = latencyOf(module, steps);
    const perSample = (sums: Float64Array): number[] =>
      Array.from(sums.subarray(start), (sum) => sum / samples);
    const measured = outputs.map((output) => output.finish(start));
    const first = known(measured[0]?.found, "an output");
    const [labelled, ...others] = outputs;
    const alone =
      labelled?.labelled === true && others.length > 0
        ? [
            diagnoseEvaluation("labels-are-of-one-output", null, {
              used: first.name,
              others: others.map(({ view }) => view.name),
            }),
          ]
        : [];
    return {
      kind: module.code === "none" ? "ann" : "snn",
      samples,
      timesteps: timestepsOf(module, steps),
      outputs: measured.map(({ found }) => found),
      classes: first.classes,
      accuracy: first.accuracy,
      lossStandardError: first.lossStandardError,
      agreement: first.agreement,
      relativeLogitError: first.relativeLogitError,
      spikesPerSample: perSample(activity.spikes),
      bitsPerSample: perSample(activity.bits),
      synapticOperationsPerSample: perSample(activity.events),
      plainSynapticOperationsPerSample: perSample(activity.plainEvents),
      synapticBitsPerSample: perSample(activity.eventBits),
      multiplyAccumulatesPerSample: Array.from({ length: steps - start }, (_, i) =>
        multiplyAccumulatesIn(account, start + i + 1),
      ),
      account,
      latencyTimesteps: latency.timesteps,
      latency,
      predictions: first.predictions,
      distinctPredictions: first.distinctPredictions,
      logits: first.logits,
      neurons: neurons.map((value, i) => {
        const op = producerOf(module, value);
        const count = elementCount(op.type.shape);
        const spikesPerSample = (this.spikesByOp[i] ?? 0) / samples;
        const firingRate =
          spikesPerSample / count / (isFramed(module.code) ? module.timesteps : steps);
        return { value, name: shortName(op.loc), neurons: count, spikesPerSample, firingRate };
      }),
      diagnostics: [...alone, ...measured.flatMap(({ said }) => said)],
    };
  }
}

/** What lists by timestep go by: those at which there is an answer. */
function timestepsOf(module: Module, steps: number): number[] {
  if (module.code === "none") return [0];
  if (isFramed(module.code)) return [module.timesteps];
  const first = firstAnswer(module, steps);
  return Array.from({ length: steps - first }, (_, i) => first + i + 1);
}

/**
 * Where the answers start: there are none while a network rehearses. A run that is over by then shows
 * what there is.
 */
function firstAnswer(module: Module, steps: number): number {
  const rehearsal = rehearsalOf(module);
  return rehearsal < steps ? rehearsal : 0;
}

function increment(sums: Float64Array, index: number, by: number): void {
  sums[index] = (sums[index] ?? 0) + by;
}

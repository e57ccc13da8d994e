/**
 * Measures a network on samples: what its task counts as right, agreement with a reference, the error of
 * its outputs, spikes and operations, at every timestep of one run. Reads no file and no clock.
 */
import { type Diagnostic, fail, known } from "../ir/diagnostic.ts";
import type { Executable, MemoryUse, SampleSource } from "../ir/executable.ts";
import { type Module, answersOf } from "../ir/module.ts";
import { CostTally, type RunCosts, firstAnswer } from "./cost-tally.ts";
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

export interface Evaluation extends RunCosts {
  /** Each output by its own task, the first one first: what follows is that one's. */
  readonly outputs: readonly OutputEvaluation[];
  /** Classes that are told apart; 0 where the task has none. */
  readonly classes: number;
  /** Share of what is decided (samples, labels, pixels) that is right; null without labels or decisions. */
  readonly accuracy: readonly number[] | null;
  /** Of the conversion loss, the reference's share less that one, by timestep; `PairedDifference` has the rule. */
  readonly lossStandardError: readonly number[] | null;
  /** Share of it that is decided as by the reference. */
  readonly agreement: readonly number[] | null;
  /** Σ |y − y_ref|² / Σ |y_ref|², over samples and classes. */
  readonly relativeLogitError: readonly number[] | null;
  /** Predicted class per sample, after the last timestep; empty where samples are not of one class. */
  readonly predictions: Int32Array;
  /** How many different classes were predicted at all. */
  readonly distinctPredictions: number;
  /** [samples, classes], after the last timestep; null unless asked for. */
  readonly logits: Float32Array | null;
  /** Of the run, where the engine plans its memory. */
  readonly memory: MemoryUse | null;
  readonly diagnostics: readonly Diagnostic[];
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
  const tally = new CostTally(module, steps, executable.neurons.length);

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
      tally.add(result);
    },
  );

  const memory = executable.memory?.() ?? null;
  const costs = tally.finish(executable.neurons);
  return { ...evaluationOf(costs, outputs, firstAnswer(module, steps)), memory };
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

/** Puts together what was counted and what each output came to. */
function evaluationOf(
  costs: RunCosts,
  outputs: readonly OutputTally[],
  start: number,
): Omit<Evaluation, "memory"> {
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
    ...costs,
    outputs: measured.map(({ found }) => found),
    classes: first.classes,
    accuracy: first.accuracy,
    lossStandardError: first.lossStandardError,
    agreement: first.agreement,
    relativeLogitError: first.relativeLogitError,
    predictions: first.predictions,
    distinctPredictions: first.distinctPredictions,
    logits: first.logits,
    diagnostics: [...alone, ...measured.flatMap(({ said }) => said)],
  };
}

function increment(sums: Float64Array, index: number, by: number): void {
  sums[index] = (sums[index] ?? 0) + by;
}

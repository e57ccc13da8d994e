/**
 * What a network's output is for, and so what counts as right: the words that the measuring of every task
 * shares. Each task is a file of this folder.
 */
import type { Diagnostic } from "../../ir/diagnostic.ts";
import type { Shape } from "../../ir/type.ts";
import type { TargetSet } from "./targets.ts";

export const taskNames = ["classify", "binary", "multilabel", "segment", "regress"] as const;
export type TaskName = (typeof taskNames)[number];

/** What the values of an output have just gone through, as far as it says what they are. */
export type Ending = "softmax" | "sigmoid" | "tanh" | "argmax" | "other";

/** An output of a module, as tasks see it. */
export interface OutputView {
  readonly name: string;
  /** As in the module: axis 0 is the batch of one. */
  readonly shape: Shape;
  /** Elements of one sample. */
  readonly size: number;
  readonly ending: Ending;
  /** How many class numbers an argmax chooses from; null for other endings. */
  readonly choices: number | null;
}

/** The task that an output is measured by, and why. */
export interface ChosenTask {
  readonly name: TaskName;
  /** Half a sentence that follows "because". */
  readonly reason: string;
  /** Whether nothing but the output's shape speaks for it. */
  readonly assumed: boolean;
  /** A probability or logit from which on a label counts as given; null where none is looked at. */
  readonly threshold: number | null;
}

/** A task that is not to be told from data: one that was asked for, or one with a reason of its own. */
export type TaskWish = TaskName | Pick<ChosenTask, "name" | "reason">;

/** Further figures of a task, by timestep; null where one has no value (nothing varies). */
export const metricNames = [
  "exactMatch",
  "meanIou",
  "rmse",
  "relativeRmse",
  "r2",
  "rmseToAnn",
  "relativeRmseToAnn",
] as const;
export type MetricName = (typeof metricNames)[number];
export type Metrics = Readonly<Partial<Record<MetricName, readonly (number | null)[]>>>;

/** What one output came to over all samples. */
export interface Scores {
  /** Share of decisions that are right, by timestep; null without targets, and where none is decided. */
  readonly accuracy: readonly number[] | null;
  /** Of the accuracy's difference from the reference's, by timestep; null without targets or reference. */
  readonly lossStandardError: readonly number[] | null;
  /** Share of decisions that are the reference's, by timestep. */
  readonly agreement: readonly number[] | null;
  readonly metrics: Metrics;
  /** Classes that a decision chooses from; 0 where nothing is chosen. */
  readonly classes: number;
  /** The class of each sample after the last timestep; empty where a sample is not of one class. */
  readonly predictions: Int32Array;
  /** How many different classes were decided for at all, after the last timestep. */
  readonly distinctPredictions: number;
  /** Mean squared distance of each sample from the reference, after the last timestep. */
  readonly squaredErrors: Float64Array | null;
  /** Targets that are marked as not to be counted. */
  readonly uncounted: number;
  /** Accuracy after the last timestep with every label one less and one more; for single classes only. */
  readonly shifted: { readonly less: number; readonly more: number } | null;
}

/** Sums over samples; mutable, and alive during one evaluation. */
export interface TaskTally {
  /** `y` is [T, size] of sample `index`. */
  add(index: number, y: Float32Array): void;
  /** The scores from timestep `first` (counted from 0) on. */
  finish(first: number): Scores;
}

/** What an evaluation is about, for one output. */
export interface TallyOptions {
  readonly samples: number;
  readonly steps: number;
  /** Targets that `refuse` has seen. */
  readonly targets: TargetSet | null;
  /** The reference's values of this output, [samples, size]. */
  readonly reference: Float32Array | null;
}

/** One way to read an output. */
export interface Task {
  readonly name: TaskName;
  /** Why the output, or the targets beside it, cannot be read so; null where they can. */
  refuse(output: OutputView, targets: TargetSet | null): Diagnostic | null;
  /** See `ChosenTask`. */
  thresholdOf(output: OutputView): number | null;
  tally(output: OutputView, options: TallyOptions): TaskTally;
}

/** Where labels are told from no labels: half a probability, or the logit of that. */
export function thresholdFor({ ending }: OutputView): number {
  return ending === "sigmoid" ? 0.5 : 0;
}

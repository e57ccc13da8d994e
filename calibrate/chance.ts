/** When an accuracy says nothing: a network that is right about as often as somebody who guesses. */

import type { Diagnostic } from "../ir/diagnostic.ts";
import type { Evaluation } from "./evaluate.ts";
import { diagnoseEvaluation } from "./evaluation-diagnostics.ts";

/**
 * Whether `accuracy` of this many samples is about that of guessing one of `classes`: up to one and a half
 * times as much, or of two classes within two standard errors (2 points at least). Few samples show nothing.
 */
export function isAtChance(accuracy: number, classes: number, samples: number): boolean {
  if (classes < 2 || samples < 10 * classes) return false;
  if (classes > 2) return accuracy <= 1.5 / classes;
  return Math.abs(accuracy - 0.5) <= Math.max(0.02, 1 / Math.sqrt(samples));
}

/** A number that, added to every label, makes a network right that is not. */
export interface LabelShift {
  readonly by: 1 | -1;
  /** With the labels so shifted. */
  readonly accuracy: number;
}

/** Whether labels fit much better one number on: twice as well at least, and by 20 points. */
export function labelShiftOf({ outputs }: Pick<Evaluation, "outputs">): LabelShift | null {
  const [output] = outputs;
  const accuracy = output?.accuracy?.at(-1);
  const shifted = output?.shifted ?? null;
  if (accuracy === undefined || shifted === null) return null;
  const best: LabelShift =
    shifted.more >= shifted.less
      ? { by: 1, accuracy: shifted.more }
      : { by: -1, accuracy: shifted.less };
  return best.accuracy > Math.max(2 * accuracy, accuracy + 0.2) ? best : null;
}

/** What there is to say of a network by itself that is not right more often than somebody who guesses. */
export function chanceWarnings(evaluation: Evaluation): Diagnostic[] {
  const accuracy = evaluation.accuracy?.at(-1);
  if (accuracy === undefined) return [];
  const { classes, samples } = evaluation;
  const shift = labelShiftOf(evaluation);
  if (shift !== null) {
    return [diagnoseEvaluation("labels-shifted", null, { ...shift, now: accuracy })];
  }
  const task = evaluation.outputs[0]?.task.name;
  const isOne = task === "classify" || task === "binary";
  return isOne && isAtChance(accuracy, classes, samples)
    ? [diagnoseEvaluation("at-chance", null, { accuracy, classes })]
    : [];
}

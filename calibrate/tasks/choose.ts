/**
 * Tells a task from an output and the targets beside it, and says why. What is told from a shape alone is
 * marked as assumed, and a word from the user goes before all of it.
 */
import { isMove } from "../../ir/op/known.ts";
import { type Diagnostic, fail, known } from "../../ir/diagnostic.ts";
import { type Module, inputsOf, producerOf } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";
import { elementCount, sameShape } from "../../ir/type.ts";
import { diagnoseEvaluation } from "../evaluation-diagnostics.ts";
import { binary } from "./binary.ts";
import { classify } from "./classify.ts";
import { multilabel } from "./multilabel.ts";
import { regress } from "./regress.ts";
import { mapOf, segment } from "./segment.ts";
import {
  type TargetSet,
  areClassNumbers,
  holdWholeNumbers,
  areOneHot,
  holdOnly,
} from "./targets.ts";
import type { ChosenTask, OutputView, Task, TaskName, TaskWish } from "./task.ts";

const tasks: Readonly<Record<TaskName, Task>> = {
  classify,
  binary,
  multilabel,
  segment,
  regress,
};

export function taskOf({ name }: ChosenTask): Task {
  return tasks[name];
}

/** Output `index` of a module, as tasks see it. */
export function outputView(module: Module, index: number): OutputView {
  const { name, value } = known(module.outputs[index], "an output");
  const { shape } = producerOf(module, value).type;
  let op = producerOf(module, value);
  while (isMove(op)) op = producerOf(module, known(op.inputs[0], "an operand"));
  const view = { name, shape, size: elementCount(shape), choices: null };
  if (isOp(op, "ann.argmax")) {
    const operand = producerOf(module, known(op.inputs[0], "an operand")).type.shape;
    return { ...view, ending: "argmax", choices: operand.at(op.attrs.axis) ?? 1 };
  }
  if (isOp(op, "ann.softmax", "ann.log-softmax")) return { ...view, ending: "softmax" };
  if (isOp(op, "ann.sigmoid", "ann.hard-sigmoid")) return { ...view, ending: "sigmoid" };
  if (isOp(op, "ann.tanh")) return { ...view, ending: "tanh" };
  return { ...view, ending: "other" };
}

/**
 * The task of an output: the one asked for, or the one that `targets` and the output speak for. Fails with
 * a diagnostic where targets do not fit it, or fit none.
 */
export function chooseTask(
  module: Module,
  output: OutputView,
  targets: TargetSet | null,
  wanted?: TaskWish,
): ChosenTask {
  const guess: Guess =
    wanted !== undefined
      ? typeof wanted === "string"
        ? certain(wanted, "it was asked for")
        : certain(wanted.name, wanted.reason)
      : targets === null
        ? guessWithout(module, output)
        : (guessFrom(output, targets) ?? fail(noTask(output, targets)));
  const task = tasks[guess.name];
  const refused: Diagnostic | null = task.refuse(output, targets);
  if (refused !== null) {
    const why = typeof wanted === "object" ? [`it is taken for that because ${wanted.reason}`] : [];
    fail({ ...refused, notes: [...refused.notes, ...why] });
  }
  return { ...guess, threshold: task.thresholdOf(output) };
}

type Guess = Omit<ChosenTask, "threshold">;

function certain(name: TaskName, reason: string): Guess {
  return { name, reason, assumed: false };
}

function assumed(name: TaskName, reason: string): Guess {
  return { name, reason, assumed: true };
}

/** What targets say; null where they fit nothing. */
function guessFrom(output: OutputView, targets: TargetSet): Guess | null {
  if (targets.size === 1) return guessFromNumbers(output, targets);
  const spatial = mapOf(output, targets.shape);
  const areMaps = holdWholeNumbers(targets);
  if (targets.size === output.size) {
    if (output.choices !== null) return certain("segment", "the output is a map of class numbers");
    if (!holdOnly(targets, 0, 1) && !holdOnly(targets, -1, 1)) {
      // One score for each place, and a map of 0, 1 and marks for pixels that do not count.
      return spatial !== null && spatial.along === 1 && areMaps && output.ending === "sigmoid"
        ? certain("segment", "there is a label for each place of the output")
        : certain("regress", "samples come with a value for each element of the output");
    }
    if (spatial !== null && spatial.along === 1) {
      return certain("segment", "there is a label of 0 or 1 for each place of the output");
    }
    const rank = output.shape.filter((extent) => extent > 1).length;
    return rank === 1 && output.ending !== "sigmoid" && areOneHot(targets, output.size)
      ? certain("classify", "labels have one 1 for each sample")
      : certain("multilabel", "there is a label of 0 or 1 for each element of the output");
  }
  if (spatial !== null && areMaps) {
    return certain("segment", "there is a class number for each place of the output");
  }
  return null;
}

/** A number for each sample. */
function guessFromNumbers(output: OutputView, targets: TargetSet): Guess | null {
  if (output.size > 1) {
    // Numbers that are no class of this network are named when they are measured.
    return holdWholeNumbers(targets)
      ? certain("classify", "labels are a class number for each sample")
      : null;
  }
  if (output.choices !== null) return certain("classify", "the output is a class number");
  const values = holdOnly(targets, 0, 1) ? "0 or 1" : holdOnly(targets, -1, 1) ? "−1 or 1" : null;
  if (values !== null) return certain("binary", `there is one output, and labels are ${values}`);
  // A probability beside whole numbers: these are labels of something else.
  if (output.ending === "sigmoid" && areClassNumbers(targets)) return null;
  return certain("regress", "there is one output, and targets are not all 0 or 1");
}

/** What an output says by itself. */
function guessWithout(module: Module, output: OutputView): Guess {
  const { shape, ending, size, choices } = output;
  const wide = shape.filter((extent) => extent > 1).length > 1;
  if (choices !== null) {
    const name = size === 1 ? "classify" : "segment";
    return certain(name, "the output is made of class numbers");
  }
  if (ending === "softmax") {
    return certain(wide ? "segment" : "classify", "the output ends in a softmax");
  }
  if (ending === "sigmoid") {
    const name = size === 1 ? "binary" : wide ? spatialBy(output) : "multilabel";
    return certain(name, "the output ends in a sigmoid");
  }
  if (ending === "tanh") return certain("regress", "the output ends in a tanh");
  if (size === 1) return assumed("regress", "there is one output, and no labels");
  if (inputsOf(module).some((input) => sameShape(input.type.shape, shape))) {
    return certain("regress", "the output has the shape of the input");
  }
  if (wide) {
    return assumed(
      "regress",
      "the output has several axes and no softmax, and there are no labels",
    );
  }
  return assumed("classify", "the output is a vector, and there are no labels");
}

/** One score for each place is a map of labels; several are labels of their own. */
function spatialBy(output: OutputView): TaskName {
  return mapOf(output, null)?.along === 1 ? "segment" : "multilabel";
}

function noTask(output: OutputView, targets: TargetSet): Diagnostic {
  const stray = strayOf(output, targets);
  const shape = ["N", ...targets.shape];
  return diagnoseEvaluation("targets-fit-no-task", null, {
    output: output.name,
    outputShape: output.shape,
    shape,
    stray,
  });
}

/** A value that speaks against class numbers, or labels of one probability. */
function strayOf(output: OutputView, { data }: TargetSet): number | null {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? NaN;
    const fits =
      output.size === 1 ? value === 0 || value === 1 : Number.isInteger(value) && value >= 0;
    if (!fits) return value;
  }
  return null;
}

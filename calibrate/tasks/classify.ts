/** One class for each sample: the element with the greatest value, or the number that an argmax gave. */
import { diagnoseEvaluation } from "../evaluation-diagnostics.ts";
import { type Decisions, DecisionTally, argmax } from "./decisions.ts";
import { type TargetSet, holdWholeNumbers, areOneHot } from "./targets.ts";
import type { OutputView, Task } from "./task.ts";

export const classify: Task = {
  name: "classify",
  refuse(output, targets) {
    const classes = classesOf(output);
    if (classes < 2) {
      const why = `the output "${output.name}" is one value, and a class is the greatest of several`;
      return diagnoseEvaluation("task-does-not-fit", null, { task: "classify", why });
    }
    if (targets === null) return null;
    if (targets.size === output.size && areOneHot(targets, classes)) return null;
    if (targets.size !== 1 || !holdWholeNumbers(targets)) {
      const why =
        targets.size === 1
          ? "labels are class numbers from 0, and these are not all whole numbers"
          : `labels are a class number each, and these have shape [N, ${targets.shape.join(", ")}]`;
      return diagnoseEvaluation("task-does-not-fit", null, { task: "classify", why });
    }
    return outOfRange(targets, classes);
  },
  thresholdOf: () => null,
  tally: (output, options) =>
    new DecisionTally(output.size, decisionsOf(output, options.targets), options),
};

/** Classes that the output tells apart. */
function classesOf({ choices, size }: OutputView): number {
  return choices !== null && size === 1 ? choices : size;
}

function decisionsOf(output: OutputView, targets: TargetSet | null): Decisions {
  const { size } = output;
  const isNumber = output.choices !== null && size === 1;
  const oneHot = targets !== null && targets.size === size && size > 1;
  const asked = targets?.data ?? [];
  return {
    places: 1,
    classes: classesOf(output),
    decide(y, offset, into) {
      into[0] = isNumber ? (y[offset] ?? NaN) : argmax(y, offset, size);
    },
    ask(index, into) {
      into[0] = oneHot ? argmax(asked, index * size, size) : (asked[index] ?? -1);
    },
  };
}

/** What is wrong with labels that are not all from 0 to `classes` − 1; null where they are. */
function outOfRange(targets: TargetSet, classes: number): ReturnType<Task["refuse"]> {
  const { data, count: of } = targets;
  let [count, index] = [0, -1];
  for (let i = 0; i < data.length; i++) {
    const each = data[i] ?? NaN;
    if (each >= 0 && each < classes) continue;
    if (count === 0) index = i;
    count++;
  }
  if (count === 0) return null;
  const label = data[index] ?? NaN;
  const shift = shiftThatFits(data, classes);
  return diagnoseEvaluation("label-out-of-range", null, {
    label,
    index,
    classes,
    count,
    of,
    shift,
  });
}

/** The smallest number that makes classes of all labels when it is added, or null where none does. */
function shiftThatFits(labels: TargetSet["data"], classes: number): number | null {
  let least = Infinity;
  let greatest = -Infinity;
  for (const label of Array.from(labels)) {
    least = Math.min(least, label);
    greatest = Math.max(greatest, label);
  }
  if (greatest - least >= classes) return null;
  return least < 0 ? -least : classes - 1 - greatest;
}

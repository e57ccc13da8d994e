/** Any number of labels for each sample: every element by itself beside a threshold. */
import { diagnoseEvaluation } from "../evaluation-diagnostics.ts";
import { type Decisions, DecisionTally } from "./decisions.ts";
import { type TargetSet, holdOnly } from "./targets.ts";
import { type OutputView, type Task, thresholdFor } from "./task.ts";

export const multilabel: Task = {
  name: "multilabel",
  refuse(output, targets) {
    const refused = (why: string): ReturnType<Task["refuse"]> =>
      diagnoseEvaluation("task-does-not-fit", null, { task: "multilabel", why });
    if (targets === null) return null;
    if (targets.size !== output.size) {
      return refused(
        `the output "${output.name}" is ${output.size} values, and samples have ${targets.size} labels`,
      );
    }
    return holdOnly(targets, 0, 1) || holdOnly(targets, -1, 1)
      ? null
      : refused("labels are 0 and 1, or −1 and 1, and these hold other values");
  },
  thresholdOf: thresholdFor,
  tally: (output, options) =>
    new DecisionTally(
      output.size,
      { ...labelDecisions(output, options.targets), extra: "exactMatch" },
      options,
    ),
};

/** Each element is 1 from the threshold on: a value that is exactly it counts as given. */
export function labelDecisions(output: OutputView, targets: TargetSet | null): Decisions {
  const { size } = output;
  const threshold = thresholdFor(output);
  return {
    places: size,
    classes: 2,
    decide(y, offset, into) {
      for (let k = 0; k < size; k++) into[k] = (y[offset + k] ?? NaN) >= threshold ? 1 : 0;
    },
    ask(index, into) {
      for (let k = 0; k < size; k++) into[k] = (targets?.data[index * size + k] ?? 0) > 0 ? 1 : 0;
    },
  };
}

/** Yes or no for each sample: one output beside a threshold. Labels are 0 and 1, or −1 and 1. */
import { diagnoseEvaluation } from "../evaluation-diagnostics.ts";
import { labelDecisions } from "./multilabel.ts";
import { DecisionTally } from "./decisions.ts";
import { holdOnly } from "./targets.ts";
import { type Task, thresholdFor } from "./task.ts";

export const binary: Task = {
  name: "binary",
  refuse(output, targets) {
    const refused = (why: string): ReturnType<Task["refuse"]> =>
      diagnoseEvaluation("task-does-not-fit", null, { task: "binary", why });
    if (output.size !== 1) {
      return refused(`the output "${output.name}" is ${output.size} values, and one is compared`);
    }
    if (targets === null) return null;
    if (targets.size !== 1) {
      return refused(
        `labels are one number for each sample, and these have shape [N, ${targets.shape.join(", ")}]`,
      );
    }
    return holdOnly(targets, 0, 1) || holdOnly(targets, -1, 1)
      ? null
      : refused("labels are 0 and 1, or −1 and 1, and these hold other values");
  },
  thresholdOf: thresholdFor,
  tally: (output, options) =>
    new DecisionTally(1, labelDecisions(output, options.targets), options),
};

/** Messages about measuring a network on samples, and about what is taken as right. */
import { catalogue } from "../ir/diagnostic.ts";
import type { TaskName } from "./tasks/task.ts";

/** Tasks as half a sentence has them. */
export const describeTask: Readonly<Record<TaskName, string>> = {
  classify: "one class for each sample (classify)",
  binary: "yes or no (binary)",
  multilabel: "several yes-or-no labels (multilabel)",
  segment: "a class at each place (segment)",
  regress: "values (regress)",
};

function list(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

export const diagnoseEvaluation = catalogue({
  "labels-do-not-match-samples": {
    severity: "error",
    message: (p: { labels: number; samples: number }) =>
      `there are ${p.labels} labels for ${p.samples} samples`,
    help: "give one label per sample, in the order of the samples",
  },
  "label-out-of-range": {
    severity: "error",
    message: (p: {
      label: number;
      index: number;
      classes: number;
      count: number;
      of: number;
      shift: number | null;
    }) =>
      `labels of a network with ${p.classes} outputs lie between 0 and ${p.classes - 1}, but ` +
      `${p.count} of ${p.of} do not; the first is ${p.label}, of sample ${p.index}`,
    help: (p: { label: number; classes: number; shift: number | null }) =>
      p.shift === null
        ? "labels count from 0; check that the labels belong to this network"
        : `all labels fit after adding ${p.shift}: set "labelOffset": ${p.shift} in --preprocess FILE ` +
          "(add it to an offset that is already there)" +
          (p.shift === -1 && p.label === p.classes
            ? `; if ${p.label} stands for class 0, use --label-map ${p.label}=0`
            : ""),
  },
  "no-samples": {
    severity: "error",
    message: (_p: Record<never, never>) => "there are no samples to measure on",
    help: "give a data set with at least one sample",
  },
  "task-assumed": {
    severity: "info",
    message: (p: { output: string; task: TaskName; reason: string }) =>
      `output "${p.output}" is measured by the task ${p.task}: ${p.reason}`,
    help: "choose another task with --task: classify, binary, multilabel, segment or regress",
  },
  "task-does-not-fit": {
    severity: "error",
    message: (p: { task: TaskName; why: string }) =>
      `the output cannot be measured by the task ${p.task}: ${p.why}`,
    help: "choose the task of the output with --task: classify, binary, multilabel, segment or regress",
  },
  "targets-fit-no-task": {
    severity: "error",
    message: (p: {
      output: string;
      outputShape: readonly number[];
      shape: readonly (string | number)[];
      stray: number | null;
    }) =>
      `labels of shape [${p.shape.join(", ")}]` +
      (p.stray === null ? "" : ` with the value ${p.stray}`) +
      ` fit no task of output "${p.output}", ${list(p.outputShape)}`,
    help:
      "labels are a class number for each sample, 0 or 1 for each element, a class number for each place, or " +
      "values in the output's shape; choose one with --task",
  },
  "labels-are-of-one-output": {
    severity: "info",
    message: (p: { used: string; others: readonly string[] }) =>
      `the labels belong to output "${p.used}"; ` +
      `${p.others.map((n) => `"${n}"`).join(", ")} ${p.others.length === 1 ? "is" : "are"} compared only with the ANN`,
  },
  "at-chance": {
    severity: "warning",
    message: (p: { accuracy: number; classes: number }) =>
      `the accuracy of the network is ${(100 * p.accuracy).toFixed(2)} %, about that of a guess among ` +
      `${p.classes} classes`,
    help: "check the preprocessing (scale, mean, channel order, layout) and that the labels belong to this network",
  },
  "labels-shifted": {
    severity: "warning",
    message: (p: { by: 1 | -1; accuracy: number; now: number }) =>
      `the accuracy of the network is ${(100 * p.now).toFixed(2)} %; it would be ` +
      `${(100 * p.accuracy).toFixed(2)} % if every label were one ${p.by > 0 ? "more" : "less"}`,
    help: (p: { by: 1 | -1 }) =>
      `set {"labelOffset": ${p.by}} in --preprocess FILE, or give labels that count from 0`,
  },
  "inputs-are-scaled-otherwise": {
    severity: "warning",
    message: (p: {
      input: string;
      calibration: string;
      data: string;
      before: string;
      now: string;
    }) =>
      `input "${p.input}" has other values in ${p.data} (${p.now}) than in the calibration data ` +
      `${p.calibration} (${p.before})`,
    help: "prepare both in the same way: thresholds fit only the range of values on which they were chosen",
  },
  "pixels-not-counted": {
    severity: "info",
    message: (p: { count: number; of: number }) =>
      `${p.count} of ${p.of} places are marked to be ignored (255, or less than 0)`,
  },
  "output-is-no-class-score": {
    severity: "warning",
    message: (p: { output: string; shape: readonly number[] }) =>
      `output "${p.output}" of shape ${list(p.shape)} has more than one axis: ` +
      "the index of its largest element is the predicted class",
  },
  "logits-not-finite": {
    severity: "warning",
    message: (p: { count: number; samples: number }) =>
      `the output holds NaN or infinity for ${p.count} of ${p.samples} samples`,
    help: "check that the data has the scale of the training data (--preprocess)",
  },
  "neuron-without-counterpart": {
    severity: "warning",
    message: (p: { names: readonly string[] }) =>
      `${p.names.length} neuron layers have no activation of the ANN to compare with: ` +
      p.names.slice(0, 5).join(", ") +
      (p.names.length > 5 ? ", …" : ""),
  },
  "rehearsal-in-means": {
    severity: "info",
    message: (p: { rehearsal: number; timesteps: number }) =>
      `layers are compared by their means over all ${p.timesteps} timesteps, of which the first ` +
      `${p.rehearsal} are the rehearsal`,
    help: "accuracy is that of the answer alone",
  },
  "neurons-of-integers": {
    severity: "info",
    message: (p: { names: readonly string[] }) =>
      `${p.names.length} neuron layers use integers in units of their own, so they are not ` +
      "compared with the ANN's",
    help: "report on the network before quantise to see where accuracy is lost",
  },
});

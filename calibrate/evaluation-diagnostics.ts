/** Messages about measuring a network on samples, and about what is taken as right. */
import { catalogue } from "../ir/diagnostic.ts";
import type { TaskName } from "./tasks/task.ts";

/** Tasks as half a sentence has them. */
export const describeTask: Readonly<Record<TaskName, string>> = {
  classify: "one class for each sample (classify)",
  binary: "yes or no (binary)",
  multilabel: "labels of their own (multilabel)",
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
        : `all labels fit where they are shifted by ${p.shift}: say "labelOffset": ${p.shift} in --preprocess FILE ` +
          "(added to what is there)" +
          (p.shift === -1 && p.label === p.classes
            ? `; or, where ${p.label} stands for class 0, --label-map ${p.label}=0`
            : ""),
  },
  "no-samples": {
    severity: "error",
    message: (_p: Record<never, never>) => "there are no samples to measure on",
  },
  "task-assumed": {
    severity: "info",
    message: (p: { output: string; task: TaskName; reason: string }) =>
      `output "${p.output}" is measured by the task ${p.task}: ${p.reason}`,
    help: "--task says what it is for: classify, binary, multilabel, segment or regress",
  },
  "task-does-not-fit": {
    severity: "error",
    message: (p: { task: TaskName; why: string }) =>
      `this cannot be measured by the task ${p.task}: ${p.why}`,
    help: "--task says what the output is for: classify, binary, multilabel, segment or regress",
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
      (p.stray === null ? "" : ` that hold ${p.stray}`) +
      ` fit no task of output "${p.output}", ${list(p.outputShape)}`,
    help:
      "labels are a class number for each sample, 0 or 1 for each element, a class number for each place, or " +
      "values in the output's shape; --task says which",
  },
  "labels-are-of-one-output": {
    severity: "info",
    message: (p: { used: string; others: readonly string[] }) =>
      `labels are those of output "${p.used}"; ` +
      `${p.others.map((n) => `"${n}"`).join(", ")} ${p.others.length === 1 ? "is" : "are"} compared with the ANN alone`,
  },
  "at-chance": {
    severity: "warning",
    message: (p: { accuracy: number; classes: number }) =>
      `the network is right on ${(100 * p.accuracy).toFixed(2)} % of the samples, which is about chance for ` +
      `${p.classes} classes`,
    help: "check the preprocessing (scale, mean, channel order, layout) and that the labels belong to this network",
  },
  "labels-shifted": {
    severity: "warning",
    message: (p: { by: 1 | -1; accuracy: number; now: number }) =>
      `the network is right on ${(100 * p.now).toFixed(2)} % of the samples, and with every label one ` +
      `${p.by > 0 ? "more" : "less"} it is on ${(100 * p.accuracy).toFixed(2)} %`,
    help: (p: { by: 1 | -1 }) =>
      `say so in --preprocess FILE: {"labelOffset": ${p.by}}, or give labels that count from 0`,
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
    help: "prepare both in the same way: thresholds are for the values that they were chosen on",
  },
  "pixels-not-counted": {
    severity: "info",
    message: (p: { count: number; of: number }) =>
      `${p.count} of ${p.of} places are marked as not to be counted (255, or less than 0)`,
  },
  "output-is-no-class-score": {
    severity: "warning",
    message: (p: { output: string; shape: readonly number[] }) =>
      `output "${p.output}" of shape ${list(p.shape)} has more than one axis: ` +
      "its greatest element overall is taken as the predicted class",
  },
  "logits-not-finite": {
    severity: "warning",
    message: (p: { count: number; samples: number }) =>
      `the output holds NaN or infinity for ${p.count} of ${p.samples} samples`,
    help: "check the scale of the input against what the network was trained on",
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
      `${p.names.length} neuron layers are of integers, in units of their own: they are not ` +
      "compared with the ANN's",
    help: "report on the network before quantise to see where accuracy is lost",
  },
});

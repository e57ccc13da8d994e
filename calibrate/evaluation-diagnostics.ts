/** Messages about measuring a network on labelled samples. */
import { catalogue } from "../ir/diagnostic.ts";

export const diagnoseEvaluation = catalogue({
  "labels-do-not-match-samples": {
    severity: "error",
    message: (p: { labels: number; samples: number }) =>
      `there are ${p.labels} labels for ${p.samples} samples`,
    help: "give one label per sample, in the order of the samples",
  },
  "label-out-of-range": {
    severity: "error",
    message: (p: { label: number; index: number; classes: number; count: number; of: number }) =>
      `labels of a network with ${p.classes} outputs lie between 0 and ${p.classes - 1}, but ` +
      `${p.count} of ${p.of} do not; the first is ${p.label}, of sample ${p.index}`,
    help: "labels count from 0; check that the labels belong to this network",
  },
  "no-samples": {
    severity: "error",
    message: (_p: Record<never, never>) => "there are no samples to measure on",
  },
  "other-outputs-ignored": {
    severity: "warning",
    message: (p: { used: string; ignored: readonly string[] }) =>
      `accuracy is that of output "${p.used}"; ${p.ignored.map((n) => `"${n}"`).join(", ")} not looked at`,
  },
  "output-is-no-class-score": {
    severity: "warning",
    message: (p: { output: string; shape: readonly number[] }) =>
      `output "${p.output}" of shape [${p.shape.join(", ")}] has more than one axis: ` +
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

/** Messages about bits that are chosen for each layer. */
import { catalogue } from "../../ir/diagnostic.ts";

export const diagnose = catalogue({
  "budget-too-small": {
    severity: "error",
    message: (p: { spikes: number; least: number }) =>
      `the budget is ${p.spikes.toFixed(0)} set bits of spikes per sample, and layers need at least ` +
      p.least.toFixed(0),
    help: "give a larger budget, or fewer timesteps",
  },
  "bits-allocated": {
    severity: "info",
    message: (p: { layers: readonly { layer: string; bits: number }[] }) =>
      `bits of spikes by layer: ${p.layers.map(({ layer, bits }) => `${layer} ${bits}`).join(", ")}`,
  },
  "weight-bits-allocated": {
    severity: "info",
    message: (p: { layers: readonly { layer: string; bits: number }[]; mean: number }) =>
      `bits of weights by layer, ${p.mean.toFixed(2)} on average: ` +
      p.layers.map(({ layer, bits }) => `${layer}: ${bits}`).join(", "),
  },
  "no-weights": {
    severity: "error",
    message: (p: { pass: string }) =>
      `pass ${p.pass} gives bits to the weights of layers, and this network has none that the analogue network has too`,
    help: "use it where convolutions or linear layers are converted",
  },
});

/**
 * Thresholds from a high percentile of the activations.
 *
 * Precondition: a spiking module and a calibration set. Result: a few outliers are clipped, so that
 * the others are resolved better. θ = the p-th percentile of the activations, zeros included; the
 * largest activation where that percentile is 0.
 * (Rueckauer et al. 2017.)
 */
import { definePass } from "../pass.ts";
import { balance, largestActivation, scopeOf, scopeOption } from "./thresholds.ts";

const name = "balance-percentile";

export const balancePercentile = definePass({
  name,
  role: "balance",
  remedy: { by: "higher-thresholds", text: "Raise the thresholds" },
  summary: "set thresholds to a percentile of the activations of the calibration set",
  requires: ["spiking"],
  establishes: ["balanced"],
  breaks: [],
  preservesOutputs: false,
  options: {
    p: {
      kind: "number",
      means: "percentile",
      default: 99.9,
      min: 0,
      max: 100,
      help: "percentile of the activations, in per cent",
    },
    scope: scopeOption,
  },
  run: (module, context) => {
    const share = context.options.p / 100;
    return balance(module, name, context, scopeOf(context.options.scope), (choice) => {
      const { statistics, signed } = choice;
      const lowest = signed ? -statistics.quantile(1 - share) : 0;
      const percentile = Math.max(statistics.quantile(share), lowest);
      return percentile > 0 ? percentile : largestActivation(choice);
    });
  },
});

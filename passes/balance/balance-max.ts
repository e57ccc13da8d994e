/**
 * Thresholds from the largest activation.
 *
 * Precondition: a spiking module and a calibration set. Result: nothing seen in calibration is
 * clipped, at the price of coarse steps. θ = (1 + headroom) · max over the calibration set of the activation.
 * (Diehl et al. 2015, data-based normalisation.)
 */
import { definePass } from "../pass.ts";
import { balance, largestActivation, scopeOf, scopeOption } from "./thresholds.ts";

const name = "balance-max";

export const balanceMax = definePass({
  name,
  role: "balance",
  coversAll: true,
  summary: "set thresholds to the largest activation of the calibration set",
  requires: ["spiking"],
  establishes: ["balanced"],
  breaks: [],
  preservesOutputs: false,
  options: {
    headroom: {
      kind: "number",
      default: 0,
      min: 0,
      max: 100,
      help: "margin above the largest activation, as a share of it",
    },
    scope: scopeOption,
  },
  run: (module, context) => {
    const { headroom, scope } = context.options;
    return balance(
      module,
      name,
      context,
      scopeOf(scope),
      (choice) => largestActivation(choice) * (1 + headroom),
    );
  },
});

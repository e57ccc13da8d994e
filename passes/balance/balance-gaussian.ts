/**
 * Thresholds with the least squared error for operands that are normally distributed.
 *
 * Precondition: a spiking module and a calibration set. Result: the step q at which q · k, with k =
 * clip(⌊z/q + ½⌋, a, b), is nearest to z on average where z has the mean μ and the deviation σ that were
 * seen, and is normally distributed. q is the fixed point of
 *
 *     q ← E[z · k] / E[k²]
 *
 * both in closed form; a = 0, or −b for values of either sign, and the range is b · q. (Huang et al.,
 * ICML 2025, for a = 0; Zhang et al., AAAI 2026.)
 */
import { erf } from "../../ir/semantics/values/error-function.ts";
import { definePass } from "../pass.ts";
import { balance, largestActivation, scopeOf, scopeOption } from "./thresholds.ts";

const name = "balance-gaussian";

/** More levels than these are no finer than the distribution is known. */
const mostLevels = 1024;
const mostIterations = 500;
const tolerance = 1e-7;

export const balanceGaussian = definePass({
  name,
  role: "balance",
  summary: "set thresholds with the least error for normally distributed operands",
  requires: ["spiking"],
  establishes: ["balanced"],
  breaks: [],
  preservesOutputs: false,
  options: {
    levels: {
      kind: "integer",
      means: "levels",
      default: 0,
      min: 0,
      max: 1 << 16,
      help: "quantisation steps between 0 and the range; 0 means those of the neurons",
    },
    scope: scopeOption,
  },
  run(module, context) {
    const { levels, scope } = context.options;
    return balance(module, name, context, scopeOf(scope), (choice) => {
      const { statistics, signed } = choice;
      const largest = largestActivation(choice);
      const deviation = Math.sqrt(statistics.variance);
      if (largest === 0 || deviation === 0) return largest;
      const steps = Math.min(mostLevels, levels === 0 ? choice.levels : levels);
      return steps * gaussianStep(statistics.mean, deviation, signed ? -steps : 0, steps, largest);
    });
  },
});

/** The fixed point for multiples from `low` to `high`, from a range of `largest` on. */
export function gaussianStep(
  mean: number,
  deviation: number,
  low: number,
  high: number,
  largest: number,
): number {
  let step = largest / high;
  for (let i = 0; i < mostIterations; i++) {
    const { product, square } = moments(mean, deviation, low, high, step);
    // So far below 0 that no spike is expected: nothing to go by but what was seen.
    if (!(square > 1e-12 && product > 0)) return largest / high;
    const next = product / square;
    const settled = Math.abs(next - step) <= tolerance * step;
    step = next;
    if (settled) break;
  }
  return step;
}

/** E[z · k] and E[k²], as sums over the bounds (i − ½) · step that k passes. */
function moments(
  mean: number,
  deviation: number,
  low: number,
  high: number,
  step: number,
): { readonly product: number; readonly square: number } {
  // k = low + the number of bounds below z; k² = low² + Σ (2i − 1) over those.
  let product = low * mean;
  let square = low ** 2;
  for (let i = low + 1; i <= high; i++) {
    const bound = (i - 0.5) * step;
    const far = (bound - mean) / (Math.SQRT2 * deviation);
    const share = (1 - erf(far)) / 2;
    product += mean * share + (deviation / Math.sqrt(2 * Math.PI)) * Math.exp(-(far ** 2));
    square += (2 * i - 1) * share;
  }
  return { product, square };
}

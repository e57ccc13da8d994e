/**
 * Thresholds with the least squared error of what a neuron can express.
 *
 * Precondition: a spiking module and a calibration set. Result: for each layer, channel or neuron
 * the θ out of a grid {max · k / grid} that minimises, over the calibration set,
 *
 *     E [ (θ/n) · clip(⌊z·n/θ + v0⌋, 0, n) − f(z) ]²
 *
 * where f is the activation, max the largest f(z), n the number of timesteps and v0 the initial
 * potential in units of θ: clipping and quantisation are traded against each other. (Li et al., ICML
 * 2021, "SNN calibration".)
 */
import type { Mass } from "../../ir/run/stats.ts";
import { spikesOfCharge } from "../../ir/semantics/neurons/integrate-and-fire.ts";
import { definePass } from "../pass.ts";
import {
  type RangeChoice,
  balance,
  largestActivation,
  positiveMasses,
  scopeOf,
  scopeOption,
} from "./thresholds.ts";

const name = "balance-mmse";

export const balanceMmse = definePass({
  name,
  role: "balance",
  remedy: {
    by: "lower-thresholds",
    text: "Lower the thresholds to the least sum of clipping and quantisation errors",
  },
  summary: "set thresholds to those with the least clipping and quantisation error",
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
    grid: {
      kind: "integer",
      default: 100,
      min: 2,
      max: 10_000,
      help: "candidates between 0 and the maximum",
    },
    scope: scopeOption,
  },
  run(module, context) {
    const { levels, grid, scope } = context.options;
    return balance(module, name, context, scopeOf(scope), (choice) =>
      leastErrorThreshold(choice, levels === 0 ? choice.levels : levels, grid),
    );
  },
});

/** The threshold on the grid with the least squared error for `levels` steps; 0 if z ≤ 0. */
export function leastErrorThreshold(choice: RangeChoice, levels: number, grid: number): number {
  const max = largestActivation(choice);
  if (max === 0) return 0;
  // Negative operands are answered by silence at any threshold, so they do not matter here.
  const masses = positiveMasses(choice);
  let best = max;
  let leastError = Infinity;
  for (let k = grid; k >= 1; k--) {
    const threshold = (max * k) / grid;
    const error = squaredError(masses, threshold, levels, choice.vInit);
    if (error < leastError) {
      leastError = error;
      best = threshold;
    }
  }
  return best;
}

/** Σ count · (what n steps of this threshold express − value)², for positive values. */
function squaredError(
  masses: readonly Mass[],
  threshold: number,
  levels: number,
  vInit: number,
): number {
  const step = threshold / levels;
  let error = 0;
  for (const { value, count } of masses) {
    const spikes = spikesOfCharge(value / step + vInit, levels);
    error += count * (spikes * step - value) ** 2;
  }
  return error;
}

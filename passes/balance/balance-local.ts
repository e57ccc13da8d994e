/**
 * Local threshold balancing.
 *
 * Precondition: a spiking module and a calibration set. Result: thresholds that were raised from 0
 * in small steps, each by the mean excess of the activations above them:
 *
 *     θ ← θ + rate · E [ 2 · max(z − θ, 0) ]
 *
 * but never above the largest activation. It is gradient descent on E[max(z − θ, 0)²], ended early:
 * more iterations clip less. The expectation is over the whole calibration set at each step, where
 * the paper takes a batch, so the result does not depend on any order. (Bu, Li & Yu, CVPR 2025.)
 */
import { definePass } from "../pass.ts";
import {
  type RangeChoice,
  balance,
  largestActivation,
  positiveMasses,
  scopeOf,
  scopeOption,
} from "./thresholds.ts";

const name = "balance-local";

export const balanceLocal = definePass({
  name,
  role: "balance",
  remedy: {
    by: "lower-thresholds",
    text: "Fit each threshold to the activations that exceed it",
  },
  summary: "set thresholds by local threshold balancing",
  requires: ["spiking"],
  establishes: ["balanced"],
  breaks: [],
  preservesOutputs: false,
  options: {
    rate: { kind: "number", default: 0.5, min: 1e-6, max: 1, help: "size of an update" },
    iterations: { kind: "integer", default: 1000, min: 1, max: 1_000_000, help: "updates" },
    scope: scopeOption,
  },
  run(module, context) {
    const { rate, iterations, scope } = context.options;
    return balance(module, name, context, scopeOf(scope), (choice) =>
      localThreshold(choice, rate, iterations),
    );
  },
});

/** θ after `iterations` updates from 0; 0 if nothing is positive. */
export function localThreshold(choice: RangeChoice, rate: number, iterations: number): number {
  const masses = positiveMasses(choice);
  let threshold = 0;
  // The masses above θ only ever get fewer: those below `first` are done with.
  let first = 0;
  let count = masses.reduce((n, m) => n + m.count, 0);
  let sum = masses.reduce((s, m) => s + m.count * m.value, 0);
  for (let i = 0; i < iterations; i++) {
    for (let m = masses[first]; m !== undefined && m.value <= threshold; m = masses[first]) {
      count -= m.count;
      sum -= m.count * m.value;
      first++;
    }
    if (first === masses.length) break;
    const excess = (sum - threshold * count) / choice.statistics.count;
    threshold += rate * 2 * Math.max(0, excess);
  }
  // Rates above 1/2 may step over it.
  return Math.min(threshold, largestActivation(choice));
}

/** Gradients of a network that trains, held to finite differences of its loss. */
import { expect } from "vitest";
import { known } from "../../ir/diagnostic.ts";
import type { Parameters } from "../../scripts/train/adam.ts";

/** The largest gradient of these parameters, each of which is what finite differences of `loss` give. */
export function expectGradients(learnt: readonly Parameters[], loss: () => number): number {
  let largest = 0;
  for (const { values, gradients } of learnt) {
    values.forEach((kept, i) => {
      // Weights are float32: a smaller step would be lost in rounding.
      const h = 2 ** -9;
      values[i] = kept + h;
      const above = loss();
      values[i] = kept - h;
      const below = loss();
      values[i] = kept;
      const gradient = known(gradients[i], "a gradient");
      largest = Math.max(largest, Math.abs(gradient));
      expect(Math.abs((above - below) / (2 * h) - gradient)).toBeLessThan(2e-3);
    });
  }
  return largest;
}

/** The loss of logits whose class is 1. */
export function crossEntropy(logits: Float32Array): number {
  const sum = logits.reduce((total, z) => total + Math.exp(z), 0);
  return Math.log(sum) - known(logits[1], "a logit");
}

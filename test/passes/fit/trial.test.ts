/** Neurons that steps are tried on, against the rule of graded neurons called for each of them. */
import { describe, expect, it } from "vitest";
import { uniform } from "../../../ir/random.ts";
import { doubles } from "../../../ir/semantics/neurons/arithmetic.ts";
import { gradedRule } from "../../../ir/semantics/neurons/graded.ts";
import { type Sending, trialOf } from "../../../passes/fit/trial.ts";

const count = 500;
const steps = [0.3, 0.11, 0.06];

/** In eighths, so that ties come up. */
function currentsOf(seed: number): Float32Array {
  return Float32Array.from(
    { length: steps.length * count },
    (_, i) => Math.round(32 * (uniform(seed, i, 0, 0) - 0.5)) / 8,
  );
}

const signs = ["retract", "free", "positive"] as const;
const ceilings = [Infinity, 1.25];

describe.each(signs.flatMap((sign) => ceilings.map((ceiling) => ({ sign, ceiling }))))(
  "words of sign $sign up to $ceiling",
  ({ sign, ceiling }) => {
    const sending: Sending = { attrs: { alphabet: "word", bits: 3, sign }, vInit: 0.1, ceiling };
    const { fire, integrate, reset } = gradedRule(sending.attrs, doubles);
    const bound = { retract: (sent: number) => -sent, free: () => -Infinity, positive: () => 0 };

    it("go through time by the rule", () => {
      const currents = currentsOf(signs.indexOf(sign));
      const trial = trialOf(sending, count, null);
      const { neurons } = trial;
      const expected = Array.from({ length: count }, () => ({ v: sending.vInit, sent: 0 }));
      steps.forEach((step, t) => {
        const before = steps[t - 1] ?? null;
        const told = trial.advance(before, currents, t * count);
        const missing = expected.map((neuron, i) => {
          if (before !== null) {
            const k = fire(neuron.v, neuron.sent, before, ceiling);
            neuron.v = reset(neuron.v, k, before * k);
            neuron.sent += before * k;
          }
          neuron.v = integrate(neuron.v, currents[t * count + i] ?? NaN);
          const room = Math.min(ceiling - neuron.sent, neuron.v);
          return Math.max(bound[sign](neuron.sent), room) + 0;
        });
        expect([...neurons.v]).toEqual(expected.map(({ v }) => v));
        expect([...neurons.sent]).toEqual(expected.map(({ sent }) => sent));
        expect([...neurons.missing].map((d) => d + 0)).toEqual(missing);
        expect(told.furthest).toBe(Math.max(...missing.map(Math.abs)));
        expect(told.seen).toBe(missing.filter((d) => d !== 0).length);
        const error = missing.reduce((sum, d, i) => {
          const { v = NaN, sent = NaN } = expected[i] ?? {};
          const left = d - step * fire(v, sent, step, ceiling);
          return sum + 3 * left * left;
        }, 0);
        const errorWithin = trial.errorsOf([{ ...neurons, weight: 3 }]);
        expect(errorWithin(Infinity, step)).toBe(error);
        expect(errorWithin(error / 2, step)).toBeLessThan(error);
      });
    });
  },
);

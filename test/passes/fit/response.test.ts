/** Simulated neurons: the same as the oracle's, and thresholds that are the best there are. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { isOp } from "../../../ir/op/op.ts";
import { uniform } from "../../../ir/random.ts";
import { cellOf } from "../../../ir/semantics/spiking.ts";
import { chooseResponse, meanSent, plainNeurons } from "../../../passes/fit/response.ts";
import { f, loc } from "../../ir/one-op.ts";

const cases = fc.record({
  bits: fc.integer({ min: 1, max: 3 }),
  sign: fc.constantFrom("positive", "retract", "free"),
  timesteps: fc.integer({ min: 1, max: 12 }),
  key: fc.integer({ min: 0, max: 1000 }),
});

describe("meanSent", () => {
  it("is the mean of what graded neurons send", () => {
    fc.assert(
      fc.property(cases, ({ bits, sign, timesteps, key }) => {
        const places = 5;
        // Eighths, so that nothing is rounded.
        const currents = Float32Array.from(
          { length: timesteps * places },
          (_, i) => Math.round(24 * uniform(key, i, 0, 0) - 10) / 8,
        );
        const builder = new Builder();
        const x = builder.input("x", { domain: "current", dtype: "f32", shape: [places] }, loc);
        const parameter = builder.tensor("step", f([], [0.5]));
        const zero = builder.tensor("zero", f([], [0]));
        const attrs = {
          threshold: parameter,
          vInit: zero,
          amplitude: parameter,
          ceiling: null,
          bits,
          alphabet: "word",
          sign,
          schedule: "constant",
          shares: null,
        } as const;
        const op = builder.opOf(builder.add("snn.graded", [x], attrs, loc));
        if (!isOp(op, "snn.graded")) throw new Error("not what was built");
        const cell = cellOf(op, [places], (ref) => builder.tensorAt(ref));
        const sums = new Float64Array(places);
        for (let t = 0; t < timesteps; t++) {
          const now = currents.slice(t * places, (t + 1) * places);
          cell
            .step(
              f(
                [places],
                [...now].map((value) => value + 0.125),
              ),
            )
            .data.forEach((y, i) => {
              sums[i] = (sums[i] ?? 0) + y;
            });
        }
        const observed = { currents, wanted: new Float32Array(places), timesteps };
        const sent = meanSent(
          plainNeurons(observed),
          observed,
          { most: 2 ** bits - 1, sign },
          0.5,
          0.125,
        );
        sent.forEach((mean, i) => {
          expect(mean).toBeCloseTo((sums[i] ?? NaN) / timesteps, 10);
        });
      }),
    );
  });
});

describe("chooseResponse", () => {
  const timesteps = 4;
  const wanted = Float32Array.of(0, 0.25, 0.5, 1);
  const constant = Float32Array.from({ length: 4 * timesteps }, (_, i) => wanted[i % 4] ?? 0);
  const binary = { most: 1, sign: "positive" } as const;

  it("chooses the threshold that sends multiples exactly", () => {
    const { step, bias } = chooseResponse(
      { currents: constant, wanted, timesteps },
      binary,
      Infinity,
    );
    expect(step).toBeCloseTo(1, 6);
    expect(bias).toBe(0);
  });

  it("keeps the range below the ceiling", () => {
    const { step } = chooseResponse({ currents: constant, wanted, timesteps }, binary, 0.5);
    expect(step).toBe(0.5);
  });

  it("keeps a bias only where it lowers the error", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), (key) => {
        const places = 40;
        const activations = Float32Array.from({ length: places }, (_, i) => uniform(key, i, 1, 0));
        const currents = Float32Array.from(
          { length: places * timesteps },
          (_, i) => (activations[i % places] ?? 0) - 0.2 * uniform(key, i, 2, 0),
        );
        const observed = { currents, wanted: activations, timesteps };
        const { step, bias } = chooseResponse(observed, binary, Infinity);
        const errorWith = (b: number): number =>
          meanSent(plainNeurons(observed), observed, binary, step, b).reduce(
            (sum, sent, i) => sum + (sent - (activations[i] ?? 0)) ** 2,
            0,
          );
        expect(errorWith(bias)).toBeLessThanOrEqual(errorWith(0));
        expect(bias).not.toBe(0);
      }),
    );
  });

  it("reaches values of either sign where neurons send them", () => {
    const opposite = wanted.map((x) => -x);
    const currents = constant.map((x) => -x);
    const signed = { most: 1, sign: "free" } as const;
    const { step, bias } = chooseResponse(
      { currents, wanted: opposite, timesteps },
      signed,
      Infinity,
    );
    expect(step).toBeCloseTo(1, 6);
    expect(bias).toBe(0);
  });

  it("says 0 for a channel that is never positive", () => {
    const silent = { currents: constant, wanted: new Float32Array(4), timesteps };
    expect(chooseResponse(silent, binary, Infinity)).toEqual({ step: 0, bias: 0 });
  });
});

/** The tuning curve of leaky neurons: its limits, its derivative, and the neurons that have it. */
import { isStateful } from "../../../ir/op/known.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { cellOf } from "../../../ir/semantics/spiking.ts";
import {
  lifCurrent,
  lifRate,
  softLif,
  softLifSlope,
  type SoftLif,
} from "../../../ir/semantics/soft-lif.ts";
import { real } from "../../../ir/type.ts";
import { evaluateOp, f, infer, loc, numbers } from "../one-op.ts";

const usual: SoftLif = { tauRc: 0.02, tauRef: 0.002, sigma: 0.02, amplitude: 1 };

/** Numbers from `least` to `most`, none between. */
const between = (least: number, most: number): fc.Arbitrary<number> =>
  fc.double({ min: least, max: most, noNaN: true });

const curves = fc.record({
  tauRc: between(0.005, 0.1),
  tauRef: between(0, 0.005),
  sigma: between(0.01, 0.5),
  amplitude: between(0.001, 2),
});

describe("ann.soft-lif", () => {
  it("is the rate of leaky neurons but for its rounded corner", () => {
    // 1 / (0.002 + 0.02 · ln 2) at a current of 2, fifty sigmas above the threshold.
    const [y = 0] = numbers(evaluateOp("ann.soft-lif", usual, [f([1], [2])]));
    expect(y).toBeCloseTo(1 / (0.002 + 0.02 * Math.LN2), 3);
    expect(lifRate(2, usual)).toBeCloseTo(63.04, 2);
    expect(softLif(1, usual)).toBeGreaterThan(0);
    expect(lifRate(1, usual)).toBe(0);
  });

  it("multiplies by its amplitude", () => {
    expect(softLif(1.5, { ...usual, amplitude: 0.25 })).toBe(softLif(1.5, usual) / 4);
  });

  it("saturates at one spike per refractory period", () => {
    expect(softLif(Infinity, usual)).toBe(500);
    expect(softLif(1e300, usual)).toBeCloseTo(500, 9);
    expect(softLif(-Infinity, usual)).toBe(0);
    expect(softLif(NaN, usual)).toBeNaN();
  });

  it("rises everywhere, where ρ has underflown too", () => {
    const currents = [-1e6, -100, -20, -1, 0, 0.2, 0.5, 0.9, 0.99, 1, 1.01, 1.5, 3, 10, 1e3];
    const rates = currents.map((current) => softLif(current, usual));
    rates.slice(1).forEach((rate, i) => expect(rate).toBeGreaterThan(rates[i] ?? 0));
  });

  it("takes positive constants only", () => {
    const x = [real("f32", [2])];
    expect(infer("ann.soft-lif", usual, x)).toBe("real[2]");
    expect(infer("ann.soft-lif", { ...usual, tauRef: 0 }, x)).toBe("real[2]");
    expect(infer("ann.soft-lif", { ...usual, sigma: 0 }, x)).toBe("its sigma of 0 is not positive");
    expect(infer("ann.soft-lif", { ...usual, tauRef: -1 }, x)).toBe("its tauRef of -1 is negative");
    expect(infer("ann.soft-lif", usual, [{ ...real("f32", [2]), domain: "current" }])).toMatch(
      /works on real values/,
    );
  });
});

describe("its derivative", () => {
  it("is what finite differences give", () => {
    fc.assert(
      fc.property(curves, between(-8, 12), (attrs, distance) => {
        // Measured in sigmas, so that the corner is met.
        const current = 1 + distance * attrs.sigma;
        const h = 1e-4 * attrs.sigma;
        const difference = (softLif(current + h, attrs) - softLif(current - h, attrs)) / (2 * h);
        const slope = softLifSlope(current, attrs);
        expect(Math.abs(slope - difference)).toBeLessThan(1e-5 * Math.abs(slope));
      }),
    );
  });

  it("stays a number far below the threshold, and joins without a step", () => {
    expect(softLifSlope(-1000, usual)).toBeGreaterThan(0);
    const at = (s: number): number => softLifSlope(1 + s * usual.sigma, usual);
    expect(at(-40.001) / at(-39.999)).toBeCloseTo(1, 3);
  });
});

describe("the rate of leaky neurons", () => {
  it("is found backwards", () => {
    for (const rate of [5, 20, 100, 499]) {
      expect(lifRate(lifCurrent(rate, usual), usual)).toBeCloseTo(rate, 6);
    }
  });

  it("is what neurons with exact spike times fire at", () => {
    const timesteps = 4000;
    const currents = [0.9, 1.05, 1.7, 4, 20];
    const builder = new Builder({
      tensors: new Map([
        ["zero", f([], [0])],
        ["one", f([], [1])],
      ]),
    });
    const x = builder.input("x", real("f32", [currents.length]), loc);
    const attrs = { leak: Math.exp(-0.001 / usual.tauRc), refractory: 2, reset: "zero" } as const;
    const parameters = { threshold: "one", vInit: "zero", amplitude: "one" } as const;
    const neuron = builder.opOf(
      builder.add("snn.lif", [x], { ...parameters, ...attrs, spikeTime: "exact" }, loc),
    );
    const spiking = known(isStateful(neuron) ? neuron : null, "an op with a state");
    const cell = cellOf(spiking, neuron.type.shape, (ref) => builder.tensorAt(ref));
    const counts = currents.map(() => 0);
    for (let t = 0; t < timesteps; t++) {
      numbers(cell.step(f([currents.length], currents))).forEach((s, i) => {
        counts[i] = (counts[i] ?? 0) + s;
      });
    }
    currents.forEach((current, i) => {
      const rate = (counts[i] ?? 0) / (timesteps * 0.001);
      expect(Math.abs(rate - lifRate(current, usual))).toBeLessThanOrEqual(0.25);
    });
  });
});

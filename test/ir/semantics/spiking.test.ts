/** Neurons, running pools and read-outs: their equations by hand, and the laws that follow. */
import { isStateful } from "../../../ir/op/known.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { OpAttrs, SpikingKind } from "../../../ir/op/op.ts";
import { type Cell, type Neurons, cellOf } from "../../../ir/semantics/spiking.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import type { Domain, Shape } from "../../../ir/type.ts";
import { type Tensors, evaluateOp, f, loc, numbers } from "../one-op.ts";

/** A fresh cell of one op on a value of this domain and shape. */
function cell<K extends SpikingKind>(
  kind: K,
  attrs: OpAttrs[K],
  domain: Domain,
  shape: Shape,
  tensors: Tensors = {},
): Cell {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const x = builder.input("x", { domain, dtype: "f32", shape }, loc);
  const op = builder.opOf(builder.add(kind, [x], attrs, loc));
  const spiking = known(isStateful(op) ? op : null, "an op with a state");
  return cellOf(spiking, shape, (ref) => builder.tensorAt(ref));
}

interface NeuronParameters {
  readonly threshold: number;
  readonly vInit: number;
  readonly amplitude?: number;
  readonly reset?: "subtract" | "zero";
}

/** Spikes and final potential of one neuron on a current over time. */
function runNeuron(
  current: readonly number[],
  { threshold, vInit, amplitude = 1, reset = "subtract" }: NeuronParameters,
): { y: number[]; v: number[]; spikes: number } {
  const neuron = cell(
    "snn.if",
    { threshold: "threshold", vInit: "vInit", amplitude: "amplitude", reset },
    "current",
    [1],
    { threshold: f([], [threshold]), vInit: f([], [vInit]), amplitude: f([], [amplitude]) },
  );
  const seen: Neurons = known(neuron.neurons, "neurons");
  const y: number[] = [];
  const v: number[] = [];
  let spikes = 0;
  for (const x of current) {
    y.push(...numbers(neuron.step(f([1], [x]))));
    v.push(...seen.membranePotential);
    spikes += seen.spikeCount;
  }
  return { y, v, spikes };
}

describe("snn.if", () => {
  it("integrates, fires on a tie, and subtracts the threshold", () => {
    const run = runNeuron([0.5, 0.5, 2.5, -1], { threshold: 1, vInit: 0, amplitude: 3 });
    expect(run.y).toEqual([0, 3, 3, 0]);
    expect(run.v).toEqual([0.5, 0, 1.5, 0.5]);
    expect(run.spikes).toBe(2);
  });

  it("forgets the rest when it resets to zero", () => {
    const run = runNeuron([2.5, 0.25], { threshold: 1, vInit: 0, reset: "zero" });
    expect(run.v).toEqual([0, 0.25]);
  });

  it("starts at vInit, a potential, and rounds potentials to float32", () => {
    expect(runNeuron([0.5], { threshold: 1, vInit: 0.5 }).y).toEqual([1]);
    const third = Math.fround(1 / 3);
    expect(runNeuron([third, third], { threshold: 4, vInit: 0 }).v).toEqual([
      third,
      Math.fround(third + third),
    ]);
    expect(runNeuron([2 ** -30], { threshold: 2, vInit: 1 }).v).toEqual([1]);
  });

  it("takes parameters per channel", () => {
    const neuron = cell(
      "snn.if",
      { threshold: "threshold", vInit: "vInit", amplitude: "one", reset: "subtract" },
      "real",
      [1, 2, 2],
      { threshold: f([2, 1], [1, 2]), vInit: f([1], [0]), one: f([], [1]) },
    );
    expect(numbers(neuron.step(f([1, 2, 2], [1, 2, 1, 2])))).toEqual([1, 1, 0, 1]);
    expect(neuron.neurons?.spikeCount).toBe(3);
  });
});

// Numbers next to zero are left out: below 2^-126 float32 loses bits, and scaling shows.
const single = fc
  .float({ min: -4, max: 4, noNaN: true, noDefaultInfinity: true })
  .map((x) => (Math.abs(x) < 2 ** -100 ? 0 : x));
const currents = fc.array(single, { minLength: 1, maxLength: 40 });
const threshold = fc.float({ min: 0.125, max: 4, noNaN: true });

describe("laws of integrate-and-fire", () => {
  it("conserves charge: Σ x = θ · Σ s + v[T] − v[0]", () => {
    fc.assert(
      fc.property(currents, threshold, single, (current, theta, vInit) => {
        const { v, spikes } = runNeuron(current, { threshold: theta, vInit });
        const charge = current.reduce((sum, x) => sum + x, 0);
        const end = known(v.at(-1), "the last potential");
        // Each step rounds twice, by at most 2^-24 of a potential that stays below 4 · 41.
        const tolerance = 2 * current.length * 164 * 2 ** -24;
        expect(Math.abs(charge - (theta * spikes + end - vInit))).toBeLessThan(tolerance);
      }),
    );
  });

  it("fires at clip(c / θ, 0, 1) within 1 / T for a constant current", () => {
    fc.assert(
      fc.property(single, threshold, fc.integer({ min: 1, max: 64 }), (c, theta, timesteps) => {
        const current = new Array<number>(timesteps).fill(c);
        const { spikes } = runNeuron(current, { threshold: theta, vInit: theta / 2 });
        const ideal = Math.min(1, Math.max(0, c / theta));
        expect(Math.abs(spikes / timesteps - ideal)).toBeLessThanOrEqual(1 / timesteps);
      }),
    );
  });

  it("does not see a common power-of-two scale of current, threshold and potential", () => {
    fc.assert(
      fc.property(
        currents,
        threshold,
        fc.integer({ min: -8, max: 8 }),
        fc.constantFrom("subtract" as const, "zero" as const),
        (current, theta, exponent, reset) => {
          const k = 2 ** exponent;
          const plain = runNeuron(current, { threshold: theta, vInit: theta / 2, reset });
          const scaled = runNeuron(
            current.map((x) => x * k),
            { threshold: theta * k, vInit: (theta / 2) * k, reset },
          );
          expect(scaled.y).toEqual(plain.y);
          expect(scaled.v).toEqual(plain.v.map((v) => v * k));
        },
      ),
    );
  });
});

describe("snn.max-pool", () => {
  const attrs = {
    strides: [1],
    padsBegin: [1],
    padsEnd: [0],
    dilations: [1],
    kernel: [2],
    ceilMode: false,
  };

  it("passes the spikes of the one that has fired most", () => {
    const pool = cell("snn.max-pool", { ...attrs, padsBegin: [0] }, "spike", [1, 1, 2]);
    const steps = [
      [1, 0],
      [0, 1],
      [0, 1],
      [1, 1],
    ].map((x) => numbers(pool.step(f([1, 1, 2], x))));
    expect(steps).toEqual([[1], [0], [1], [1]]);
  });

  it("sums up to the pool of the sums, at every timestep", () => {
    const whole = fc.integer({ min: -3, max: 3 });
    const step = fc.array(whole, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 10 }), (steps) => {
        const pool = cell("snn.max-pool", attrs, "current", [1, 1, 4]);
        const received = [0, 0, 0, 0];
        const sent = [0, 0, 0, 0];
        for (const x of steps) {
          x.forEach((value, i) => (received[i] = (received[i] ?? 0) + value));
          const y: Tensor = pool.step(f([1, 1, 4], x));
          y.data.forEach((value, i) => (sent[i] = (sent[i] ?? 0) + value));
          const pooled = evaluateOp("ann.max-pool", attrs, [f([1, 1, 4], received)]);
          expect(sent).toEqual(numbers(pooled));
        }
      }),
    );
  });
});

describe("snn.rehearsed-max-pool", () => {
  it("pools what came in the rehearsal and what came after it by themselves", () => {
    const window = { strides: [1], padsBegin: [0], padsEnd: [0], dilations: [1], kernel: [2] };
    const attrs = { ...window, ceilMode: false };
    const anew = cell("snn.rehearsed-max-pool", { ...attrs, rehearsal: 2 }, "spike", [1, 1, 2]);
    const given = [
      [1, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ];
    expect(given.map((x) => numbers(anew.step(f([1, 1, 2], x))))).toEqual([[1], [1], [1], [1]]);
    const whole = cell("snn.max-pool", attrs, "spike", [1, 1, 2]);
    expect(given.map((x) => numbers(whole.step(f([1, 1, 2], x))))).toEqual([[1], [1], [0], [1]]);
  });
});

describe("snn.readout", () => {
  const readBy = (readout: Cell, values: readonly number[]): number[] =>
    values.flatMap((x) => numbers(readout.step(f([1], [x]))));
  const means = (start: number, values: readonly number[]): number[] =>
    readBy(cell("snn.readout", { start }, "current", [1]), values);

  it("starts anew after a rehearsal, its delay too", () => {
    const anew = (start: number, values: readonly number[]): number[] =>
      readBy(cell("snn.rehearsed-readout", { start, rehearsal: 3 }, "current", [1]), values);
    expect(anew(0, [4, 0, 2, 6, 7])).toEqual([4, 2, 2, 6, 6.5]);
    expect(anew(1, [4, 0, 2, 6, 7, 9])).toEqual([4, 0, 1, 6, 7, 8]);
  });

  it("is the mean so far", () => {
    expect(means(0, [4, 0, 2])).toEqual([4, 2, 2]);
  });

  it("leaves out the first timesteps once there are as many others", () => {
    expect(means(2, [4, 0, 2, 6, 7])).toEqual([4, 2, 2, 4, 5]);
  });
});

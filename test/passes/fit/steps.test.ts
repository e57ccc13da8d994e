/** The steps of one channel, on currents that are written out. */
import { describe, expect, it } from "vitest";
import { uniform } from "../../../ir/random.ts";
import { chooseSteps } from "../../../passes/fit/steps.ts";
import type { Sending } from "../../../passes/fit/trial.ts";

const limits = { shrink: 1 / 16, finest: 0 };

function sending(changes: Partial<Sending["attrs"]> = {}, ceiling = Infinity): Sending {
  const attrs = { alphabet: "word", bits: 4, sign: "retract", ...changes } as const;
  return { attrs, vInit: 0, ceiling };
}

/** By how much more the furthest of a hundred thousand has than that of so many. */
function beyond(seen: number): number {
  return Math.sqrt(Math.log(1e5) / Math.log(seen));
}

/** Currents of two timesteps and four neurons. */
function currents(first: readonly number[], second: readonly number[]): Float32Array {
  return Float32Array.from([...first, ...second]);
}

describe("chooseSteps", () => {
  it("reaches the furthest with one spike, until the last timestep", () => {
    // −90 is nothing to send.
    const steps = chooseSteps(currents([30, 1, 2, -90], [0, 0, 0, 0]), 2, sending(), limits);
    expect(steps?.[0]).toBeCloseTo(2 * beyond(3));
  });

  it("is ready for more than was seen, the less was seen", () => {
    const first = (count: number): number | undefined =>
      chooseSteps(
        Float32Array.from({ length: 2 * count }, (_, i) => (i < count ? 15 : 0)),
        2,
        sending(),
        limits,
      )?.[0];
    expect(first(1e4)).toBeCloseTo(beyond(1e4));
    expect(first(10)).toBeCloseTo(beyond(10));
    expect(first(1)).toBeCloseTo(beyond(2));
  });

  it("goes by what is left where nothing new comes", () => {
    // Half a step is left at most, which one spike of ±15 steps could send in thirtieths.
    const many = 2000;
    const still = new Float32Array(3 * many).map((_, i) => (i < many ? uniform(3, i, 0, 0) : 0));
    const [first = NaN, second = NaN, third] = chooseSteps(still, 3, sending(), limits) ?? [];
    expect(first).toBeCloseTo(beyond(many) / 15, 2);
    expect(second / first).toBe(1 / 16);
    expect(third).toBeLessThanOrEqual(second);
  });

  it("goes by what comes late where it is larger", () => {
    const late = Float32Array.from([30, 15, 0, 0, 0, -7.5, 15, 0, 0, 0, 0, 0]);
    const [first = NaN, second = NaN] = chooseSteps(late, 3, sending(), limits) ?? [];
    expect(first).toBeCloseTo(2 * beyond(2));
    // The third neuron has 15 to send, where half a step is left of the others.
    expect(second).toBeGreaterThan(0.9);
  });

  describe("with spikes of few bits", () => {
    const many = 4000;
    const times = 4;
    // Most have little to send, and few have much.
    const given = (i: number): number => -Math.log(1 - uniform(5, i, 0, 0));
    const still = new Float32Array(times * many).map((_, i) => (i < many ? given(i) : 0));
    /** Squared error at the end of a run of neurons of either sign. */
    const errorOf = (steps: readonly number[], most: number): number => {
      let sum = 0;
      for (let i = 0; i < many; i++) {
        let left = given(i);
        for (const q of steps) {
          left -= q * Math.max(-most, Math.min(most, Math.floor(left / q + 0.5)));
        }
        sum += left * left;
      }
      return sum / many;
    };

    it.each([1, 2, 3])("leaves less behind than halves of what it begins with: %d", (bits) => {
      const most = 2 ** bits - 1;
      const form = sending({ bits, sign: "free" });
      const steps = chooseSteps(still, times, form, { shrink: 2 ** -bits, finest: 0 }) ?? [];
      const furthest = (Math.max(...still) * beyond(many)) / most;
      const plain = steps.map((_, t) => furthest * 2 ** (-bits * t));
      expect(errorOf(steps, most)).toBeLessThan(0.8 * errorOf(plain, most));
      // One spike alone does not reach the furthest; all of them together nearly do.
      expect(steps[0]).toBeLessThan(0.95 * furthest);
    });
  });

  it("leaves the least squared error at the last timestep", () => {
    const once = Float32Array.from({ length: 500 }, (_, i) => uniform(7, i, 0, 0) ** 3);
    const errorOf = (step: number): number =>
      once.reduce((sum, x) => sum + (x - step * Math.min(15, Math.floor(x / step + 0.5))) ** 2, 0);
    const [step = NaN] = chooseSteps(once, 1, sending(), limits) ?? [];
    for (let j = 0; j < 60; j++) {
      expect(errorOf(step)).toBeLessThanOrEqual(1.15 * errorOf(2 ** (-j / 10) / 15));
    }
  });

  it("asks for no more than may be sent", () => {
    const both = currents([30, -60, 0, 0], [0, 0, 0, 0]);
    expect(chooseSteps(both, 2, sending({}, 6), limits)?.[0]).toBe(6 / 15);
    const first = (attrs: Partial<Sending["attrs"]>): number | undefined =>
      chooseSteps(both, 2, sending(attrs), limits)?.[0];
    expect(first({ sign: "free" })).toBeCloseTo(4 * beyond(2));
    expect(first({ alphabet: "power" })).toBeCloseTo((30 / 8) * beyond(2));
  });

  it("keeps within its limits", () => {
    const still = new Float32Array(20);
    still.set([30, 1, 3, 7]);
    const steps = chooseSteps(still, 5, sending(), { shrink: 1 / 4, finest: 1 / 32 }) ?? [];
    const [first = NaN] = steps;
    steps.slice(1).forEach((step, i) => {
      expect(step).toBeGreaterThanOrEqual((steps[i] ?? NaN) / 4);
      expect(step).toBeGreaterThanOrEqual(first / 32);
    });
    expect(steps.at(-1)).toBeCloseTo(first / 32);
  });

  it("never takes larger steps again", () => {
    const growing = Float32Array.from([15, 1, 0, 0, 0, 900, 0, 0, 0, 0, 0, 0]);
    const [first, second] = chooseSteps(growing, 3, sending(), limits) ?? [];
    expect(second).toBe(first);
  });

  it("takes back no more than was sent", () => {
    const back = Float32Array.from([15, 8, 0, 0, 0, -100, 0, 0, 0, 0, 0, 0]);
    const [first = NaN, second = NaN] = chooseSteps(back, 3, sending(), limits) ?? [];
    expect(second).toBeLessThan(0.7 * first);
  });

  it("weighs the many that are near against the few that are far", () => {
    // Steps of 1 are right for sixteen, steps of 0.3 for forty thousand.
    const many = Float32Array.from({ length: 40_016 }, (_, i) => (i < 16 ? 15 : 0.3));
    const [step = NaN] = chooseSteps(many, 1, sending(), limits) ?? [];
    expect(step).toBeLessThan(0.4);
    const fewer = many.slice(0, 4_016);
    expect(chooseSteps(fewer, 1, sending(), limits)?.[0]).toBeGreaterThan(0.9);
  });

  it("waits for the first that there is to send, and finds none in silence", () => {
    const late = currents([-1, -1, -1, -1], [16, 0, 0, 0]);
    expect(chooseSteps(late, 2, sending(), limits)?.[0]).toBe(1);
    expect(chooseSteps(late, 2, sending({ sign: "free" }), limits)?.[0]).not.toBe(1);
    expect(chooseSteps(new Float32Array(8).fill(-1), 2, sending(), limits)).toBeNull();
  });
});

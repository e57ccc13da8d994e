/** The steps of one channel, on currents that are written out. */
import { describe, expect, it } from "vitest";
import { uniform } from "../../../../ir/random.ts";
import { type Sending, chooseSteps } from "../../../../passes/balance/fit/steps.ts";

const limits = { shrink: 1 / 16, finest: 0 };

function sending(changes: Partial<Sending["attrs"]> = {}, ceiling = Infinity): Sending {
  const attrs = { alphabet: "word", bits: 4, sign: "retract", ...changes } as const;
  return { attrs, vInit: 0, ceiling };
}

/** Currents of two timesteps and four neurons. */
function currents(first: readonly number[], second: readonly number[]): Float32Array {
  return Float32Array.from([...first, ...second]);
}

describe("chooseSteps", () => {
  it("reaches the furthest with one spike, until the last timestep", () => {
    const steps = chooseSteps(currents([30, 1, 2, -90], [0, 0, 0, 0]), 2, sending(), limits);
    expect(steps?.[0]).toBe(2);
  });

  it("goes by what is left where nothing new comes", () => {
    // With a step of 2, ±1 is left of what is odd; one spike of ±15 steps could send it in fifteenths.
    const still = new Float32Array(12);
    still.set([30, 1, 3, 7]);
    const [first, second, third] = chooseSteps(still, 3, sending(), limits) ?? [];
    expect(first).toBe(2);
    expect(second).toBe(2 / 16);
    expect(third).toBeLessThanOrEqual(2 / 16);
  });

  it("goes by what comes late where it is larger", () => {
    const late = Float32Array.from([30, 15, 0, 0, 0, -7.5, 15, 0, 0, 0, 0, 0]);
    const [first, second] = chooseSteps(late, 3, sending(), limits) ?? [];
    expect(first).toBe(2);
    expect(second).toBe(1);
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
    expect(chooseSteps(both, 2, sending({ sign: "free" }), limits)?.[0]).toBe(4);
    expect(chooseSteps(both, 2, sending({ alphabet: "power" }), limits)?.[0]).toBe(30 / 8);
  });

  it("keeps within its limits", () => {
    const still = new Float32Array(20);
    still.set([30, 1, 3, 7]);
    const steps = chooseSteps(still, 5, sending(), { shrink: 1 / 4, finest: 1 / 32 });
    expect(steps?.slice(0, 3)).toEqual([2, 0.5, 0.125]);
    for (const step of steps ?? []) expect(step).toBeGreaterThanOrEqual(2 / 32);
  });

  it("waits for the first that there is to send, and finds none in silence", () => {
    const late = currents([-1, -1, -1, -1], [16, 0, 0, 0]);
    expect(chooseSteps(late, 2, sending(), limits)?.[0]).toBe(1);
    expect(chooseSteps(new Float32Array(8).fill(-1), 2, sending(), limits)).toBeNull();
  });
});

/** Exponents that channels share, on steps that are written out. */
import { describe, expect, it } from "vitest";
import { uniform } from "../../../ir/random.ts";
import { inPowers, leastExponents } from "../../../passes/fit/powers.ts";

const limits = { shrink: 1 / 16, finest: 2 ** -6 };

/** By how many doublings all steps are larger than wanted, in each channel by the least that any may be. */
function doublings(wanted: readonly (readonly number[])[], exponents: readonly number[]): number {
  return wanted
    .map((steps) => {
      const base = Math.max(...steps.map((q, t) => q * 2 ** (exponents[t] ?? NaN)));
      return steps.reduce(
        (sum, q, t) => sum + Math.log2((base * 2 ** -(exponents[t] ?? NaN)) / q),
        0,
      );
    })
    .reduce((sum, each) => sum + each, 0);
}

/** All exponents within the limits, by counting. */
function* everyExponents(timesteps: number, last = 0): Generator<number[]> {
  if (timesteps === 1) {
    yield [last];
    return;
  }
  for (let next = last; next <= Math.min(6, last + 4); next++) {
    for (const rest of everyExponents(timesteps - 1, next)) yield [last, ...rest];
  }
}

describe("inPowers", () => {
  it("takes the exponent in the middle, and enlarges the first steps of channels that shrink less", () => {
    const wanted = [
      [8, 1],
      [8, 2],
      [24, 3],
    ];
    // log2 of their ratios are 3, 2 and 3. The second channel has 2 at the second timestep with a base of 16.
    expect(inPowers(wanted, limits)).toEqual({ exponents: [0, 3], bases: [8, 16, 24] });
  });

  it("enlarges the later steps of channels that shrink more", () => {
    const wanted = [
      [8, 2],
      [8, 2],
      [8, 0.5],
    ];
    expect(inPowers(wanted, limits)).toEqual({ exponents: [0, 2], bases: [8, 8, 8] });
  });

  it("never makes a step smaller, for one channel or for many", () => {
    for (let seed = 0; seed < 20; seed++) {
      const wanted = drawn(seed, 1 + (seed % 3), 4);
      const { exponents, bases } = inPowers(wanted, limits);
      wanted.forEach((steps, c) => {
        steps.forEach((q, t) => {
          expect((bases[c] ?? NaN) * 2 ** -(exponents[t] ?? NaN)).toBeGreaterThanOrEqual(q);
        });
      });
    }
  });

  it("keeps one timestep as it is", () => {
    expect(inPowers([[3], [5]], limits)).toEqual({ exponents: [0], bases: [3, 5] });
  });
});

describe("leastExponents", () => {
  it("finds what counting through all of them finds", () => {
    for (let seed = 0; seed < 20; seed++) {
      const wanted = drawn(seed, 5, 4);
      const logs = wanted.map((steps) => steps.map((q) => Math.log2(q)));
      const found = leastExponents(logs, limits);
      const least = Math.min(...[...everyExponents(4)].map((e) => doublings(wanted, e)));
      expect(doublings(wanted, found)).toBeCloseTo(least, 9);
    }
  });

  it("keeps to the limits", () => {
    const logs = [[0, -3, -9, -20]];
    expect(leastExponents(logs, { shrink: 1 / 4, finest: 2 ** -5 })).toEqual([0, 2, 4, 5]);
    expect(leastExponents(logs, { shrink: 1 / 4, finest: 8 })).toEqual([0, 0, 0, 0]);
  });
});

/** Steps of channels, each at most the one before. */
function drawn(seed: number, channels: number, timesteps: number): number[][] {
  return Array.from({ length: channels }, (_, c) => {
    let step = 1 + uniform(seed, c, 0, 0);
    return Array.from({ length: timesteps }, (__, t) => {
      if (t > 0) step *= 2 ** (-3 * uniform(seed, c, t, 1));
      return step;
    });
  });
}

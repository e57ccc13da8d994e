/** The rules that look at a whole distribution, against the same rule on the exact values. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChannelStatistics } from "../../../ir/run/stats.ts";
import { localThreshold } from "../../../passes/balance/balance-local.ts";
import { leastErrorThreshold } from "../../../passes/balance/balance-mmse.ts";
import type { RangeChoice } from "../../../passes/balance/thresholds.ts";

/** Not so small that statistics take them for zero. */
const value = fc.double({ min: -4, max: 8, noNaN: true }).map((x) => (Math.abs(x) < 1e-6 ? 0 : x));
const values = fc.array(value, { minLength: 1, maxLength: 200 });
const ceilings = fc.constantFrom(Infinity, 6, 1);
const shares = fc.constantFrom(0, 0.25, 0.5);

function choice(data: readonly number[], ceiling = Infinity, vInit = 0.5): RangeChoice {
  const statistics = new ChannelStatistics();
  statistics.add(data, 0, 1, data.length);
  return { statistics, ceiling, vInit, signed: false, levels: 32 };
}

/** Root mean square of what `n` steps of θ express − the activation. */
function errorOf(
  data: readonly number[],
  threshold: number,
  n: number,
  { ceiling, vInit }: RangeChoice,
): number {
  const squares = data.map((z) => {
    const spikes = Math.min(n, Math.max(0, Math.floor((z * n) / threshold + vInit)));
    return ((threshold / n) * spikes - Math.min(ceiling, Math.max(0, z))) ** 2;
  });
  return Math.sqrt(squares.reduce((sum, e) => sum + e, 0) / data.length);
}

/** The least and the largest that `errorOf` ** 2 can be when each positive value is off by 1.1 %. */
function errorRange(
  data: readonly number[],
  threshold: number,
  n: number,
  { ceiling, vInit }: RangeChoice,
): [number, number] {
  let [least, most] = [0, 0];
  const step = threshold / n;
  const spikesOf = (z: number): number => Math.min(n, Math.max(0, Math.floor(z / step + vInit)));
  for (const exact of data) {
    if (exact <= 0) continue;
    const from = Math.min(ceiling, exact * 0.989);
    const to = Math.min(ceiling, exact * 1.011);
    // Between two edges the spikes are the same number, and the error falls as z rises.
    const errors: number[] = [];
    let touchesZero = false;
    for (let spikes = spikesOf(from); spikes <= spikesOf(to); spikes++) {
      const start = Math.max(from, spikes === 0 ? 0 : (spikes - vInit) * step);
      const end = Math.min(to, spikes === n ? Infinity : (spikes + 1 - vInit) * step);
      const [above, below] = [spikes * step - start, spikes * step - end];
      errors.push(above ** 2, below ** 2);
      touchesZero ||= above >= 0 && below <= 0;
    }
    least += (touchesZero ? 0 : Math.min(...errors)) / data.length;
    most += Math.max(...errors) / data.length;
  }
  return [least, most];
}

/** Largest of max(0, data), up to the ceiling. */
function reach(data: readonly number[], ceiling: number): number {
  return Math.min(ceiling, Math.max(0, ...data));
}

describe("leastErrorThreshold", () => {
  it("is the best of the grid on the exact values, as far as buckets tell them apart", () => {
    fc.assert(
      fc.property(
        values,
        ceilings,
        shares,
        fc.constantFrom(1, 4, 32),
        (data, ceiling, vInit, n) => {
          const given = choice(data, ceiling, vInit);
          const largest = reach(data, ceiling);
          if (largest === 0) return;
          const theta = leastErrorThreshold(given, n, 50);
          const [least] = errorRange(data, theta, n, given);
          for (let k = 1; k <= 50; k++) {
            const [, most] = errorRange(data, (largest * k) / 50, n, given);
            expect(least).toBeLessThanOrEqual(most + 1e-9);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("is the best of the grid on the distribution that the statistics hold", () => {
    fc.assert(
      fc.property(values, ceilings, shares, (data, ceiling, vInit) => {
        const given = choice(data, ceiling, vInit);
        const held = given.statistics
          .masses()
          .flatMap(({ value, count }) => Array<number>(count).fill(value));
        const largest = reach(data, ceiling);
        const theta = leastErrorThreshold(given, 8, 20);
        if (largest === 0) {
          expect(theta).toBe(0);
          return;
        }
        expect(Math.round((theta / largest) * 20) / 20).toBeCloseTo(theta / largest, 9);
        for (let k = 1; k <= 20; k++) {
          const other = errorOf(held, (largest * k) / 20, 8, given);
          expect(errorOf(held, theta, 8, given)).toBeLessThanOrEqual(other + 1e-9);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("trades clipping against quantisation: an outlier is clipped where steps are few", () => {
    const data = [...Array.from({ length: 999 }, (_, i) => 1 + i / 999), 20];
    expect(leastErrorThreshold(choice(data), 2, 100)).toBeLessThan(5);
    expect(leastErrorThreshold(choice(data), 1000, 100)).toBe(20);
    // The smallest candidate is one, too.
    expect(leastErrorThreshold(choice([1, 1, 1, 2]), 1, 2)).toBe(1);
  });

  it("does not let what lies above the ceiling count", () => {
    const data = [1, 1, 1, 1, 60];
    // One step of θ stands for 1, four times, and for 2, once.
    expect(leastErrorThreshold(choice(data, 2), 1, 100)).toBeCloseTo(1.2, 1);
  });
});

describe("localThreshold", () => {
  it("is the rule's own iteration on the distribution that the statistics hold", () => {
    fc.assert(
      fc.property(
        values,
        ceilings,
        fc.double({ min: 1e-3, max: 0.5, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        (data, ceiling, rate, iterations) => {
          const given = choice(data, ceiling);
          const { statistics } = given;
          let theta = 0;
          for (let i = 0; i < iterations; i++) {
            const excess = statistics
              .masses()
              .reduce(
                (sum, m) => sum + m.count * Math.max(0, Math.min(ceiling, m.value) - theta),
                0,
              );
            theta += rate * 2 * (excess / statistics.count);
          }
          expect(localThreshold(given, rate, iterations)).toBeCloseTo(theta, 7);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("rises with the iterations and never passes the largest activation", () => {
    fc.assert(
      fc.property(
        values,
        ceilings,
        fc.double({ min: 1e-3, max: 1, noNaN: true }),
        (data, ceiling, rate) => {
          const given = choice(data, ceiling);
          let before = 0;
          for (const iterations of [1, 2, 3, 10, 100]) {
            const theta = localThreshold(given, rate, iterations);
            expect(theta).toBeGreaterThanOrEqual(before);
            before = theta;
          }
          expect(before).toBeLessThanOrEqual(reach(data, ceiling));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("comes to the largest activation, however rare, in the end", () => {
    const data = [...Array<number>(50).fill(0.5), 4];
    expect(localThreshold(choice(data), 0.5, 10)).toBeLessThan(2);
    expect(localThreshold(choice(data), 0.5, 10_000)).toBeCloseTo(4, 6);
    // A rate of 1 would step from 0 to twice the mean.
    expect(localThreshold(choice([3, 3]), 1, 1)).toBe(3);
  });
});

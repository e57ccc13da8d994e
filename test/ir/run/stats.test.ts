/** What statistics say beside the exact values, and that parts merge to the whole to the bit. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChannelStatistics, type ChannelStatisticsData, bucketOf } from "../../../ir/run/stats.ts";
import { uniform } from "../../../ir/random.ts";

/** What an engine may see: float32 of any magnitude. */
const value = fc.oneof(
  fc.float({ min: -8, max: 8, noNaN: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, -1, 2 ** -149, -(2 ** -149), 2 ** -30),
);
const sample = fc.array(value, { minLength: 1, maxLength: 12 });
const samples = fc.array(sample, { minLength: 1, maxLength: 12 });

function gathered(...parts: readonly (readonly number[])[]): ChannelStatistics {
  const statistics = new ChannelStatistics();
  for (const part of parts) statistics.add(part, 0, 1, part.length);
  return statistics;
}

function merged(...parts: readonly ChannelStatistics[]): ChannelStatistics {
  const statistics = new ChannelStatistics();
  for (const part of parts) statistics.merge(part);
  return statistics;
}

/** Smaller magnitudes count as zero. */
const zeroBelow = 2 ** -126;

/** Within 1.1 %, but for what counts as zero. */
function expectNear(found: number, exact: number): void {
  if (Math.abs(exact) < zeroBelow) expect(Math.abs(found)).toBeLessThan(zeroBelow);
  else expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.011 * Math.abs(exact));
}

describe("statistics of a channel", () => {
  it("are the same whatever the order of samples and of merging", () => {
    fc.assert(
      fc.property(samples, fc.nat(), fc.nat(), (parts, a, b) => {
        const [i, j] = [a % (parts.length + 1), b % (parts.length + 1)].sort((x, y) => x - y);
        const left = gathered(...parts.slice(0, i));
        const middle = gathered(...parts.slice(i, j));
        const right = gathered(...parts.slice(j));
        const whole = textOf(gathered(...parts));
        expect(textOf(gathered(...parts.toReversed()))).toBe(whole);
        expect(textOf(merged(merged(left, middle), right))).toBe(whole);
        expect(textOf(merged(left, merged(middle, right)))).toBe(whole);
        expect(textOf(merged(right, left, middle, gathered()))).toBe(whole);
      }),
      { numRuns: 50 },
    );
  });

  it("survive being written as JSON, and merge on from there", () => {
    fc.assert(
      fc.property(samples, sample, (parts, more) => {
        const whole = gathered(...parts);
        const read = throughText(whole);
        expect(textOf(read)).toBe(textOf(whole));
        expect(textOf(merged(read, gathered(more)))).toBe(textOf(gathered(...parts, more)));
      }),
      { numRuns: 50 },
    );
    const empty = throughText(gathered());
    expect(empty).toEqual(gathered());
    expect(merged(empty, gathered([3]))).toEqual(gathered([3]));
  });

  it("hold count, extremes, mean, variance and the share of negatives", () => {
    fc.assert(
      fc.property(samples, (parts) => {
        const all = parts.flat();
        const s = gathered(...parts);
        expect(s.count).toBe(all.length);
        expect(s.min).toBe(Math.min(...all) + 0);
        expect(s.max).toBe(Math.max(...all) + 0);
        const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
        const squares = all.reduce((sum, x) => sum + x * x, 0) / all.length;
        expect(Math.abs(s.mean - mean)).toBeLessThanOrEqual(2 ** -40 + 1e-9 * Math.sqrt(squares));
        const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length;
        expect(Math.abs(s.variance - variance)).toBeLessThanOrEqual(2 ** -39 + 1e-9 * squares);
        const negative = all.filter((x) => x <= -zeroBelow).length;
        expect(s.negativeShare).toBe(negative / all.length);
      }),
    );
  });

  it("know each quantile within 1.1 %", () => {
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (parts, q) => {
        const sorted = parts.flat().toSorted((a, b) => a - b);
        const at = Math.max(0, Math.ceil(q * sorted.length) - 1);
        expectNear(gathered(...parts).quantile(q), sorted[at] ?? NaN);
      }),
    );
  });

  it("take the value at which the share is reached", () => {
    const s = gathered([1, 16, 256, 4096]);
    expect([0, 0.25, 0.26, 0.5, 1].map((q) => Math.round(Math.log2(s.quantile(q))))).toEqual([
      0, 0, 4, 4, 12,
    ]);
  });

  it("give the distribution in ascending order, each point within 1.1 % of its elements", () => {
    fc.assert(
      fc.property(samples, (parts) => {
        const masses = gathered(...parts).masses();
        const values = masses.map((m) => m.value);
        expect(values).toEqual(values.toSorted((a, b) => a - b));
        const sorted = parts.flat().toSorted((a, b) => a - b);
        const spread = masses.flatMap((m) => Array<number>(m.count).fill(m.value));
        expect(spread.length).toBe(sorted.length);
        spread.forEach((x, i) => {
          expectNear(x, sorted[i] ?? NaN);
        });
      }),
    );
  });

  it.each([
    ["zero", [0], [0, 0, 0]],
    ["negative zero", [-0], [0, 0, 0]],
    ["the smallest number", [2 ** -149], [2 ** -149, 0, 2 ** -149]],
    ["a huge number", [1e30], [1e30, 1e30, 1e30]],
    ["negative numbers only", [-4, -4], [-4, -4, -4]],
  ])("take %s", (_, data, [max, median, least]) => {
    const s = gathered(data);
    expect(s.max).toBe(max);
    expect(s.quantile(0.5)).toBe(median);
    expect(s.min).toBe(least);
    expect(s.quantile(1)).toBe(max);
    expect(s.mean / (data[0] ?? 1) || 1).toBeCloseTo(1, 3);
  });

  it("say nothing of nothing", () => {
    const s = new ChannelStatistics();
    expect([s.count, s.mean, s.variance, s.negativeShare]).toEqual([0, 0, 0, 0]);
    expect(s.masses()).toEqual([]);
  });

  it.each([NaN, Infinity, -Infinity])("count %s apart", (x) => {
    const s = gathered([1, x], [x, 3]);
    expect([s.count, s.notFinite, s.min, s.max, s.mean]).toEqual([2, 2, 1, 3, 2]);
    expect(merged(s, s).notFinite).toBe(4);
    expect(throughText(s)).toEqual(s);
  });

  it("read elements by offset and stride", () => {
    const s = new ChannelStatistics();
    s.add([9, 1, 9, 2, 9, 3], 1, 2, 3);
    expect(s).toEqual(gathered([1, 2, 3]));
  });
});

/** Everything that the statistics hold, sign of zero included. */
function textOf(statistics: ChannelStatistics): string {
  const text = JSON.stringify(statistics);
  return `${text} ${1 / statistics.min} ${1 / statistics.max}`;
}

function throughText(statistics: ChannelStatistics): ChannelStatistics {
  // What JSON.parse gives has no type; toJSON says what it is.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  const data = JSON.parse(JSON.stringify(statistics)) as ChannelStatisticsData;
  return ChannelStatistics.fromJSON(data);
}

describe("buckets", () => {
  /** As they are defined: 32 to an octave, from 2^-126 on. */
  const defined = (magnitude: number): number =>
    magnitude < 2 ** -126 ? -1 : Math.floor((Math.log2(magnitude) + 126) * 32);

  it("are those of the logarithm, at every bound and between", () => {
    const around = [1, 1 + 2 ** -52, 1 - 2 ** -53, 1 + 1e-9, 1 - 1e-9, 1 + 1e-5, 1 - 1e-5];
    const wrong: number[] = [];
    for (let bound = -126 * 32; bound < 128 * 32; bound++) {
      const exact = 2 ** (bound / 32);
      const between = 1 + uniform(0, bound + 5000, 0, 0) / 45;
      for (const factor of [...around, between]) {
        const x = exact * factor;
        if (x < 2 ** 128 && bucketOf(x) !== defined(x)) wrong.push(x);
      }
    }
    expect(wrong).toEqual([]);
    expect([0, 1e-40].map(bucketOf)).toEqual([-1, -1]);
  });
});

/** Which elements make a channel, and that statistics of many values merge and travel. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { valueIdOf } from "../../../ir/build.ts";
import { InvariantError, known } from "../../../ir/diagnostic.ts";
import type { Observation } from "../../../ir/executable.ts";
import {
  StatisticsGatherer,
  addStatisticsData,
  statisticsToData,
} from "../../../ir/run/observe.ts";
import type { CalibrationStatistics, Scope } from "../../../ir/run/stats.ts";
import { type Shape, elementCount, stridesOf } from "../../../ir/type.ts";

const value = valueIdOf(3);

/** Statistics of rows of one value. */
function gather(
  shape: Shape,
  observation: Omit<Observation, "value">,
  rows: readonly (readonly number[])[],
): CalibrationStatistics {
  const gatherer = new StatisticsGatherer([{ value, ...observation }], () => shape);
  for (const row of rows) gatherer.add(() => row);
  return gatherer.finish();
}

function textOf(statistics: CalibrationStatistics): string {
  return JSON.stringify(statisticsToData(statistics));
}

function countUp(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

describe("observing a value", () => {
  it("puts elements into the channels of their scope", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 4 }),
        fc.nat({ max: 3 }),
        fc.constantFrom<Scope>("layer", "channel", "neuron"),
        (shape, anyAxis, scope) => {
          const axis = anyAxis % Math.max(1, shape.length);
          const data = countUp(elementCount(shape));
          const { values } = gather(shape, { scope, axis }, [data, data]);
          const found = known(values.get(value), "the value").channels;
          const groups = new Map<number, number[]>();
          data.forEach((x, k) => {
            const along = Math.floor(k / (stridesOf(shape)[axis] ?? 1)) % (shape[axis] ?? 1);
            const group = { layer: 0, channel: along, neuron: k }[scope];
            groups.set(group, [...(groups.get(group) ?? []), x]);
          });
          expect(found.length).toBe(groups.size);
          found.forEach((channel, c) => {
            const group = known(groups.get(c), `channel ${c}`);
            expect(channel.count).toBe(2 * group.length);
            expect([channel.min, channel.max]).toEqual([Math.min(...group), Math.max(...group)]);
            expect(channel.mean).toBeCloseTo(group.reduce((a, b) => a + b) / group.length, 9);
          });
        },
      ),
    );
  });

  it("counts samples, and every value of a sample", () => {
    const other = valueIdOf(4);
    const gatherer = new StatisticsGatherer(
      [
        { value, scope: "layer", axis: 0 },
        { value: other, scope: "neuron", axis: 0 },
      ],
      () => [2],
    );
    gatherer.add((v) => (v === value ? [1, 2] : [3, 4]));
    const { samples, values } = gatherer.finish();
    expect(samples).toBe(1);
    expect(values.get(value)?.channels.map((c) => c.mean)).toEqual([1.5]);
    expect(values.get(other)?.channels.map((c) => c.mean)).toEqual([3, 4]);
  });

  it("refuses an axis that is not there, and a value asked for twice", () => {
    expect(() => gather([2], { scope: "channel", axis: 1 }, [])).toThrow(InvariantError);
    const twice = { value, scope: "layer", axis: 0 } as const;
    expect(() => new StatisticsGatherer([twice, twice], () => [1])).toThrow(InvariantError);
  });

  it("merges parts to the whole, in any order, from plain data", () => {
    const row = fc.array(fc.float({ min: -4, max: 4, noNaN: true }), {
      minLength: 6,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), fc.nat(), (rows, anyCut) => {
        const cut = anyCut % (rows.length + 1);
        const at = (some: readonly (readonly number[])[]): CalibrationStatistics =>
          gather([1, 3, 2], { scope: "channel", axis: 1 }, some);
        const [left, right] = [rows.slice(0, cut), rows.slice(cut)];
        const merged = (a: typeof rows, b: typeof rows): CalibrationStatistics =>
          addStatisticsData(at(a), structuredClone(statisticsToData(at(b))));
        expect(textOf(merged(left, right))).toBe(textOf(at(rows)));
        expect(textOf(merged(right, left))).toBe(textOf(at(rows)));
      }),
    );
  });
});

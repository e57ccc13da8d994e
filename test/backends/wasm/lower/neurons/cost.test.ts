/** The cost model: what it counts, and what it never chooses. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type WindowShape,
  eventTerms,
  kernelFor,
  lookUpTerms,
  tableBytes,
} from "../../../../../backends/wasm/lower/neurons/cost.ts";

const shape: WindowShape = {
  taps: 9,
  inputs: 16,
  vectors: 2,
  rowBytes: 32,
  blocks: 1,
  rate: 0.1,
  sharedTaps: false,
};

describe("terms of costs", () => {
  it("count events, the vectors that they add, and masks", () => {
    const [, events, vectors, masks] = eventTerms(shape);
    expect(events).toBeCloseTo(14.4, 12);
    expect(vectors).toBeCloseTo(28.8, 12);
    expect(masks).toBe(9);
    expect(eventTerms({ ...shape, inputs: 65 })[3]).toBe(18);
  });

  it("count an exit for each word of joined masks, and none where nothing fires", () => {
    // Words of 64, 64 and 16 bits, or 9 of 16 bits where taps share their weights.
    const busy = (sharedTaps: boolean) => eventTerms({ ...shape, rate: 1, sharedTaps })[0] ?? 0;
    expect(busy(false)).toBeGreaterThan(2.7);
    expect(busy(false)).toBeLessThan(3);
    expect(busy(true)).toBeGreaterThan(7.9);
    expect(busy(true)).toBeLessThan(9);
    expect(eventTerms({ ...shape, rate: 0 }).slice(0, 3)).toEqual([0, 0, 0]);
  });

  it("count look-ups whatever fires, more of them in larger tables", () => {
    const [added] = lookUpTerms(shape);
    expect(added).toBe(36);
    expect(lookUpTerms({ ...shape, rate: 1 })).toEqual(lookUpTerms(shape));
    const [, beyond = 0] = lookUpTerms(shape);
    const [, more = 0] = lookUpTerms({ ...shape, rowBytes: 64 });
    expect(more).toBeGreaterThan(beyond);
    expect(tableBytes(shape)).toBe(18 * 257 * 32);
  });
});

describe("kernelFor", () => {
  it("chooses what is cheaper by the costs that are given", () => {
    expect(kernelFor(shape, { events: [1, 1, 1, 1], tables: [1, 1] })).toBe("events");
    expect(kernelFor(shape, { events: [1, 1, 1, 1], tables: [0.1, 0.1] })).toBe("tables");
  });

  it("turns from events to tables where neurons fire more, once", () => {
    const shapes = fc.record({
      taps: fc.constantFrom(1, 9, 25),
      inputs: fc.integer({ min: 1, max: 200 }),
      vectors: fc.constantFrom(1, 2, 4, 8),
      rowBytes: fc.constantFrom(16, 32, 64, 128),
      blocks: fc.integer({ min: 1, max: 4 }),
      sharedTaps: fc.boolean(),
    });
    fc.assert(
      fc.property(shapes, (rest) => {
        const chosen = [0, 0.01, 0.05, 0.2, 0.5, 1].map((rate) => kernelFor({ ...rest, rate }));
        const turns = chosen.filter((kernel, i) => i > 0 && kernel !== chosen[i - 1]);
        expect(turns.length).toBeLessThanOrEqual(1);
        expect(turns.every((kernel) => kernel === "tables")).toBe(true);
      }),
    );
  });

  it("never takes tables of more than a megabyte, nor of one or two inputs", () => {
    const costs = { events: [1, 1, 1, 1], tables: [0, 0] };
    expect(kernelFor({ ...shape, inputs: 512, rowBytes: 128 }, costs)).toBe("events");
    expect(kernelFor({ ...shape, inputs: 2 }, costs)).toBe("events");
  });
});

/** Where the costs of events and of dense products cross. */
import { describe, expect, it } from "vitest";
import {
  type CostShape,
  denseNanoseconds,
  eventNanoseconds,
  mostEvents,
} from "../../../../../backends/wasm/lower/words/event-cost.ts";
import { blockingOf } from "../../../../../backends/wasm/kernels/words/walk-events.ts";

/** A square convolution of stride 1 that keeps the extent. */
function layer(channels: number, extent: number, kernel: number, bytes: 1 | 2 = 1): CostShape {
  const window = { kernel: [kernel, kernel], stride: [1, 1] } as const;
  const { blocks, vectors, together } = blockingOf(window, channels);
  const walk = { ...window, columns: extent, vectors, together, inputs: channels };
  return { walk, blocks, rows: extent, outputs: channels, bytes };
}

describe("mostEvents", () => {
  it("is where events begin to cost more", () => {
    for (const shape of [layer(16, 32, 3), layer(32, 16, 3, 2), layer(64, 8, 1)]) {
      const most = mostEvents(shape);
      expect(most).toBeGreaterThan(0);
      expect(eventNanoseconds(shape, most)).toBeLessThan(denseNanoseconds(shape));
      expect(eventNanoseconds(shape, most + 1)).toBeGreaterThanOrEqual(denseNanoseconds(shape));
    }
  });

  it("allows a larger share of words where loops are long", () => {
    const share = (channels: number, extent: number): number =>
      mostEvents(layer(channels, extent, 3)) / (channels * extent ** 2);
    expect(share(32, 16)).toBeGreaterThan(share(16, 32));
    expect(share(64, 8)).toBeGreaterThan(share(32, 16));
  });

  it("is 0 where walking costs more than a product of all words", () => {
    expect(mostEvents(layer(1, 8, 1))).toBe(0);
  });
});

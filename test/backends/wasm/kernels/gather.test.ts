/** Tables of taps, for axes of any length. */
import { expect, it } from "vitest";
import { tapTable, tapsForEach } from "../../../../backends/wasm/kernels/gather.ts";

it("takes more elements than a call may have operands", () => {
  const one = [{ index: 3, weight: 1 }];
  const two = [
    { index: 1, weight: 0.5 },
    { index: 2, weight: 0.5 },
  ];
  const taps = Array.from({ length: 300_000 }, (_, i) => (i === 299_999 ? two : one));
  expect(tapsForEach(taps)).toBe(2);
  expect(tapTable(taps, 4).length).toBe(2 * 2 * taps.length);
});

/** For how many conversions together a confidence holds: worked out by hand from powers of 1 − loss. */
import { describe, expect, it } from "vitest";
import { samplesNeeded, upperShare } from "../../../calibrate/confidence.ts";
import { confidenceOfEach, conversionsShown } from "../../../library/auto/judge.ts";

const shown = (judges: number, maxLoss: number, most = 24): number =>
  conversionsShown(judges, maxLoss, 0.95, { name: "classify" }, most);

describe("the conversions that judges can show to be good", () => {
  it.each([
    // 0.98^148 = 0.0503, 0.98^149 = 0.0493, 0.98^256 = 0.00567
    [148, 2, 0],
    [149, 2, 1],
    [256, 2, 8],
    [306, 2, 24],
    [597, 0.5, 0],
    [598, 0.5, 1],
    [1231, 0.5, 23],
    [1232, 0.5, 24],
    [16, 100, 24],
  ])("are of %i judges and %f points %i", (judges, maxLoss, conversions) => {
    expect(shown(judges, maxLoss)).toBe(conversions);
  });

  it("are as many as pass where nothing changes, and one more would not", () => {
    for (const judges of [200, 256, 300, 400]) {
      const many = shown(judges, 2, Infinity);
      expect(upperShare(0, judges, confidenceOfEach(0.95, many))).toBeLessThanOrEqual(0.02);
      expect(upperShare(0, judges, confidenceOfEach(0.95, many + 1))).toBeGreaterThan(0.02);
    }
    expect(shown(samplesNeeded(0.01, 0.95), 1)).toBe(1);
  });

  it("of values are all", () => {
    expect(conversionsShown(30, 0.1, 0.95, { name: "regress" }, 24)).toBe(24);
  });

  it("pass by chance at most as often as is said, all together", () => {
    // Each of 8 that loses exactly the limit passes where none of 256 changes.
    const each = 1 - confidenceOfEach(0.95, 8);
    expect(0.98 ** 256).toBeLessThanOrEqual(each);
    expect(8 * 0.98 ** 256).toBeLessThanOrEqual(0.05);
  });
});

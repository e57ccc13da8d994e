/** Which accuracies may be compared with the ANN's. */
import { describe, expect, it } from "vitest";
import { isWithin } from "../../../bench/speed/loss.ts";

describe("isWithin", () => {
  it("allows half a point and no more", () => {
    expect(isWithin({ annAccuracy: 0.99, accuracy: 0.985 })).toBe(true);
    expect(isWithin({ annAccuracy: 0.99, accuracy: 0.9849 })).toBe(false);
    expect(isWithin({ annAccuracy: 0.9, accuracy: 0.95 })).toBe(true);
  });
});

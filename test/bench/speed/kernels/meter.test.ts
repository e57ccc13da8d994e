/** The machine's limits compute what they claim to, and meters count what was done. */
import { describe, expect, it } from "vitest";
import { createLimit } from "../../../../bench/speed/kernels/limit-modules.ts";
import { rateOf } from "../../../../bench/speed/kernels/meter.ts";

describe("rateOf", () => {
  it("runs at least once, however short the time", () => {
    let runs = 0;
    const rate = rateOf({ work: 1000, run: () => void runs++ }, 0);
    expect(runs).toBe(1);
    expect(rate).toBeGreaterThan(0);
  });

  it("passes on that a result was wrong", () => {
    const broken = {
      work: 1,
      run: () => {
        throw new Error("wrong");
      },
    };
    expect(() => rateOf(broken, 0)).toThrow("wrong");
  });
});

describe("limits of the machine", () => {
  // Each checks its own result at every call.
  it.each(["int16 adds", "f32 multiply-adds", "bytes from 16 KB", "bytes from 256 KB"] as const)(
    "%s are really done",
    async (name) => {
      const meter = await createLimit(name);
      expect(meter.work).toBeGreaterThan(1e6);
      meter.run();
      meter.run();
    },
  );
});

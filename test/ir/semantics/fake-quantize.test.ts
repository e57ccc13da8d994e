/** Rounded clips: by hand, and as a quantiser with the dequantiser behind it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensorOf } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";
import { evaluateOp, f, infer, numbers } from "../one-op.ts";

const plain = { step: 0.5, low: -2, high: 3, rounding: "nearest" as const };

function of(values: readonly number[], change: Partial<typeof plain> | object = {}): number[] {
  return numbers(
    evaluateOp("ann.fake-quantize", { ...plain, ...change }, [f([values.length], values)]),
  );
}

describe("fake-quantize", () => {
  it("rounds to steps, ties to the even one, and clips to whole numbers of them", () => {
    expect(of([0, 0.2, 0.25, 0.3, 0.75, 1.25, 9, -0.3, -0.75, -9])).toEqual([
      0, 0, 0, 0.5, 1, 1, 1.5, -0.5, -1, -1,
    ]);
  });

  it("rounds down or up, and keeps NaN", () => {
    expect(of([0.49, 0.5, -0.01], { rounding: "floor" })).toEqual([0, 0.5, -0.5]);
    expect(of([0.49, 0.5, -0.51], { rounding: "ceil" })).toEqual([0.5, 0.5, -0.5]);
    expect(of([NaN])).toEqual([NaN]);
  });

  it("need not have ends", () => {
    expect(of([1e6, -1e6], { low: -Infinity, high: Infinity })).toEqual([1e6, -1e6]);
  });

  it("divides in the element type, as a quantiser does: 0.35 / 0.1 is the tie 3.5", () => {
    expect(of([0.35], { step: 0.1, high: 9 })).toEqual([Math.fround(0.1) * 4].map(Math.fround));
  });

  it("is a quantiser with a dequantiser behind it, to the bit", () => {
    const scale = fc.double({ min: 1e-3, max: 10, noNaN: true }).map(Math.fround);
    const value = fc.double({ min: -100, max: 100, noNaN: true }).map(Math.fround);
    const zero = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), scale, zero, (values, s, z) => {
        const [x, step, offset] = [f([values.length], values), f([], [s]), tensorOf("u8", [], [z])];
        const q = evaluateOp("ann.quantize-linear", { axis: 0, to: "u8" }, [x, step, offset]);
        const y = evaluateOp("ann.dequantize-linear", { axis: 0 }, [q, step, offset]);
        const bounds = { step: s, low: -z, high: 255 - z };
        // But for the sign of zero.
        expect(of(values, bounds).map((each) => each + 0)).toEqual(
          numbers(y).map((each) => each + 0),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("types real floats, with steps above 0 and whole numbers of them", () => {
    const x = real("f32", [2]);
    expect(infer("ann.fake-quantize", plain, [x])).toBe("real[2]");
    expect(infer("ann.fake-quantize", { ...plain, step: 0 }, [x])).toMatch("step of 0");
    expect(infer("ann.fake-quantize", { ...plain, high: 1.5 }, [x])).toMatch("bound of 1.5 steps");
    expect(infer("ann.fake-quantize", { ...plain, high: -3 }, [x])).toMatch("hold no number");
    expect(infer("ann.fake-quantize", plain, [{ ...x, domain: "current" }])).toMatch("neurons");
    expect(infer("ann.fake-quantize", plain, [real("i32", [2])])).not.toBe("real[2]");
  });
});

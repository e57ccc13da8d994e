/** Types of reductions, positions of extremes and running sums. */
import { describe, expect, it } from "vitest";
import type { Type } from "../../../../ir/type.ts";
import { infer } from "../../one-op.ts";

const x: Type = { domain: "real", dtype: "f32", shape: [2, 3, 4] };
const spike: Type = { ...x, domain: "spike" };
const attrs = { axes: [0, 2], keepDims: false };

describe("types of reductions", () => {
  it("lose the folded axes, or keep them as 1", () => {
    expect(infer("ann.reduce-max", attrs, [x])).toBe("real[3]");
    expect(infer("ann.reduce-max", { ...attrs, keepDims: true }, [x])).toBe("real[1, 3, 1]");
    expect(infer("ann.reduce-max", { axes: [], keepDims: false }, [x])).toBe("real[2, 3, 4]");
  });

  it("are linear for sums and means only", () => {
    expect(infer("ann.reduce-sum", attrs, [spike])).toBe("current[3]");
    expect(infer("ann.reduce-mean", attrs, [spike])).toBe("current[3]");
    expect(infer("ann.reduce-max", attrs, [spike])).toContain("not on spikes");
    expect(infer("ann.cumsum", { axis: 0, exclusive: false, reverse: false }, [spike])).toContain(
      "not on spikes",
    );
  });

  it("want axes that exist, in order, once", () => {
    expect(infer("ann.reduce-sum", { ...attrs, axes: [3] }, [x])).toBe(
      "ann.reduce-sum along axis 3 of [2, 3, 4], which has 3 axes",
    );
    for (const axes of [
      [1, 0],
      [1, 1],
    ]) {
      expect(infer("ann.reduce-sum", { ...attrs, axes }, [x])).toContain("sorted and without");
    }
  });

  it("want numbers, but extremes are of bools too", () => {
    const bool: Type = { ...x, dtype: "bool" };
    expect(infer("ann.reduce-sum", attrs, [bool])).toContain("not bool");
    expect(infer("ann.reduce-max", attrs, [bool])).toBe("real<bool>[3]");
  });
});

describe("types of argmax", () => {
  const arg = { axis: 1, keepDims: false, selectLast: false };
  it("are 64-bit integers", () => {
    expect(infer("ann.argmax", arg, [x])).toBe("real<i64>[2, 4]");
    expect(infer("ann.argmin", { ...arg, keepDims: true }, [x])).toBe("real<i64>[2, 1, 4]");
  });

  it("do not exist over nothing", () => {
    expect(infer("ann.argmax", arg, [{ ...x, shape: [2, 0] }])).toBe(
      "ann.argmax over axis 1, which has no elements",
    );
  });
});

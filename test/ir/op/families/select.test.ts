/** Types of picking and writing: indices are real, what is picked from may vary over time. */
import { describe, expect, it } from "vitest";
import { type Type, real } from "../../../../ir/type.ts";
import { infer } from "../../one-op.ts";

const x = real("f32", [2, 3]);
const spike: Type = { ...x, domain: "spike" };
const indices = real("i64", [4, 1]);

describe("types of gathers", () => {
  it("keep the data's domain and element type", () => {
    expect(infer("ann.gather", { axis: 1 }, [spike, indices])).toBe("spike[2, 4, 1]");
    expect(infer("ann.gather-nd", { batchDims: 0 }, [spike, indices])).toBe("spike[4, 3]");
    expect(infer("ann.gather-elements", { axis: 0 }, [spike, indices])).toBe("spike[4, 1]");
  });

  it("want indices that do not vary, and are integers", () => {
    expect(infer("ann.gather", { axis: 0 }, [x, { ...indices, domain: "spike" }])).toBe(
      "ann.gather works on real values, not on spikes: an index cannot vary over time",
    );
    expect(infer("ann.gather", { axis: 0 }, [x, x])).toBe(
      "ann.gather needs an integer type for its indices, not f32",
    );
  });

  it("want indices of a shape that fits the data", () => {
    expect(infer("ann.gather", { axis: 2 }, [x, indices])).toContain("axis 2");
    expect(infer("ann.gather-elements", { axis: 1 }, [x, indices])).toContain("off axis 1");
    expect(infer("ann.gather-elements", { axis: 0 }, [x, real("i64", [4])])).toContain(
      "off axis 0",
    );
    expect(infer("ann.gather-nd", { batchDims: 0 }, [x, real("i64", [3])])).toContain(
      "address more axes",
    );
    expect(infer("ann.gather-nd", { batchDims: 1 }, [x, real("i64", [3, 1])])).toBe(
      "ann.gather-nd: the first 1 axes of [2, 3] and [3, 1] differ",
    );
    expect(infer("ann.gather-nd", { batchDims: 1 }, [x, real("i64", [2, 1])])).toBe("real[2]");
  });
});

describe("types of scatters", () => {
  it("are the data's", () => {
    const elements = [x, indices, real("f32", [4, 1])];
    expect(infer("ann.scatter-elements", { axis: 0, reduction: "none" }, elements)).toBe(
      "real[2, 3]",
    );
    expect(infer("ann.scatter-nd", { reduction: "add" }, [x, indices, real("f32", [4, 3])])).toBe(
      "real[2, 3]",
    );
  });

  it("want updates that fit, and everything real", () => {
    expect(infer("ann.scatter-elements", { axis: 0, reduction: "none" }, [x, indices, x])).toBe(
      "ann.scatter-elements needs updates of shape [4, 1], not [2, 3]",
    );
    expect(infer("ann.scatter-nd", { reduction: "add" }, [x, indices, x])).toBe(
      "ann.scatter-nd needs updates of shape [4, 3], not [2, 3]",
    );
    expect(
      infer("ann.scatter-nd", { reduction: "add" }, [spike, indices, real("f32", [4, 3])]),
    ).toContain("not on spikes");
    expect(
      infer("ann.scatter-nd", { reduction: "add" }, [x, indices, real("f64", [4, 3])]),
    ).toContain("f32 and f64");
  });
});

describe("types of ann.where and ann.one-hot", () => {
  const condition = real("bool", [2, 1]);
  it("chooses between real values of one type", () => {
    expect(infer("ann.where", {}, [condition, x, real("f32", [])])).toBe("real[2, 3]");
    expect(infer("ann.where", {}, [condition, spike, x])).toContain("not on spikes");
    expect(infer("ann.where", {}, [x, x, x])).toContain("needs bool for its condition");
    expect(infer("ann.where", {}, [condition, x, real("f64", [])])).toContain("f32 and f64");
    expect(infer("ann.where", {}, [real("bool", [5]), x, x])).toBe(
      "ann.where: shapes [5], [2, 3], [2, 3] do not broadcast",
    );
  });

  it("adds an axis of the depth", () => {
    const values = real("f16", [2]);
    expect(infer("ann.one-hot", { axis: 1, depth: 5 }, [real("i64", [2, 3]), values])).toBe(
      "real<f16>[2, 5, 3]",
    );
    expect(infer("ann.one-hot", { axis: 2, depth: 5 }, [x, values])).toBe("real<f16>[2, 3, 5]");
    expect(infer("ann.one-hot", { axis: 3, depth: 5 }, [x, values])).toContain("axis 3");
    expect(infer("ann.one-hot", { axis: 0, depth: -1 }, [x, values])).toContain("depth of -1");
    expect(infer("ann.one-hot", { axis: 0, depth: 5 }, [x, x])).toContain("values of shape [2]");
  });
});

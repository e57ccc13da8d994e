/** Types of elementwise ops: domains, element types, shapes. */
import { describe, expect, it } from "vitest";
import { tensorOf } from "../../../../ir/tensor.ts";
import { type Domain, type Type, real } from "../../../../ir/type.ts";
import { f, infer } from "../../one-op.ts";

const of = (domain: Domain, ...shape: number[]): Type => ({ domain, dtype: "f32", shape });
const x = of("real", 2);
const current = of("current", 2);
const spike = of("spike", 2);

describe("domains of elementwise ops", () => {
  it("adds and subtracts anything", () => {
    for (const kind of ["ann.add", "ann.sub"] as const) {
      expect(infer(kind, {}, [x, x])).toBe("real[2]");
      expect(infer(kind, {}, [x, spike])).toBe("current[2]");
      expect(infer(kind, {}, [spike, spike])).toBe("current[2]");
    }
  });

  it("negates anything, and passes anything through", () => {
    expect(infer("ann.neg", {}, [x])).toBe("real[2]");
    expect(infer("ann.neg", {}, [spike])).toBe("current[2]");
    expect(infer("ann.identity", {}, [spike])).toBe("spike[2]");
  });

  it("multiplies one that varies by one that does not", () => {
    expect(infer("ann.mul", {}, [current, x])).toBe("current[2]");
    expect(infer("ann.mul", {}, [x, spike])).toBe("current[2]");
    expect(infer("ann.mul", {}, [current, spike])).toBe(
      "ann.mul of current and spike: one of the two factors must be real",
    );
  });

  it("divides by what is real", () => {
    expect(infer("ann.div", {}, [spike, x])).toBe("current[2]");
    expect(infer("ann.div", {}, [x, spike])).toBe("ann.div by a spike: the divisor must be real");
  });

  it("has activations on real values only, and says what to do", () => {
    expect(infer("ann.relu", {}, [current])).toBe(
      "ann.relu works on real values, not on currents: " +
        "a conversion pass turns activations into neurons",
    );
    expect(infer("ann.clip", { min: 0, max: 6 }, [spike])).toContain("not on spikes");
    expect(infer("ann.exp", {}, [current])).toBe("ann.exp works on real values, not on currents");
    expect(infer("ann.greater", {}, [current, x])).toContain("not on currents");
    expect(infer("ann.max", {}, [spike, x])).toContain("not on spikes");
    expect(infer("ann.mod", { truncate: true }, [spike, x])).toContain("not on spikes");
    expect(infer("ann.cast", { to: "i8", saturate: true }, [spike])).toContain("not on spikes");
  });
});

describe("element types of elementwise ops", () => {
  it("are equal in arithmetic", () => {
    expect(infer("ann.add", {}, [x, real("i32", [2])])).toBe(
      "ann.add on operands of different types, f32 and i32",
    );
    expect(infer("ann.mul", {}, [real("bool", [2]), real("bool", [2])])).toBe(
      "ann.mul needs a number type for its operands, not bool",
    );
    expect(infer("ann.pow", {}, [real("i32", [2]), x])).toBe("real<i32>[2]");
  });

  it("are bool of comparisons, and for logic", () => {
    const bool = real("bool", [2]);
    expect(infer("ann.less", {}, [x, x])).toBe("real<bool>[2]");
    expect(infer("ann.equal", {}, [bool, bool])).toBe("real<bool>[2]");
    expect(infer("ann.and", {}, [bool, bool])).toBe("real<bool>[2]");
    expect(infer("ann.or", {}, [bool, x])).toBe("ann.or needs bool for its right operand, not f32");
    expect(infer("ann.not", {}, [x])).toBe("ann.not needs bool for its operand, not f32");
    expect(infer("ann.is-nan", {}, [x])).toBe("real<bool>[2]");
  });

  it("are floats for functions that have no integer values", () => {
    expect(infer("ann.exp", {}, [real("i8", [2])])).toBe(
      "ann.exp needs a float type for its operand, not i8",
    );
    expect(infer("ann.abs", {}, [real("i8", [2])])).toBe("real<i8>[2]");
    expect(infer("ann.cast", { to: "f16", saturate: true }, [real("bool", [2])])).toBe(
      "real<f16>[2]",
    );
  });
});

describe("shapes of elementwise ops", () => {
  it("broadcast", () => {
    expect(infer("ann.add", {}, [of("real", 3, 1), of("real", 1, 4)])).toBe("real[3, 4]");
    expect(infer("ann.add", {}, [of("real", 3), of("real", 4)])).toBe(
      "ann.add: shapes [3] and [4] do not broadcast",
    );
  });

  it("a slope may not enlarge what it is for", () => {
    const slope = f([3, 1], [1, 2, 3]);
    expect(infer("ann.prelu", { slope: "s" }, [of("real", 3, 4)], { s: slope })).toBe("real[3, 4]");
    expect(infer("ann.prelu", { slope: "s" }, [of("real", 1, 4)], { s: slope })).toBe(
      "ann.prelu: a slope of shape [3, 1] does not broadcast to [1, 4]",
    );
    const wide = tensorOf("f64", [1], [1]);
    expect(infer("ann.prelu", { slope: "s" }, [x], { s: wide })).toBe(
      "ann.prelu on operands of different types, f32 and f64",
    );
  });
});

describe("linear quantisation", () => {
  const quantize = (scale: Type, zeroPoint: Type, axis = 1): string =>
    infer("ann.quantize-linear", { axis, to: "i8" }, [of("real", 2, 3), scale, zeroPoint]);

  it("has one scale, or one for each index of its axis", () => {
    expect(quantize(real("f32", []), real("i8", []))).toBe("real<i8>[2, 3]");
    expect(quantize(real("f32", [3]), real("i8", [3]))).toBe("real<i8>[2, 3]");
    expect(quantize(real("f32", [2]), real("i8", [2]))).toBe(
      "ann.quantize-linear needs one scale, or 3 for axis 1, not scales of shape [2]",
    );
    expect(quantize(real("f32", [2]), real("i8", [3]))).toContain(
      "zero point of the scale's shape",
    );
    expect(quantize(real("f32", [3]), real("i8", [3]), 2)).toContain("axis 2");
    expect(quantize(real("f32", []), real("u8", []))).toBe(
      "ann.quantize-linear needs a zero point of type i8, not u8",
    );
  });

  it("goes to the integers there are, and back to the scale's type", () => {
    expect(
      infer("ann.quantize-linear", { axis: 0, to: "i32" }, [x, real("f32", []), real("i32", [])]),
    ).toBe("ann.quantize-linear makes i8, u8, i16 or u16, not i32");
    const back = [real("i8", [2]), real("f16", []), real("i8", [])];
    expect(infer("ann.dequantize-linear", { axis: 0 }, back)).toBe("real<f16>[2]");
  });
});

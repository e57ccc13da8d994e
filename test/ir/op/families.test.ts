/** Inferred types of synapses, contractions, pools, norms and spiking ops, and why there is none. */
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../ir/op/op.ts";
import { tensorOf, zeros } from "../../../ir/tensor.ts";
import { type Domain, type Shape, type Type, real } from "../../../ir/type.ts";
import { infer } from "../one-op.ts";

const over = (domain: Domain, ...shape: number[]): Type => ({ domain, dtype: "f32", shape });
const of = (shape: Shape): ReturnType<typeof zeros> => zeros("f32", shape);

const window2 = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };
const window1 = { strides: [1], padsBegin: [0], padsEnd: [0], dilations: [1] };

describe("sources", () => {
  it("a constant has its tensor's type; an input's type is not inferred", () => {
    expect(infer("ann.constant", { value: "c" }, [], { c: tensorOf("i64", [2], [1, 2]) })).toBe(
      "real<i64>[2]",
    );
    expect(infer("ann.input", { name: "x" }, [])).toContain("carries its own type");
  });
});

describe("synapses", () => {
  const conv = (
    x: Type,
    weight: Shape,
    attrs: Partial<OpAttrs["ann.conv"]> = {},
    bias: Shape = [4],
  ): string =>
    infer("ann.conv", { ...window2, weight: "w", bias: "b", groups: 1, ...attrs }, [x], {
      w: of(weight),
      b: of(bias),
    });

  it("weigh real values into real values, spikes and currents into currents", () => {
    const weight = [4, 3, 3, 3];
    expect(conv(over("real", 1, 3, 8, 8), weight)).toBe("real[1, 4, 6, 6]");
    expect(conv(over("spike", 1, 3, 8, 8), weight)).toBe("current[1, 4, 6, 6]");
    expect(conv(over("current", 1, 3, 8, 8), weight)).toBe("current[1, 4, 6, 6]");
  });

  it("infer extents from strides, pads and dilations", () => {
    const attrs = { strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 2], dilations: [1, 3] };
    expect(conv(over("real", 1, 3, 8, 8), [4, 3, 3, 3], attrs)).toBe("real[1, 4, 4, 4]");
  });

  it("say what does not fit", () => {
    const x = over("real", 1, 3, 8, 8);
    expect(conv(x, [4, 2, 3, 3])).toBe(
      "a weight of shape [4, 2, 3, 3] in 1 groups does not fit 3 input channels",
    );
    expect(conv(x, [4, 3, 3, 3], {}, [5])).toBe("a bias of shape [5] for 4 output channels");
    expect(conv(x, [4, 3, 9, 3])).toBe(
      "a window over 9 elements does not fit into 8 with padding 0 and 0 (spatial axis 0)",
    );
    expect(conv(x, [4, 3, 3, 3], { strides: [1] })).toBe(
      "strides has 1 entries for 2 spatial axes",
    );
    expect(conv(x, [4, 3, 3, 3], { padsEnd: [0, -1] })).toBe(
      "padsEnd holds -1, which is not an integer ≥ 0",
    );
    expect(conv({ ...x, dtype: "i64" }, [4, 3, 3, 3])).toBe("ann.conv works on floats, not on i64");
    expect(conv({ ...x, dtype: "f16" }, [4, 3, 3, 3])).toBe(
      "ann.conv on operands of different types, f16 and f32",
    );
    expect(conv(over("real", 3, 8), [4, 3])).toContain("1 to 3 spatial axes, not 2 axes");
  });

  it("transposed convolutions grow", () => {
    const attrs = {
      ...window1,
      strides: [3],
      padsBegin: [1],
      dilations: [2],
      weight: "w",
      bias: null,
      groups: 2,
      outputPadding: [2],
    };
    // 3 · (5 − 1) + 2 + (2 · (3 − 1) + 1) − 1
    expect(infer("ann.conv-transpose", attrs, [over("spike", 1, 4, 5)], { w: of([4, 3, 3]) })).toBe(
      "current[1, 6, 18]",
    );
    const cropped = { ...attrs, padsEnd: [40] };
    expect(
      infer("ann.conv-transpose", cropped, [over("real", 1, 4, 5)], { w: of([4, 3, 3]) }),
    ).toBe("the output would have -22 elements along spatial axis 0");
  });

  it("linear and affine go by the trailing axes", () => {
    const linear = { weight: "w", bias: null };
    expect(infer("ann.linear", linear, [over("spike", 1, 7, 3)], { w: of([5, 3]) })).toBe(
      "current[1, 7, 5]",
    );
    expect(infer("ann.linear", linear, [over("real", 1, 4)], { w: of([5, 3]) })).toBe(
      "a weight of shape [5, 3] does not fit the last axis of [1, 4]",
    );
    const affine = { scale: "s", shift: "t" };
    const x = over("spike", 1, 2, 3);
    expect(infer("ann.affine", affine, [x], { s: of([2, 1]), t: of([]) })).toBe("current[1, 2, 3]");
    expect(infer("ann.affine", affine, [x], { s: of([2, 1]), t: of([2, 1, 2, 3]) })).toBe(
      "a shift of shape [2, 1, 2, 3] does not broadcast to [1, 2, 3]",
    );
  });
});

describe("pools", () => {
  const attrs = { ...window1, kernel: [2], ceilMode: false };

  it("average-pools are synapses, max-pools are not", () => {
    const average = { ...attrs, countIncludePad: false };
    expect(infer("ann.average-pool", average, [over("spike", 1, 2, 5)])).toBe("current[1, 2, 4]");
    expect(infer("ann.max-pool", attrs, [over("spike", 1, 2, 5)])).toBe(
      "ann.max-pool works on real values, not on spikes: pooling spikes is not pooling rates",
    );
    expect(infer("snn.max-pool", attrs, [over("spike", 1, 2, 5)])).toBe("spike[1, 2, 4]");
    expect(infer("snn.max-pool", attrs, [over("current", 1, 2, 5)])).toBe("current[1, 2, 4]");
    expect(infer("snn.max-pool", attrs, [over("real", 1, 2, 5)])).toContain("ann.max-pool is for");
  });

  it("round extents up in ceil mode, but drop a window that sees nothing", () => {
    const ceil = { ...attrs, strides: [2], ceilMode: true };
    expect(infer("ann.max-pool", ceil, [over("real", 1, 1, 5)])).toBe("real[1, 1, 3]");
    expect(infer("ann.max-pool", { ...ceil, padsEnd: [1] }, [over("real", 1, 1, 5)])).toBe(
      "real[1, 1, 3]",
    );
    // The whole input is smaller than the window, which hangs over.
    const large = { ...ceil, kernel: [3] };
    expect(infer("ann.max-pool", large, [over("real", 1, 1, 2)])).toBe("real[1, 1, 1]");
    expect(infer("ann.max-pool", { ...large, ceilMode: false }, [over("real", 1, 1, 2)])).toContain(
      "does not fit",
    );
    const apart = { ...ceil, kernel: [1], strides: [3], padsEnd: [1] };
    expect(infer("ann.max-pool", apart, [over("real", 1, 1, 5)])).toBe("real[1, 1, 2]");
  });

  it("refuse windows of padding only, unless their mean is defined", () => {
    const padded = { ...attrs, padsBegin: [2] };
    const x = over("real", 1, 1, 5);
    const reason = "window 0 along spatial axis 0 lies wholly in the padding";
    expect(infer("ann.max-pool", padded, [x])).toBe(reason);
    expect(infer("ann.average-pool", { ...padded, countIncludePad: false }, [x])).toBe(reason);
    expect(infer("ann.average-pool", { ...padded, countIncludePad: true }, [x])).toBe(
      "real[1, 1, 6]",
    );
  });
});

describe("contractions", () => {
  it("matmul follows NumPy", () => {
    const matmul = (a: Type, b: Type): string => infer("ann.matmul", {}, [a, b]);
    expect(matmul(over("real", 2, 1, 3, 4), over("real", 5, 4, 6))).toBe("real[2, 5, 3, 6]");
    expect(matmul(over("real", 4), over("real", 5, 4, 6))).toBe("real[5, 6]");
    expect(matmul(over("real", 3, 4), over("real", 4))).toBe("real[3]");
    expect(matmul(over("real", 4), over("real", 4))).toBe("real[]");
    expect(matmul(over("real", 3, 4), over("real", 3, 4))).toBe(
      "the product of [3, 4] and [3, 4] sums over axes of different extents",
    );
    expect(matmul(over("real", 2, 3, 4), over("real", 3, 4, 3))).toBe(
      "the batch axes of [2, 3, 4] and [3, 4, 3] do not broadcast",
    );
    expect(matmul(over("real"), over("real", 4))).toContain("at least 1 axes");
  });

  it("allow one operand that changes over time", () => {
    const [a, b] = [over("spike", 3, 4), over("real", 4, 2)];
    expect(infer("ann.matmul", {}, [a, b])).toBe("current[3, 2]");
    expect(infer("ann.einsum", { equation: "ij,jk" }, [a, b])).toBe("current[3, 2]");
    expect(infer("ann.matmul", {}, [a, over("current", 4, 2)])).toContain(
      "2 operands that change over time",
    );
    expect(infer("ann.matmul", {}, [real("f32", [2]), real("f64", [2])])).toBe(
      "ann.matmul on operands of different types, f32 and f64",
    );
  });

  it("einsum says what is wrong with its equation", () => {
    const einsum = (equation: string, ...shapes: Shape[]): string =>
      infer(
        "ann.einsum",
        { equation },
        shapes.map((shape) => real("f32", shape)),
      );
    expect(einsum("ij,jk", [2, 3])).toContain("has 2 terms for 1 operands");
    expect(einsum("ij->ji->ij", [2, 3])).toContain("more than one arrow");
    expect(einsum("i1", [2, 3])).toContain('the term "i1", which is not letters');
    expect(einsum("ijk", [2, 3])).toContain('the term "ijk" for an operand of 2 axes');
    expect(einsum("i", [2, 3])).toContain('the term "i" for an operand of 2 axes');
    expect(einsum("ij,jk", [2, 3], [4, 5])).toContain("one label the extents 3 and 4");
    expect(einsum("ij->k", [2, 3])).toContain('has "k" in the result but in no operand');
    expect(einsum("ij->ii", [2, 3])).toContain("repeats a label in the result");
    expect(einsum("...i,...i->...", [4, 1, 3], [5, 3])).toBe("real[4, 5]");
  });
});

describe("norms", () => {
  it("keep the operand's type and check their tensors", () => {
    const x = over("real", 1, 4, 5);
    const group = { groups: 2, epsilon: 0, scale: "s", bias: "s" };
    expect(infer("ann.groupnorm", group, [x], { s: of([4]) })).toBe("real[1, 4, 5]");
    expect(infer("ann.groupnorm", { ...group, groups: 3 }, [x], { s: of([4]) })).toBe(
      "4 channels do not form 3 groups",
    );
    expect(infer("ann.groupnorm", group, [x], { s: of([5]) })).toBe(
      "ann.groupnorm of 4 channels by a tensor of shape [5]",
    );
    const layer = { axis: 2, epsilon: 0, scale: "s", bias: null };
    expect(infer("ann.layernorm", layer, [x], { s: of([5]) })).toBe("real[1, 4, 5]");
    expect(infer("ann.layernorm", layer, [x], { s: of([4, 5]) })).toBe(
      "a tensor of shape [4, 5] does not broadcast to [5]",
    );
    expect(infer("ann.softmax", { axis: 3 }, [x])).toBe(
      "ann.softmax along axis 3 of [1, 4, 5], which has 3 axes",
    );
    expect(infer("ann.lrn", { size: 0, alpha: 1, beta: 1, bias: 1 }, [x])).toBe(
      "ann.lrn over 0 channels",
    );
  });

  it("work on real values only", () => {
    expect(infer("ann.softmax", { axis: 1 }, [over("spike", 1, 2)])).toContain("not on spikes");
    expect(infer("ann.hardmax", { axis: 1 }, [over("current", 1, 2)])).toContain("not on currents");
  });
});

describe("spiking ops", () => {
  const attrs = { threshold: "t", vInit: "v", amplitude: "a", reset: "subtract" } as const;
  const tensors = { t: of([2, 1]), v: of([]), a: of([1]) };

  it("neurons turn currents and constant currents into spikes", () => {
    expect(infer("snn.if", attrs, [over("current", 1, 2, 3)], tensors)).toBe("spike[1, 2, 3]");
    expect(infer("snn.if", attrs, [over("real", 1, 2, 3)], tensors)).toBe("spike[1, 2, 3]");
    expect(infer("snn.if", attrs, [over("spike", 1, 2, 3)], tensors)).toBe(
      "a neuron needs a current, not spikes",
    );
    expect(infer("snn.if", attrs, [over("current", 1, 3)], tensors)).toBe(
      "a threshold of shape [2, 1] does not broadcast to [1, 3]",
    );
    expect(infer("snn.if", attrs, [real("f64", [1, 2, 3])], tensors)).toBe(
      "snn.if works on f32 and i32, not on f64",
    );
    const wide = { ...tensors, v: zeros("f64", []) };
    expect(infer("snn.if", attrs, [over("current", 1, 2, 3)], wide)).toBe(
      "the vInit of a neuron is f32, not f64",
    );
  });

  it("graded neurons have up to 16 bits, and on integers whole steps", () => {
    const form = {
      ceiling: null,
      alphabet: "word",
      sign: "free",
      schedule: "constant",
      shares: null,
    } as const;
    const graded = { ...attrs, ...form, bits: 3 };
    const x = over("current", 1, 2, 3);
    expect(infer("snn.graded", graded, [x], tensors)).toBe("spike[1, 2, 3]");
    expect(infer("snn.graded", { ...graded, bits: 17 }, [x], tensors)).toBe(
      "spikes of 17 bits; snn.graded has 1 to 16",
    );
    expect(infer("snn.graded", { ...graded, bits: 0.5 }, [x], tensors)).toContain("spikes of 0.5");
    expect(infer("snn.graded", graded, [over("spike", 1, 2, 3)], tensors)).toContain("not spikes");
    const wide = { ...tensors, c: of([5]) };
    expect(infer("snn.graded", { ...graded, ceiling: "c" }, [x], wide)).toBe(
      "a ceiling of shape [5] does not broadcast to [1, 2, 3]",
    );
    const tables = { ...tensors, s: of([4, 3]), n: of([4, 2]) };
    const table = { ...graded, schedule: "table", shares: "s" } as const;
    expect(infer("snn.graded", table, [x], tables)).toBe("spike[1, 2, 3]");
    expect(infer("snn.graded", { ...table, shares: "n" }, [x], tables)).toContain("rows of shape");
    expect(infer("snn.graded", { ...table, shares: null }, [x], tables)).toContain("needs shares");
    expect(infer("snn.graded", { ...graded, shares: "s" }, [x], tables)).toContain("no shares");
    const whole = { t: zeros("i32", []), v: zeros("i32", []), a: zeros("i32", []) };
    const integers = { ...x, dtype: "i32" as const };
    expect(infer("snn.graded", graded, [integers], whole)).toBe("spike<i32>[1, 2, 3]");
    expect(infer("snn.graded", { ...graded, schedule: "halving" }, [integers], whole)).toBe(
      "on i32 the step of snn.graded is constant or from a table, not halving",
    );
    const steps = (threshold: number, ...shares: number[]) => ({
      ...whole,
      t: tensorOf("i32", [], [threshold]),
      s: tensorOf("i32", [shares.length], shares),
    });
    expect(infer("snn.graded", table, [integers], steps(3, 4, 2, 1))).toBe("spike<i32>[1, 2, 3]");
    expect(infer("snn.graded", table, [integers], { ...whole, s: of([2]) })).toBe(
      "the shares is i32, not f32",
    );
    expect(infer("snn.graded", table, [integers], steps(3, 4, 0))).toBe(
      "on i32 a share of the step is a whole number above 0, not 0",
    );
    expect(infer("snn.graded", table, [integers], steps(2 ** 30, 2, 1))).toBe(
      "a step of 2147483648, the largest share of the largest threshold, leaves 32 bits",
    );
    expect(infer("snn.graded", table, [integers], steps(2 ** 30, 1))).toContain("spike");
    expect(infer("snn.graded", graded, [integers], { ...whole, a: zeros("i8", []) })).toBe(
      "the amplitude of a neuron on i32 is i32, not i8",
    );
  });

  it("leaky neurons leak, on integers by whole parts of 2^16 and timesteps", () => {
    const lif = { ...attrs, leak: 0.9, refractory: 0, spikeTime: "step" } as const;
    const x = over("current", 1, 2, 3);
    expect(infer("snn.lif", lif, [x], tensors)).toBe("spike[1, 2, 3]");
    expect(infer("snn.lif", { ...lif, leak: 1 }, [x], tensors)).toContain("not between 0 and 1");
    expect(infer("snn.lif", { ...lif, refractory: -1 }, [x], tensors)).toContain("-1 timesteps");
    const integers = { ...x, dtype: "i32" as const };
    const whole = { t: zeros("i32", []), v: zeros("i32", []), a: zeros("i32", []) };
    expect(infer("snn.lif", lif, [integers], whole)).toBe(
      "on i32 the leak of snn.lif is one like 58982/65536, not 0.9",
    );
    const half = { ...lif, leak: 0.5 };
    expect(infer("snn.lif", half, [integers], whole)).toBe("spike<i32>[1, 2, 3]");
    expect(infer("snn.lif", { ...half, refractory: 3 }, [integers], whole)).toContain("spike");
    for (const refractory of [1.5, 2 ** 31]) {
      expect(infer("snn.lif", { ...half, refractory }, [integers], whole)).toBe(
        `on i32 snn.lif is silent for whole timesteps of 32 bits, not for ${refractory}`,
      );
    }
    expect(infer("snn.lif", { ...half, spikeTime: "exact" }, [integers], whole)).toBe(
      'on i32 spikes of snn.lif fall on timesteps: its spikeTime is "step"',
    );
    expect(infer("snn.lif", half, [integers], { ...whole, a: zeros("i8", []) })).toBe(
      "the amplitude of a neuron on i32 is i32, not i8",
    );
    expect(infer("snn.lif", half, [{ ...x, dtype: "i8" }], whole)).toBe(
      "snn.lif works on f32 and i32, not on i8",
    );
  });

  it("ops that start anew do so after whole timesteps, on floats only", () => {
    const x = over("current", 1, 2, 3);
    const neuron = { threshold: "t", vInit: "v", amplitude: "a", rule: "offset" } as const;
    expect(infer("snn.rehearsed-if", { ...neuron, rehearsal: 2 }, [x], tensors)).toBe(
      "spike[1, 2, 3]",
    );
    const readout = { start: 1, rehearsal: 2 };
    expect(infer("snn.rehearsed-readout", readout, [x])).toBe("real[1, 2, 3]");
    expect(infer("snn.rehearsed-readout", { ...readout, start: -1 }, [x])).toContain("first -1");
    const window = { strides: [1], padsBegin: [0], padsEnd: [0], dilations: [1], kernel: [2] };
    const pool = { ...window, ceilMode: false, rehearsal: 2 };
    expect(infer("snn.rehearsed-max-pool", pool, [x])).toBe("current[1, 2, 2]");
    expect(infer("snn.rehearsed-max-pool", pool, [over("real", 1, 2, 3)])).toContain(
      "ann.max-pool is for real values",
    );
    for (const rehearsal of [0, 1.5, -2]) {
      const reason = `rehearses for ${rehearsal} timesteps, which is not a whole number above 0`;
      expect(infer("snn.rehearsed-if", { ...neuron, rehearsal }, [x], tensors)).toContain(reason);
      expect(infer("snn.rehearsed-readout", { start: 0, rehearsal }, [x])).toContain(reason);
      expect(infer("snn.rehearsed-max-pool", { ...pool, rehearsal }, [x])).toContain(reason);
    }
    const integers = { ...x, dtype: "i32" as const };
    expect(infer("snn.rehearsed-if", { ...neuron, rehearsal: 2 }, [integers], tensors)).toBe(
      "snn.rehearsed-if works on f32, not on i32",
    );
    expect(infer("snn.rehearsed-readout", readout, [integers])).toContain("works on floats");
    expect(infer("snn.rehearsed-max-pool", pool, [integers])).toContain("works on floats");
  });

  it("framed neurons take increments, and as many rows of each parameter", () => {
    const rows = { r: of([3, 2, 1]), short: of([2, 1, 1]), none: of([0]), v: of([]), t: of([]) };
    const few = { threshold: "r", reset: "r", amplitude: "r", vInit: "v" };
    const x = over("current", 1, 2, 3);
    const real = over("real", 1, 2, 3);
    expect(infer("snn.few-spikes", few, [x], rows)).toBe("spike[1, 2, 3]");
    expect(infer("snn.few-spikes", few, [real], rows)).toContain("snn.difference makes them");
    expect(infer("snn.few-spikes", { ...few, reset: "short" }, [x], rows)).toBe(
      "3 and 2 rows do not match",
    );
    const ttfs = { threshold: "t", vInit: "v", amplitude: "t", resolution: "tick" } as const;
    expect(infer("snn.ttfs", ttfs, [x], rows)).toBe("spike[1, 2, 3]");
    expect(infer("snn.ttfs", ttfs, [real], rows)).toContain("snn.difference makes them");
    const integers = { ...x, dtype: "i32" as const };
    const whole = { r: zeros("i32", [3, 2, 1]), v: zeros("i32", []), t: zeros("i32", []) };
    expect(infer("snn.few-spikes", few, [integers], whole)).toBe("spike<i32>[1, 2, 3]");
    expect(infer("snn.few-spikes", few, [integers], { ...whole, r: of([3, 2, 1]) })).toBe(
      "the threshold is i32, not f32",
    );
    expect(infer("snn.ttfs", ttfs, [integers], whole)).toBe("spike<i32>[1, 2, 3]");
    expect(infer("snn.ttfs", { ...ttfs, resolution: "continuous" }, [integers], whole)).toBe(
      'on i32 spikes of snn.ttfs fall on ticks: its resolution is "tick"',
    );
    expect(infer("snn.temporal-bias", { table: "r" }, [x], rows)).toBe("current[1, 2, 3]");
    expect(infer("snn.temporal-bias", { table: "none" }, [x], rows)).toBe(
      "the table needs a row for each timestep",
    );
    expect(infer("snn.temporal-bias", { table: "r" }, [over("current", 1, 3)], rows)).toBe(
      "rows of shape [2, 1] do not broadcast to [1, 3]",
    );
  });

  it("sums and increments go from spikes to real values and back", () => {
    const [x, y] = [over("spike", 1, 3), over("real", 1, 3)];
    expect(infer("snn.accumulate", {}, [x])).toBe("real[1, 3]");
    expect(infer("snn.accumulate", {}, [y])).toContain("works on spikes and currents");
    expect(infer("snn.difference", {}, [y])).toBe("current[1, 3]");
    expect(infer("snn.difference", {}, [{ ...y, dtype: "i32" }])).toBe("current<i32>[1, 3]");
    expect(infer("snn.difference", {}, [{ ...y, dtype: "i8" }])).toContain("works on floats");
    expect(infer("snn.difference", {}, [x])).toContain("works on real values");
    expect(infer("snn.low-pass", { decay: 0.5 }, [x])).toBe("current[1, 3]");
    expect(infer("snn.low-pass", { decay: 1 }, [x])).toContain("not in [0, 1)");
  });

  it("a read-out decodes anything into real values", () => {
    expect(infer("snn.readout", { start: 0 }, [over("current", 1, 3)])).toBe("real[1, 3]");
    expect(infer("snn.readout", { start: -1 }, [over("current", 1, 3)])).toContain("first -1");
  });
});

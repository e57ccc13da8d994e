/** Integer mode: which integers each op takes, what it makes of them, and that nothing is rounded. */
import { isStateful } from "../../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import type { OpAttrs, SpikingKind } from "../../../ir/op/op.ts";
import { type Cell, cellOf } from "../../../ir/semantics/spiking.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import type { DType, Domain, Shape, Type } from "../../../ir/type.ts";
import { evaluateOp, infer, loc, numbers } from "../one-op.ts";

const i8 = (shape: Shape, values: Iterable<number>): Tensor => tensorOf("i8", shape, values);
const u8 = (shape: Shape, values: Iterable<number>): Tensor => tensorOf("u8", shape, values);
const i32 = (shape: Shape, values: Iterable<number>): Tensor => tensorOf("i32", shape, values);

const window = { strides: [1], padsBegin: [0], padsEnd: [0], dilations: [1] };
const typeOf = (domain: Domain, dtype: DType, shape: Shape): Type => ({ domain, dtype, shape });

describe("integer synapses", () => {
  const weights = { weight: i8([2, 1, 2], [127, -128, 1, 2]), bias: i32([2], [1000, -1]) };
  const conv = { ...window, weight: "weight", bias: "bias", groups: 1 };
  const linear = { weight: "matrix", bias: null };
  const affine = { scale: "scale", shift: "shift" };

  it("make i32 of i8, u8 and i32, in the domain they have on floats", () => {
    for (const dtype of ["i8", "u8", "i32"] as const) {
      expect(infer("ann.conv", conv, [typeOf("real", dtype, [1, 1, 3])], weights)).toBe(
        "real<i32>[1, 2, 2]",
      );
    }
    const spikes = typeOf("spike", "i8", [1, 2]);
    const matrix = { matrix: i8([3, 2], [1, 2, 3, 4, 5, 6]) };
    expect(infer("ann.linear", linear, [spikes], matrix)).toBe("current<i32>[1, 3]");
    const map = { scale: i8([], [3]), shift: i32([2], [1, 2]) };
    expect(infer("ann.affine", affine, [spikes], map)).toBe("current<i32>[1, 2]");
    const transposed = { ...conv, outputPadding: [0] };
    const kernel = { weight: i8([1, 2, 2], [1, 2, 3, 4]), bias: i32([2], [0, 0]) };
    expect(
      infer("ann.conv-transpose", transposed, [typeOf("spike", "i8", [1, 1, 3])], kernel),
    ).toBe("current<i32>[1, 2, 4]");
  });

  it("refuse other integers, float weights, and biases of 8 bits", () => {
    const x = typeOf("real", "i8", [1, 1, 3]);
    expect(infer("ann.conv", conv, [typeOf("real", "i16", [1, 1, 3])], weights)).toBe(
      "ann.conv works on floats, not on i16",
    );
    const float = { ...weights, weight: tensorOf("f32", [2, 1, 2], [1, 2, 3, 4]) };
    expect(infer("ann.conv", conv, [x], float)).toBe(
      "ann.conv on i8 needs a weight of i8, not f32",
    );
    const narrow = { ...weights, bias: i8([2], [1, 2]) };
    expect(infer("ann.conv", conv, [x], narrow)).toBe("ann.conv on i8 needs a bias of i32, not i8");
    const shifted = { scale: i8([], [1]), shift: i8([], [1]) };
    expect(infer("ann.affine", affine, [x], shifted)).toBe(
      "ann.affine on i8 needs a shift of i32, not i8",
    );
  });

  it("are weighted by 16 bits too", () => {
    const wide = { ...weights, weight: tensorOf("i16", [2, 1, 2], [300, -2, -32768, 1]) };
    expect(infer("ann.conv", conv, [typeOf("spike", "i8", [1, 1, 3])], wide)).toBe(
      "current<i32>[1, 2, 2]",
    );
    const y = evaluateOp("ann.conv", conv, [u8([1, 1, 3], [2, 1, 0])], wide);
    expect(numbers(y)).toEqual([1598, 1300, -65536, -32769]);
  });

  it("sum exactly, whatever the size", () => {
    const y = evaluateOp("ann.conv", conv, [u8([1, 1, 3], [255, 0, 255])], weights);
    expect(y.dtype).toBe("i32");
    expect(numbers(y)).toEqual([1000 + 127 * 255, 1000 - 128 * 255, 254, 509]);
    // Beyond 2^24, where float32 would round.
    const big = i32([1, 2], [2 ** 23 + 1, 1]);
    const matrix = { matrix: i8([1, 2], [127, 1]) };
    expect(numbers(evaluateOp("ann.linear", linear, [big], matrix))).toEqual([
      127 * (2 ** 23 + 1) + 1,
    ]);
    const map = { scale: i8([2], [-3, 5]), shift: i32([], [7]) };
    expect(numbers(evaluateOp("ann.affine", affine, [i8([2], [-128, 127])], map))).toEqual([
      391, 642,
    ]);
    const sum = evaluateOp("ann.add", {}, [i32([1], [2 ** 30 + 1]), i32([1], [2 ** 29])]);
    expect(numbers(sum)).toEqual([2 ** 30 + 2 ** 29 + 1]);
  });
});

/** A fresh cell of one op on a value of this type. */
function cell<K extends SpikingKind>(
  kind: K,
  attrs: OpAttrs[K],
  type: Type,
  tensors: Readonly<Record<string, Tensor>> = {},
): Cell {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const x = builder.input("x", type, loc);
  const op = builder.opOf(builder.add(kind, [x], attrs, loc));
  const spiking = known(isStateful(op) ? op : null, "an op with a state");
  return cellOf(spiking, type.shape, (ref) => builder.tensorAt(ref));
}

describe("integer neurons", () => {
  const attrs = { threshold: "theta", vInit: "v", amplitude: "one", reset: "subtract" } as const;
  const parameters = { theta: i32([], [10]), v: i32([], [5]), one: i8([], [1]) };

  it("take i32 and make i8", () => {
    const current = typeOf("current", "i32", [1, 2]);
    expect(infer("snn.if", attrs, [current], parameters)).toBe("spike<i8>[1, 2]");
    expect(infer("snn.if", attrs, [typeOf("real", "i32", [1, 2])], parameters)).toBe(
      "spike<i8>[1, 2]",
    );
    expect(infer("snn.if", attrs, [typeOf("current", "i8", [1, 2])], parameters)).toBe(
      "snn.if works on f32 and i32, not on i8",
    );
    const float = { ...parameters, theta: tensorOf("f32", [], [10]) };
    expect(infer("snn.if", attrs, [current], float)).toBe(
      "the threshold of a neuron on i32 is i32, not f32",
    );
    const wide = { ...parameters, one: i32([], [1]) };
    expect(infer("snn.if", attrs, [current], wide)).toBe(
      "the amplitude of a neuron on i32 is i8, not i32",
    );
  });

  it("integrate without rounding, fire on a tie, subtract", () => {
    const neuron = cell("snn.if", attrs, typeOf("current", "i32", [1]), {
      theta: i32([], [2 ** 25 + 1]),
      v: i32([], [1]),
      one: i8([], [1]),
    });
    const seen = known(neuron.neurons, "neurons");
    expect(numbers(neuron.step(i32([1], [2 ** 25 - 1])))).toEqual([0]);
    expect([...seen.membranePotential]).toEqual([2 ** 25]);
    expect(numbers(neuron.step(i32([1], [1])))).toEqual([1]);
    expect([...seen.membranePotential]).toEqual([0]);
    expect(numbers(neuron.step(i32([1], [2 ** 26 + 3])))).toEqual([1]);
    expect([...seen.membranePotential]).toEqual([2 ** 25 + 2]);
    expect(seen.spikeCount).toBe(1);
  });

  it("show potentials and currents of more than 24 bits to probes as they are", () => {
    const builder = new Builder();
    const x = builder.input("x", typeOf("real", "i8", [1, 1]), loc);
    const weight = builder.tensor("w", i8([1, 1], [1]));
    const bias = builder.tensor("b", i32([1], [2 ** 24]));
    const current = builder.add("ann.linear", [x], { weight, bias }, loc);
    const neuron = builder.add(
      "snn.if",
      [current],
      {
        threshold: builder.tensor("theta", i32([], [2 ** 30])),
        vInit: builder.tensor("v", i32([], [0])),
        amplitude: builder.tensor("one", i8([], [1])),
        reset: "subtract",
      },
      loc,
    );
    const output = builder.add("snn.readout", [neuron], { start: 0 }, loc);
    const module = builder.finish({
      name: "wide",
      code: "rate",
      timesteps: 2,
      outputs: [{ name: "y", value: output }],
    });
    const { probes } = interpret(module, [i8([1, 1], [1])], {
      timesteps: 2,
      probes: [
        { value: current, keep: "trace" },
        { value: neuron, keep: "state" },
        { value: neuron, keep: "trace" },
        { value: neuron, keep: "mean" },
      ],
    });
    expect(probes).toEqual([
      Int32Array.of(2 ** 24 + 1, 2 ** 24 + 1),
      Int32Array.of(2 ** 24 + 1, 2 ** 25 + 2),
      Float32Array.of(0, 0),
      Float32Array.of(0),
    ]);
  });
});

describe("integers over time", () => {
  it("pool their running sums into integers", () => {
    const pool = { ...window, kernel: [2], ceilMode: false };
    const spikes = cell("snn.max-pool", pool, typeOf("spike", "i8", [1, 1, 2]));
    expect(spikes.step(i8([1, 1, 2], [1, 0]))).toEqual(i8([1, 1, 1], [1]));
    expect(spikes.step(i8([1, 1, 2], [0, 1]))).toEqual(i8([1, 1, 1], [0]));
    expect(spikes.step(i8([1, 1, 2], [0, 1]))).toEqual(i8([1, 1, 1], [1]));
    const currents = cell("snn.max-pool", pool, typeOf("current", "i32", [1, 1, 2]));
    expect(currents.step(i32([1, 1, 2], [2 ** 25 + 1, -1]))).toEqual(i32([1, 1, 1], [2 ** 25 + 1]));
  });

  it("are read out as floats: an exact sum, divided and rounded once", () => {
    const readout = cell("snn.readout", { start: 0 }, typeOf("current", "i32", [1]));
    readout.step(i32([1], [2 ** 30 + 1]));
    readout.step(i32([1], [2 ** 30]));
    const y = readout.step(i32([1], [1]));
    expect(y.dtype).toBe("f32");
    expect(numbers(y)).toEqual([Math.fround((2 ** 31 + 2) / 3)]);
    expect(infer("snn.readout", { start: 0 }, [typeOf("spike", "i8", [2])])).toBe("real[2]");
    expect(infer("snn.readout", { start: 0 }, [typeOf("current", "u8", [2])])).toBe(
      "snn.readout works on f32, i8 and i32, not on u8",
    );
  });
});

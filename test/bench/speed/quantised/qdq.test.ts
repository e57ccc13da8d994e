/** Integers of a small network, worked out by hand, and what the written model computes from them. */
import { describe, expect, it } from "vitest";
import {
  integerWeights,
  obstacles,
  roundedValues,
  writeQdq,
} from "../../../../bench/speed/quantised/qdq.ts";
import { importOnnx } from "../../../../frontend/onnx/import.ts";
import { Builder } from "../../../../ir/build.ts";
import { interpret } from "../../../../ir/interpret.ts";
import { sourceLoc } from "../../../../ir/loc.ts";
import type { Module } from "../../../../ir/module.ts";
import { f32 } from "../../../../ir/tensor.ts";
import { real } from "../../../../ir/type.ts";

describe("integerWeights", () => {
  it("scales each channel by its largest weight, and biases by the unit of the sums", () => {
    const made = integerWeights([0.5, -1.27, 0.25, 0.635], [0.3, -0.1], 2, 0.1);
    expect([...made.weights]).toEqual([50, -127, 50, 127]);
    expect([...made.scales]).toEqual([0.01, 0.005].map(Math.fround));
    expect([...made.units].map((unit) => unit.toFixed(7))).toEqual(["0.0010000", "0.0005000"]);
    expect([...(made.bias ?? [])]).toEqual([300, -200]);
  });

  it("keeps the bias of a channel without weights", () => {
    const made = integerWeights([0, 0], [-8, 0], 2, 0.5);
    expect([...made.weights]).toEqual([0, 0]);
    expect((made.bias?.[0] ?? 0) * (made.units[0] ?? 0)).toBeCloseTo(-8, 6);
    expect(made.bias?.[1]).toBe(0);
  });
});

const at = sourceLoc("net", "layer", "test");
const window = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };

/** 1 → 2 channels by 1 × 1 behind a column of zeros, rectified, pooled 1 × 3, then 2 linear outputs. */
function network(): Module {
  const builder = new Builder();
  const tensor = (name: string, shape: readonly number[], data: readonly number[]) =>
    builder.tensor(name, f32(shape, Float32Array.from(data)));
  let x = builder.input("x", real("f32", [1, 1, 1, 2]), at);
  const pads = { begin: [0, 0, 0, 1], end: [0, 0, 0, 0], mode: "constant", value: 0 } as const;
  x = builder.add("ann.pad", [x], pads, at);
  const weight = tensor("w", [2, 1, 1, 1], [1.27, -0.635]);
  const bias = tensor("b", [2], [0.05, 0]);
  x = builder.add("ann.conv", [x], { ...window, weight, bias, groups: 1 }, at);
  x = builder.add("ann.relu", [x], {}, at);
  x = builder.add("ann.max-pool", [x], { ...window, kernel: [1, 2], ceilMode: false }, at);
  x = builder.add("ann.reshape", [x], { shape: [1, 4] }, at);
  const last = tensor("v", [2, 4], [1.27, 0, 0, 0, 0, -1.27, 1.27, 0]);
  const value = builder.add("ann.linear", [x], { weight: last, bias: null }, at);
  return builder.finish({ name: "net", outputs: [{ name: "y", value }] });
}

describe("writeQdq", () => {
  it("writes a model whose outputs are those of the integers", () => {
    const module = network();
    const [image, rectified, ...others] = roundedValues(module);
    expect(others).toEqual([]);
    if (image === undefined || rectified === undefined) throw new Error("two values are rounded");
    const bytes = writeQdq(
      module,
      new Map([
        [image, { scale: 0.01, zeroPoint: 100 }],
        [rectified, { scale: 0.01, zeroPoint: 0 }],
      ]),
    );
    const { module: read, diagnostics } = importOnnx(bytes, { file: "net.onnx" });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    if (read === null) throw new Error("the model is read");
    // 0.6 and −0.2 are 160 and 80 of bytes; the zero of the pad is 100. Of channel 0: 1.27 · (0, 0.6,
    // −0.2) + 0.05 = 0.05, 0.812, −0.204, rounded to 5, 81, 0, pooled to 81 and 81; of channel 1: 0, −,
    // 0.127, rounded to 0, 0, 13, pooled to 0 and 13. Outputs 1.27 · 0.81 and −1.27 · 0.81 + 1.27 · 0.
    const { outputs } = interpret(read, [f32([1, 1, 1, 2], Float32Array.of(0.6, -0.2))], {
      timesteps: 1,
    });
    const [first, second] = outputs[0] ?? [];
    expect(first).toBeCloseTo(1.0287, 5);
    expect(second).toBeCloseTo(-1.0287, 5);
  });
});

describe("obstacles", () => {
  it("are none of a network that can be written", () => expect(obstacles(network())).toEqual([]));

  it("name each op that cannot be, once", () => {
    const builder = new Builder();
    const x = builder.input("x", real("f32", [1, 4]), at);
    const once = builder.add("ann.sigmoid", [x], {}, at);
    const value = builder.add("ann.sigmoid", [once], {}, at);
    const module = builder.finish({ name: "net", outputs: [{ name: "y", value }] });
    expect(obstacles(module)).toEqual(["ann.sigmoid is not written"]);
  });
});

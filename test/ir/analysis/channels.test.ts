/** The channel axis is the producer's, through everything that keeps the layout. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { channelAxisOf } from "../../../ir/analysis/channels.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { zeros } from "../../../ir/tensor.ts";
import { type Shape, real } from "../../../ir/type.ts";

const loc = sourceLoc("t.onnx", "n", "Op");
const window = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };

/** The channel axis of what `make` makes of an input of this shape. */
function axisOf(shape: Shape, make: (b: Builder, x: ValueId) => ValueId): number {
  const b = new Builder();
  const value = make(b, b.input("x", real("f32", shape), loc));
  const module: Module = b.finish({ name: "t", outputs: [{ name: "y", value }] });
  return channelAxisOf(module, value);
}

function conv(b: Builder, x: ValueId): ValueId {
  const channels = b.typeOf(x).shape[1] ?? 1;
  const weight = b.tensor("w", zeros("f32", [5, channels, 1, 1]));
  return b.add("ann.conv", [x], { ...window, weight, bias: null, groups: 1 }, loc);
}

function linear(b: Builder, x: ValueId): ValueId {
  const weight = b.tensor("w", zeros("f32", [6, b.typeOf(x).shape.at(-1) ?? 1]));
  return b.add("ann.linear", [x], { weight, bias: null }, loc);
}

describe("the channel axis", () => {
  it("is 1 by default, and 0 where there is no axis 1", () => {
    expect(axisOf([1, 3, 4, 4], (_, x) => x)).toBe(1);
    expect(axisOf([7], (_, x) => x)).toBe(0);
    expect(axisOf([], (_, x) => x)).toBe(0);
  });

  it("is the last behind a linear layer, also of a sequence", () => {
    expect(axisOf([1, 9, 4], linear)).toBe(2);
    expect(axisOf([1, 4], linear)).toBe(1);
  });

  it("follows elementwise ops, on either operand", () => {
    expect(axisOf([1, 9, 4], (b, x) => b.add("ann.relu", [linear(b, x)], {}, loc))).toBe(2);
    const sum = (b: Builder, x: ValueId): ValueId => {
      const bias = b.constant("bias", zeros("f32", [1, 9, 6]), loc);
      return b.add("ann.add", [bias, linear(b, x)], {}, loc);
    };
    expect(axisOf([1, 9, 4], sum)).toBe(2);
  });

  it("moves with a transpose, and back", () => {
    const turned = (b: Builder, x: ValueId): ValueId =>
      b.add("ann.transpose", [conv(b, x)], { perm: [0, 2, 3, 1] }, loc);
    expect(axisOf([1, 3, 4, 4], turned)).toBe(3);
    const back = (b: Builder, x: ValueId): ValueId =>
      b.add("ann.transpose", [turned(b, x)], { perm: [0, 3, 1, 2] }, loc);
    expect(axisOf([1, 3, 4, 4], back)).toBe(1);
    const twice = (b: Builder, x: ValueId): ValueId =>
      b.add("ann.transpose", [turned(b, x)], { perm: [0, 2, 1, 3] }, loc);
    expect(axisOf([1, 3, 4, 4], twice)).toBe(3);
  });

  it("is laid down anew by a convolution, whatever came before", () => {
    const mixed = (b: Builder, x: ValueId): ValueId =>
      conv(b, b.add("ann.reshape", [linear(b, x)], { shape: [1, 9, 6, 1] }, loc));
    expect(axisOf([1, 9, 4], mixed)).toBe(1);
  });
});

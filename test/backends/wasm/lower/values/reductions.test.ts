/** Reductions, softmax and normalisations in WebAssembly, over axes that lie in every way. */
import { describe, it } from "vitest";
import { reduceNames } from "../../../../../ir/op/op.ts";
import { tensorOf } from "../../../../../ir/tensor.ts";
import { f } from "../../../../ir/one-op.ts";
import { expectNative, noise } from "../../one-op.ts";

const positive = (name: string): boolean => name === "log-sum";

describe("reductions", () => {
  it.each(reduceNames)("%s over each choice of axes", async (name) => {
    const shape = [1, 6, 5, 7];
    const values = noise(shape);
    const x = positive(name) ? f(shape, values.data.map(Math.abs)) : values;
    for (const axes of [[], [1], [3], [2, 3], [0, 1, 2, 3], [1, 3]]) {
      for (const keepDims of [false, true]) {
        const kind = `ann.reduce-${name}` as const;
        await expectNative({ kind, attrs: { axes, keepDims }, operands: [x] });
      }
    }
  });

  it("log-sum-exp of infinities", async () => {
    const x = f([3, 2], [Infinity, 1, -Infinity, -Infinity, 300, 301]);
    const attrs = { axes: [1], keepDims: false };
    await expectNative({ kind: "ann.reduce-log-sum-exp", attrs, operands: [x] });
  });

  it.each(["max", "min", "sum", "prod"] as const)("%s of integers", async (name) => {
    const x = tensorOf("i32", [2, 5, 6], noise([60], 2 ** 30).data.map(Math.trunc));
    for (const axes of [[1], [2], [0, 1, 2]]) {
      const kind = `ann.reduce-${name}` as const;
      // The interpreter's doubles hold sums exactly, and products of two only.
      const operands = [name === "prod" ? tensorOf("i32", [2, 5, 6], x.data.map(Math.sign)) : x];
      await expectNative({ kind, attrs: { axes, keepDims: false }, operands }, 0);
    }
  });

  it("sums in double precision", async () => {
    const x = f([1, 9], [1e8, 1, 1, 1, 1, 1, 1, 1, -1e8]);
    const attrs = { axes: [1], keepDims: true };
    await expectNative({ kind: "ann.reduce-sum", attrs, operands: [x] });
  });
});

describe("softmax", () => {
  it.each(["ann.softmax", "ann.log-softmax"] as const)("%s along each axis", async (kind) => {
    for (const shape of [[1, 10], [1, 6, 5, 7], [1, 4, 9], [3]]) {
      for (const axis of shape.keys()) {
        await expectNative({ kind, attrs: { axis }, operands: [noise(shape, 30)] });
      }
    }
  });
});

describe("normalisations", () => {
  it("of layers", async () => {
    const x = noise([1, 6, 5, 8]);
    for (const axis of [0, 1, 2, 3]) {
      const shape = x.shape.slice(axis);
      const tensors = { s: noise(shape, 2, 2), b: noise(shape.slice(-1), 2, 3) };
      for (const refs of [
        { scale: "s", bias: "b" },
        { scale: null, bias: null },
        { scale: "s", bias: null },
      ]) {
        const attrs = { axis, epsilon: 1e-5, ...refs };
        await expectNative({ kind: "ann.layernorm", attrs, operands: [x], tensors }, 2e-5);
      }
    }
  });

  it("of groups", async () => {
    const tensors = { s: noise([6], 2, 2), b: noise([6], 2, 3) };
    for (const groups of [1, 2, 6]) {
      const attrs = { groups, epsilon: 1e-5, scale: "s", bias: "b" };
      for (const shape of [
        [1, 6, 5, 7],
        [2, 6, 9],
      ]) {
        const op = { kind: "ann.groupnorm", attrs, operands: [noise(shape)], tensors } as const;
        await expectNative(op, 2e-5);
      }
    }
  });

  it("by neighbouring channels", async () => {
    for (const size of [1, 2, 5]) {
      const attrs = { size, alpha: 0.3, beta: 0.75, bias: 1.5 };
      await expectNative({ kind: "ann.lrn", attrs, operands: [noise([1, 7, 3, 4])] });
    }
  });
});

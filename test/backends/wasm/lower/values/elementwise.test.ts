/** Elementwise ops in WebAssembly: their values, at the edges too, and that none needs the host. */
import { describe, expect, it } from "vitest";
import type { OpKind } from "../../../../../ir/op/op.ts";
import { tensorOf } from "../../../../../ir/tensor.ts";
import { f } from "../../../../ir/one-op.ts";
import { floatFunctions } from "../../../../ir/op/activations.ts";
import { both, expectClose } from "../../compare.ts";
import { known } from "../../../../../ir/diagnostic.ts";
import { type OneOp, expectNative, moduleOf, noise } from "../../one-op.ts";

const unaries = floatFunctions().map(({ name, kind, attrs }): [string, OneOp<OpKind>] => [
  name,
  { kind, attrs, operands: [noise([1, 6, 3, 5], 4)] },
]);

/** What functions get wrong first: signs of zero, the smallest and largest floats, no numbers. */
const edges = f(
  [29],
  [
    0,
    -0,
    1e-40,
    -1e-40,
    1e-30,
    -1e-30,
    1e-3,
    -1e-3,
    0.3,
    -0.3,
    0.5,
    1,
    -1,
    1.5,
    -1.5,
    2.5,
    20,
    -20,
    87,
    -87,
    89,
    -89,
    104,
    -104,
    1e30,
    -1e30,
    Infinity,
    -Infinity,
    NaN,
  ],
);

describe("elementwise ops on floats", () => {
  it.each(unaries)("%s", async (_, op) => {
    await expectNative(op);
    const module = known(moduleOf({ ...op, operands: [edges] }, "row-major"), "a module");
    const { wanted, found } = await both(module, [edges]);
    const [want, have] = [wanted, found].map((r) => known(r.sample.outputs[0], "an output"));
    // Each by itself, as one large value would hide the errors of the others.
    known(want, "values").forEach((y, i) => {
      expectClose(Float32Array.of(have?.[i] ?? 0), Float32Array.of(y), 2e-5);
    });
  });

  it.each(["ann.add", "ann.sub", "ann.mul", "ann.div", "ann.max", "ann.min", "ann.pow"] as const)(
    "%s",
    async (kind) => {
      const base = kind === "ann.pow" ? f([1, 6, 3, 5], noise([90]).data.map(Math.abs)) : null;
      const a = base ?? noise([1, 6, 3, 5]);
      for (const shape of [[1, 6, 3, 5], [6, 1, 1], [5], []]) {
        await expectNative({ kind, attrs: {}, operands: [a, noise(shape, 2, 2)] });
      }
    },
  );

  it("raises to the power of two, and one to any", async () => {
    const x = noise([1, 4, 3, 3]);
    const two = f([], [2]);
    await expectNative({ kind: "ann.pow", attrs: {}, operands: [x, two], constants: [1] });
    const [one, strange] = [f([3], [1, -1, 1]), f([3], [NaN, Infinity, 0])];
    await expectNative({ kind: "ann.pow", attrs: {}, operands: [one, strange] });
  });

  it("scales and shifts by channel, by element and by one number", async () => {
    const x = noise([1, 6, 3, 5]);
    for (const shape of [[6, 1, 1], [1, 6, 3, 5], [], [5]]) {
      const tensors = { s: noise(shape, 2, 3), b: noise(shape, 2, 4) };
      const attrs = { scale: "s", shift: "b" };
      await expectNative({ kind: "ann.affine", attrs, operands: [x], tensors });
      await expectNative({ kind: "ann.prelu", attrs: { slope: "s" }, operands: [x], tensors });
    }
    const along = (seed: number) => noise([6], 2, seed);
    const tensors = { s: along(5), b: along(6), m: along(7), v: f([6], [1, 2, 0.5, 3, 0, 4]) };
    const attrs = { scale: "s", bias: "b", mean: "m", variance: "v", epsilon: 1e-3 };
    await expectNative({ kind: "ann.batchnorm", attrs, operands: [x], tensors });
  });
});

describe("elementwise ops on integers and truth", () => {
  const integers = (seed: number) =>
    tensorOf("i32", [1, 3, 7], noise([21], 2 ** 31, seed).data.map(Math.trunc));

  it.each(["ann.add", "ann.sub", "ann.mul", "ann.max", "ann.min"] as const)(
    "%s wraps",
    async (kind) => {
      await expectNative({ kind, attrs: {}, operands: [integers(1), integers(2)] }, 0);
    },
  );

  it.each(["ann.neg", "ann.abs", "ann.relu"] as const)("%s", async (kind) => {
    await expectNative({ kind, attrs: {}, operands: [integers(1)] }, 0);
  });

  it("scales integers exactly", async () => {
    const tensors = {
      s: tensorOf("i8", [3, 1], [-3, 100, 7]),
      b: tensorOf("i32", [], [2 ** 30]),
    };
    const attrs = { scale: "s", shift: "b" };
    await expectNative({ kind: "ann.affine", attrs, operands: [integers(1)], tensors }, 0);
  });

  it.each([
    "ann.equal",
    "ann.greater",
    "ann.greater-or-equal",
    "ann.less",
    "ann.less-or-equal",
  ] as const)("%s", async (kind) => {
    const a = f([1, 2, 3], [1, 2, NaN, 4, 5, -Infinity]);
    const b = f([1, 2, 3], [2, 2, NaN, 3, 5, 0]);
    await expectNative({ kind, attrs: {}, operands: [a, b] });
    const [c, d] = [tensorOf("i32", [5], [1, -2, 3, 0, 9]), tensorOf("i32", [1], [0])];
    await expectNative({ kind, attrs: {}, operands: [c, d] });
  });

  it("combines and selects by truth", async () => {
    const a = tensorOf("bool", [1, 2, 4], [1, 1, 0, 0, 1, 0, 1, 0]);
    const b = tensorOf("bool", [4], [1, 0, 1, 0]);
    for (const kind of ["ann.and", "ann.or", "ann.xor", "ann.equal"] as const) {
      await expectNative({ kind, attrs: {}, operands: [a, b] });
    }
    await expectNative({ kind: "ann.not", attrs: {}, operands: [a] });
    const operands = [a, noise([1, 2, 4]), noise([2, 1], 2, 2)];
    await expectNative({ kind: "ann.where", attrs: {}, operands });
    await expectNative({ kind: "ann.is-nan", attrs: {}, operands: [edges] });
    const infinities = { negative: true, positive: false };
    await expectNative({ kind: "ann.is-inf", attrs: infinities, operands: [edges] });
  });

  it("is told apart from the host's", () => {
    expect(moduleOf({ kind: "ann.relu", attrs: {}, operands: [edges] }, "channels last")).toBe(
      null,
    );
  });
});

/** Synapses on what is quantised, by products of pairs: runs of inputs of each length, and tiles of each width. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../../../backends/interpret/engine.ts";
import { lowerNetwork } from "../../../../../backends/wasm/lower/network.ts";
import { compileOptionsOf } from "../../../../../backends/wasm/request.ts";
import { singleThreadWasmEngine } from "../../../../../backends/wasm/runtime/single.ts";
import { Builder } from "../../../../../ir/build.ts";
import type { Module } from "../../../../../ir/module.ts";
import { tensorOf } from "../../../../../ir/tensor.ts";
import { elementCount, real } from "../../../../../ir/type.ts";
import { loc } from "../../../../ir/one-op.ts";
import { runOn } from "../../compare.ts";

/** Whole numbers from −128 to 127 that repeat late, both ends among them, and some zeros in a row. */
function whole(shape: readonly number[], step: number): readonly number[] {
  return Array.from({ length: elementCount(shape) }, (_, i) =>
    i % 32 < 9 ? 0 : ((i * step) % 256) - 128,
  );
}

/** A synapse on integers of 8 bits, or on the same as integers of 32 bits, moved by `shift`. */
function synapseOn(
  inputs: readonly number[],
  weights: readonly number[],
  kind: "ann.conv" | "ann.linear",
  dtype: "i8" | "i32" = "i8",
  shift = 0,
): Module {
  const b = new Builder();
  const narrow = b.input("x", real("i8", inputs), loc);
  const moved = {
    scale: b.tensor("scale", tensorOf("i8", [], [1])),
    shift: b.tensor("shift", tensorOf("i32", [], [shift])),
  };
  const x = dtype === "i8" ? narrow : b.add("ann.affine", [narrow], moved, loc);
  const weight = b.tensor("w", tensorOf("i8", weights, whole(weights, 89)));
  const outputs = weights[0] ?? 0;
  const bias = b.tensor("b", tensorOf("i32", [outputs], whole([outputs], 57)));
  const window = { strides: [1, 2], padsBegin: [1, 1], padsEnd: [1, 0], dilations: [1, 1] };
  const value =
    kind === "ann.linear"
      ? b.add(kind, [x], { weight, bias }, loc)
      : b.add(kind, [x], { ...window, weight, bias, groups: 1 }, loc);
  return b.finish({ name: "shorts", outputs: [{ name: "y", value }] });
}

async function expectSame(...of: Parameters<typeof synapseOn>): Promise<void> {
  const [inputs] = of;
  const module = synapseOn(...of);
  const given = [tensorOf("i8", inputs, whole(inputs, 37))];
  const [wanted, found] = await Promise.all(
    [interpretEngine, singleThreadWasmEngine].map((engine) =>
      runOn(engine, module, given, { timesteps: 1 }),
    ),
  );
  expect(found?.sample.outputs).toEqual(wanted?.sample.outputs);
}

describe("products of pairs of short integers", () => {
  it.each([4, 5, 6, 7, 21])("sum %i inputs of one and of several vectors", async (count) => {
    await expectSame([1, count], [37, count], "ann.linear");
    await expectSame([1, 3, count], [5, count], "ann.linear");
  });

  it.each([2, 3, 5])("sum windows of %i columns", async (columns) => {
    await expectSame([1, 3, 5, 8], [9, 3, 3, columns], "ann.conv");
    await expectSame([1, 1, 4, 11], [4, 1, 2, columns], "ann.conv");
    await expectSame([1, 3, 5, 8], [9, 3, 3, columns], "ann.conv", "i32");
  });

  it("take integers of 32 bits that are proved to be short", () => {
    for (const dtype of ["i8", "i32"] as const) {
      const module = synapseOn([1, 3, 5, 8], [9, 3, 3, 3], "ann.conv", dtype);
      const { lowering } = lowerNetwork(module, compileOptionsOf(module, { timesteps: 1 }));
      const names = lowering.allConstants().map(({ name }) => name);
      expect(names.filter((name) => name.includes("short weights"))).toHaveLength(1);
    }
  });

  it.each([
    { shift: 2 ** 15 - 128, isShort: true },
    { shift: 2 ** 15 - 127, isShort: false },
    { shift: 128 - 2 ** 15, isShort: true },
    { shift: 127 - 2 ** 15, isShort: false },
  ])("are of integers of 16 bits alone: %o", async ({ shift, isShort }) => {
    const module = synapseOn([1, 3, 5, 8], [9, 3, 3, 5], "ann.conv", "i32", shift);
    const { lowering } = lowerNetwork(module, compileOptionsOf(module, { timesteps: 1 }));
    const names = lowering.allConstants().map(({ name }) => name);
    expect(names.some((name) => name.includes("short weights"))).toBe(isShort);
    await expectSame([1, 3, 5, 8], [9, 3, 3, 5], "ann.conv", "i32", shift);
  });
});

/**
 * Types of 16 bits: engines round to them wherever the interpreter does, and not to float32. The numbers are
 * so large beside their sums' last bits that a result that was not rounded shows.
 */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { Builder } from "../../ir/build.ts";
import type { Probe } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import { uniform } from "../../ir/random.ts";
import { type Tensor, roundTo, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { runOn } from "../../scripts/verify/graphs/run.ts";
import { loc } from "../ir/one-op.ts";

type Half = "f16" | "bf16";

const shape: Shape = [1, 2, 4, 4];

/** Eighths from −12 to 12, of which sums are exact in any order and have more than 11 digits. */
function numbers(dtype: Half, of: Shape, seed: number): Tensor {
  const draw = (_: unknown, i: number): number =>
    Math.round(192 * (uniform(seed, i, 0, 0) - 0.5)) / 8;
  return tensorOf(dtype, of, Array.from({ length: elementCount(of) }, draw));
}

/** An op of each kind that engines have code for in float32. */
function network(dtype: Half): Module {
  const b = new Builder();
  const x = b.input("x", real(dtype, shape), loc);
  const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
  const weights = (of: Shape, seed: number): string => b.tensor("w", numbers(dtype, of, seed));
  const kernel = { weight: weights([2, 2, 3, 3], 1), bias: weights([2], 2), groups: 1 };
  const convolved = b.add("ann.conv", [x], { ...window, ...kernel }, loc);
  const pool = { ...window, kernel: [3, 3], ceilMode: false };
  const pooled = b.add("ann.average-pool", [convolved], { ...pool, countIncludePad: true }, loc);
  const factors = { scale: weights([1, 2, 1, 1], 3), shift: weights([1, 2, 1, 1], 4) };
  const scaled = b.add("ann.affine", [pooled], factors, loc);
  const squared = b.add("ann.mul", [scaled, x], {}, loc);
  const sum = b.add("ann.add", [squared, convolved], {}, loc);
  const mean = b.add("ann.reduce-mean", [sum], { axes: [2], keepDims: true }, loc);
  const linear = { weight: weights([3, 4], 5), bias: weights([3], 6) };
  const value = b.add("ann.linear", [mean], linear, loc);
  return b.finish({ name: "halves", outputs: [{ name: "y", value }] });
}

describe.each(["f16", "bf16"] as const)("%s", (dtype) => {
  it.each([singleThreadEngine, singleThreadWasmEngine])(
    "is rounded to by $name",
    async (engine) => {
      const module = network(dtype);
      const probes = module.ops.map(({ result }): Probe => ({ value: result, keep: "trace" }));
      const inputs = [numbers(dtype, shape, 7)];
      const wanted = await runOn(interpretEngine, module, inputs, probes);
      const found = await runOn(engine, module, inputs, probes);
      module.ops.forEach(({ kind }, i) => {
        expect([kind, ...(found.probes[i] ?? [])]).toEqual([kind, ...(wanted.probes[i] ?? [])]);
      });
      expect(found.outputs).toEqual(wanted.outputs);
      // The sums are such that float32 has other ones.
      const float = module.ops.map(({ type }) => type.dtype);
      expect(new Set(float)).toEqual(new Set([dtype]));
      for (const y of wanted.outputs) expect(y).toEqual(y.map((value) => roundTo(dtype, value)));
    },
  );
});

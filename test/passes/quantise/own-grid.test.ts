/** Units that weights have already: found, by layer and by channel, and not where there are none. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Tensor, f32 } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";
import { isWeighted } from "../../../ir/op/known.ts";
import type { WeightedOp } from "../../../passes/fuse/weights.ts";
import { ownUnits } from "../../../passes/quantise/units/own-grid.ts";
import { loc } from "../../ir/one-op.ts";

function layerOf(rows: readonly (readonly number[])[]): { op: WeightedOp; weight: Tensor } {
  const inputs = rows[0]?.length ?? 0;
  const weight = f32([rows.length, inputs], Float32Array.from(rows.flat()));
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1, inputs]), loc);
  const attrs = { weight: builder.tensor("w", weight), bias: null };
  const op = builder.opOf(builder.add("ann.linear", [x], attrs, loc));
  return { op: known(isWeighted(op) ? op : null, "a synapse"), weight };
}

function unitsOf(rows: readonly (readonly number[])[], levels = 127): number[] {
  const { op, weight } = layerOf(rows);
  return [...ownUnits(op, weight, levels)];
}

const integers = [
  [127, -3, 50, 0, 8, 1],
  [-128, 2, 77, 5, 9, 30],
];
const scaled = (by: readonly number[]): number[][] =>
  integers.map((row, k) => row.map((n) => Math.fround(n * Math.fround(by[k] ?? 1))));

describe("units that weights have already", () => {
  it("are those of a layer where it has one", () => {
    const [a, b] = unitsOf(scaled([0.0123, 0.0123]));
    expect(a).toBeCloseTo(0.0123, 8);
    expect(b).toBe(a);
  });

  it("are those of channels where each has its own, also behind another scale of the channel", () => {
    const twice = scaled([0.0123, 0.5]).map((row) => row.map((w) => Math.fround(w * 1.7)));
    const [a, b] = unitsOf(twice);
    expect(a).toBeCloseTo(0.0123 * 1.7, 7);
    expect(b).toBeCloseTo(0.5 * 1.7, 6);
  });

  it("are none of other numbers, nor of more levels than there are bits", () => {
    const others = integers.map((row) => row.map((n) => Math.sin(n)));
    expect(unitsOf(others)).toEqual([0, 0]);
    expect(unitsOf(scaled([0.1, 0.1]), 63)).toEqual([0, 0]);
    // 128 has no place in 8 bits, and −128 has.
    expect(unitsOf(integers.map((row) => row.map((n) => -n)))[1]).toBe(0);
  });

  it("are not told from a few weights", () => {
    expect(unitsOf([[0.3], [0.7]])).toEqual([0, 0]);
    expect(unitsOf([[0.5, -0.25, 1]])).toEqual([0]);
  });
});

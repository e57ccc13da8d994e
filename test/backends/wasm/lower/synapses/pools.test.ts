/** Pools in WebAssembly: windows over every edge, of values and of sums over time. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../../../ir/build.ts";
import { known } from "../../../../../ir/diagnostic.ts";
import type { Module } from "../../../../../ir/module.ts";
import type { PoolAttrs } from "../../../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../../../ir/tensor.ts";
import { type Shape, real } from "../../../../../ir/type.ts";
import { f, loc } from "../../../../ir/one-op.ts";
import { both, hostKinds } from "../../compare.ts";
import { expectNative, noise } from "../../one-op.ts";

function pool(
  spatial: number,
  kernel: number,
  stride: number,
  pad: number,
  more: Partial<PoolAttrs> = {},
): PoolAttrs {
  const each = (value: number): number[] => Array.from({ length: spatial }, () => value);
  return {
    kernel: each(kernel),
    strides: each(stride),
    padsBegin: each(pad),
    padsEnd: each(pad),
    dilations: each(1),
    ceilMode: false,
    ...more,
  };
}

const windows: readonly (readonly [string, Shape, PoolAttrs])[] = [
  ["two by two", [1, 9, 6, 8], pool(2, 2, 2, 0)],
  ["overlapping, padded", [1, 5, 7, 7], pool(2, 3, 2, 1)],
  ["with room at the end", [1, 3, 7, 6], pool(2, 3, 2, 0, { ceilMode: true })],
  ["padded at one end", [1, 4, 5, 5], pool(2, 2, 1, 0, { padsEnd: [1, 1] })],
  ["dilated", [1, 6, 9, 9], pool(2, 3, 2, 2, { dilations: [2, 2] })],
  ["the whole plane", [1, 10, 7, 7], pool(2, 7, 1, 0)],
  ["one axis", [1, 5, 9], pool(1, 3, 2, 1)],
  ["three axes", [1, 2, 4, 5, 6], pool(3, 3, 2, 1)],
  ["two samples", [2, 3, 4, 4], pool(2, 2, 2, 1)],
];

describe("pools", () => {
  it.each(windows)("give maxima: %s", async (_, shape, attrs) => {
    await expectNative({ kind: "ann.max-pool", attrs, operands: [noise(shape)] }, 0);
  });

  it("let NaN win, and padding never", async () => {
    const attrs = pool(1, 2, 2, 1);
    const x = f([1, 1, 6], [-3, -5, NaN, -1, -2, -7]);
    await expectNative({ kind: "ann.max-pool", attrs, operands: [x] }, 0);
  });

  it("give maxima of integers", async () => {
    const x = tensorOf("i32", [1, 6, 4, 4], noise([96], 2 ** 31).data.map(Math.trunc));
    await expectNative({ kind: "ann.max-pool", attrs: pool(2, 2, 2, 1), operands: [x] }, 0);
  });

  it.each(windows)("give means: %s", async (_, shape, attrs) => {
    for (const countIncludePad of [false, true]) {
      const op = { kind: "ann.average-pool", attrs: { ...attrs, countIncludePad } } as const;
      await expectNative({ ...op, operands: [noise(shape)] });
    }
  });
});

/** A pool of spikes, and one of the currents that drive them. */
function spiking(shape: Shape, attrs: PoolAttrs, dtype: "f32" | "i32"): Module {
  const builder = new Builder();
  const x = builder.input("x", real(dtype, shape), loc);
  const held = dtype === "f32" ? "f32" : "i8";
  const perChannel = shape.map((extent, axis) => (axis === 1 ? extent : 1));
  const channels = shape[1] ?? 1;
  const amplitude = tensorOf(
    held,
    perChannel,
    Array.from({ length: channels }, (_, c) => (dtype === "f32" ? 0.3 + c / 7 : c + 1)),
  );
  const spikes = builder.add(
    "snn.if",
    [x],
    {
      threshold: builder.tensor("threshold", tensorOf(dtype, [], [1])),
      vInit: builder.tensor("v", tensorOf(dtype, [], [0])),
      amplitude: builder.tensor("amplitude", amplitude),
      reset: "subtract",
    },
    loc,
  );
  const pooled = builder.add("snn.max-pool", [spikes], attrs, loc);
  const other = builder.add(
    "snn.max-pool",
    [builder.add("ann.neg", [spikes], {}, loc)],
    attrs,
    loc,
  );
  return builder.finish({
    name: "pool",
    outputs: [
      { name: "pooled", value: builder.add("snn.readout", [pooled], { start: 0 }, loc) },
      { name: "other", value: builder.add("snn.readout", [other], { start: 1 }, loc) },
    ],
    code: "rate",
    timesteps: 9,
    properties: new Set(["spiking"]),
  });
}

async function expectExact(module: Module, input: Tensor, timesteps: number): Promise<void> {
  expect(await hostKinds(module)).toEqual([]);
  const { wanted, found } = await both(module, [input], { timesteps });
  wanted.sample.outputs.forEach((y, i) => {
    expect([...known(found.sample.outputs[i], "an output")]).toEqual([...y]);
  });
}

describe("pools over time", () => {
  it.each(windows)("give the interpreter's very values: %s", async (_, shape, attrs) => {
    const x = noise(shape, 1.2);
    await expectExact(spiking(shape, attrs, "f32"), x, 9);
  });

  it("carry their sums from chunk to chunk", async () => {
    const shape = [1, 5, 6, 6];
    await expectExact(spiking(shape, pool(2, 2, 2, 0), "f32"), noise(shape, 1.2), 150);
  });
});

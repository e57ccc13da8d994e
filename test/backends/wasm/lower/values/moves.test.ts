/** Ops that move, pick, interpolate and convert in WebAssembly. */
import { describe, expect, it } from "vitest";
import { known } from "../../../../../ir/diagnostic.ts";
import type { OpAttrs } from "../../../../../ir/op/op.ts";
import { tensorOf } from "../../../../../ir/tensor.ts";
import { f } from "../../../../ir/one-op.ts";
import { hostKinds } from "../../compare.ts";
import { expectNative, expectSame, moduleOf, noise } from "../../one-op.ts";

const x = noise([1, 6, 5, 7]);

describe("moves", () => {
  it.each(["constant", "reflect", "edge", "wrap"] as const)("pad by %s", async (mode) => {
    for (const [begin, end] of [
      [
        [0, 0, 1, 2],
        [0, 0, 3, 1],
      ],
      [
        [0, 2, 0, 0],
        [1, 1, 0, 0],
      ],
      [
        [0, 0, -1, 2],
        [0, -2, 1, -3],
      ],
    ] as const) {
      await expectNative(
        { kind: "ann.pad", attrs: { begin, end, mode, value: 1.5 }, operands: [x] },
        0,
      );
    }
  });

  it("slice, backwards too", async () => {
    const slices: readonly OpAttrs["ann.slice"][] = [
      { starts: [0, 1, 0, 1], sizes: [1, 4, 3, 3], steps: [1, 1, 2, 2] },
      { starts: [0, 5, 4, 0], sizes: [1, 3, 5, 7], steps: [1, -2, -1, 1] },
      { starts: [0, 0, 0, 6], sizes: [1, 6, 5, 7], steps: [1, 1, 1, -1] },
    ];
    for (const attrs of slices) await expectNative({ kind: "ann.slice", attrs, operands: [x] }, 0);
  });

  it("tile, transpose, expand, reshape and join", async () => {
    await expectNative({ kind: "ann.tile", attrs: { repeats: [2, 1, 3, 2] }, operands: [x] }, 0);
    await expectNative({ kind: "ann.tile", attrs: { repeats: [1, 1, 1, 1] }, operands: [x] }, 0);
    const perm = [0, 3, 1, 2];
    await expectNative({ kind: "ann.transpose", attrs: { perm }, operands: [x] }, 0);
    const one = noise([1, 6, 1, 1]);
    await expectNative({ kind: "ann.expand", attrs: { shape: [2, 6, 3, 4] }, operands: [one] }, 0);
    await expectNative({ kind: "ann.reshape", attrs: { shape: [3, 70] }, operands: [x] }, 0);
    for (const axis of [1, 2, 3]) {
      await expectNative({ kind: "ann.concat", attrs: { axis }, operands: [x, noise(x.shape)] }, 0);
    }
  });

  it("pick by constant indices", async () => {
    for (const axis of [1, 2, 3]) {
      for (const indices of [
        tensorOf("i64", [4], [0, -1, 3, 3]),
        tensorOf("i64", [], [2]),
        tensorOf("i32", [2, 3], [0, 1, 2, -2, 4, 0]),
      ]) {
        const op = { kind: "ann.gather", attrs: { axis }, operands: [x, indices] } as const;
        await expectNative({ ...op, constants: [1] }, 0);
      }
    }
  });

  it("keep triangles and sum along axes", async () => {
    const odd = f([2, 3], [NaN, 1, 2, Infinity, -0, 3]);
    for (const upper of [true, false]) {
      for (const diagonal of [-1, 0, 2]) {
        const attrs = { upper, diagonal };
        await expectNative({ kind: "ann.trilu", attrs, operands: [x] }, 0);
        await expectNative({ kind: "ann.trilu", attrs, operands: [odd] }, 0);
      }
    }
    for (const exclusive of [true, false]) {
      for (const reverse of [true, false]) {
        for (const axis of [1, 3]) {
          const attrs = { axis, exclusive, reverse };
          await expectNative({ kind: "ann.cumsum", attrs, operands: [x] });
          const integers = tensorOf(
            "i32",
            x.shape,
            x.data.map((v) => Math.trunc(v * 1e9)),
          );
          await expectNative({ kind: "ann.cumsum", attrs, operands: [integers] }, 0);
        }
      }
    }
  });
});

describe("resize", () => {
  const plain: OpAttrs["ann.resize"] = {
    sizes: [1, 6, 10, 5],
    scales: [1, 1, 2, 5 / 7],
    mode: "linear",
    coordinates: "half_pixel",
    nearest: "round_prefer_floor",
    cubicCoefficient: -0.75,
    excludeOutside: false,
    extrapolation: 0,
    antialias: false,
    roi: [],
  };

  it.each(["nearest", "linear", "cubic"] as const)("by %s", async (mode) => {
    for (const coordinates of ["half_pixel", "align_corners", "asymmetric"] as const) {
      const attrs = { ...plain, mode, coordinates };
      await expectNative({ kind: "ann.resize", attrs, operands: [x] });
    }
    const attrs = { ...plain, mode, antialias: mode !== "nearest" };
    await expectNative({ kind: "ann.resize", attrs, operands: [x] });
  });

  it("leaves what lies outside the region of interest to the host", async () => {
    const roi = [0, 0, 0, 0, 1, 1, 1.5, 1];
    const attrs = { ...plain, coordinates: "tf_crop_and_resize", roi, extrapolation: 7 } as const;
    const op = { kind: "ann.resize", attrs, operands: [x] } as const;
    const module = known(moduleOf(op, "row-major"), "a module");
    expect(await hostKinds(module)).toEqual(["ann.resize"]);
    await expectSame(module, op);
  });
});

describe("conversions", () => {
  const floats = f(
    [14],
    [0, -0, 0.5, -0.9, 1.5, -7, 300, -300, 3e9, -3e9, 1e20, Infinity, -Infinity, NaN],
  );

  it("cast as the interpreter does", async () => {
    for (const to of ["i32", "i16", "i8", "u8", "u16", "bool"] as const) {
      const attrs = { to, saturate: false };
      await expectNative({ kind: "ann.cast", attrs, operands: [floats] }, 0);
    }
    const integers = tensorOf("i32", [5], [0, 1, -1, 70_000, -(2 ** 31)]);
    for (const to of ["f32", "i8", "u16", "bool"] as const) {
      const attrs = { to, saturate: false };
      await expectNative({ kind: "ann.cast", attrs, operands: [integers] }, 0);
    }
  });

  it.each(["i8", "u8", "i16"] as const)("quantise to %s and back", async (to) => {
    const values = f(
      [1, 3, 14],
      [1, 0.1, -3].flatMap((s) => Array.from(floats.data, (v) => v * s)),
    );
    for (const axis of [0, 1]) {
      const channels = axis === 0 ? 1 : 3;
      const shape = axis === 0 ? [] : [3];
      const scale = f(shape, [0.35, 0.1, 2].slice(0, channels));
      const zero = tensorOf(to, shape, [3, 0, 10].slice(0, channels));
      await expectNative(
        {
          kind: "ann.quantize-linear",
          attrs: { axis, to },
          operands: [values, scale, zero],
          constants: [1, 2],
        },
        0,
      );
      const held = tensorOf(to, [1, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 100, 101, 102, 103]);
      await expectNative(
        {
          kind: "ann.dequantize-linear",
          attrs: { axis },
          operands: [held, scale, zero],
          constants: [1, 2],
        },
        0,
      );
    }
  });
});

describe("transposed convolution", () => {
  const each = (axes: number, value: number): number[] => Array.from({ length: axes }, () => value);

  it.each([
    ["stride 1", 2, 1, 1, 0, 1, 0],
    ["stride 2", 2, 2, 1, 1, 1, 0],
    ["stride 3 with room", 2, 3, 2, 1, 1, 1],
    ["dilated", 2, 2, 1, 2, 2, 0],
    ["cropped more than it reaches", 2, 2, 1, 3, 1, 0],
    ["one axis", 1, 2, 1, 1, 1, 1],
  ] as const)("%s", async (_, axes, stride, groups, pad, dilation, extra) => {
    const kernel = each(axes, 3);
    const tensors = { w: noise([6, 5, ...kernel], 1, 2), b: noise([5 * groups], 1, 3) };
    const attrs = {
      weight: "w",
      bias: "b",
      groups,
      strides: each(axes, stride),
      padsBegin: each(axes, pad),
      padsEnd: each(axes, pad),
      dilations: each(axes, dilation),
      outputPadding: each(axes, extra),
    };
    const operands = [noise([1, 6, ...each(axes, 5)])];
    await expectNative({ kind: "ann.conv-transpose", attrs, operands, tensors });
  });
});

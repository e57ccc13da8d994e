/** Interpolation: hand-worked coordinates and weights of each mode. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../../ir/op/op.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { counting, evaluateOp, f, numbers } from "../../one-op.ts";

type Attrs = OpAttrs["ann.resize"];
const defaults = {
  mode: "linear",
  coordinates: "half_pixel",
  nearest: "round_prefer_floor",
  cubicCoefficient: -0.75,
  excludeOutside: false,
  extrapolation: 0,
  antialias: false,
  roi: [],
} as const;

/** Resizes one axis of 1, 2, 3, … (or of `x`) to a size, by the scale that this size amounts to. */
function resized(from: number, to: number, attrs: Partial<Attrs>, scale = to / from): number[] {
  const y = evaluateOp("ann.resize", { ...defaults, sizes: [to], scales: [scale], ...attrs }, [
    counting([from]),
  ]);
  return numbers(y);
}

const expectClose = (y: readonly number[], values: readonly number[]): void => {
  expect(y).toHaveLength(values.length);
  for (const [i, value] of values.entries()) expect(y[i]).toBeCloseTo(value, 6);
};

describe("ann.resize, linear", () => {
  it.each<[Attrs["coordinates"], number[]]>([
    ["half_pixel", [1, 1.25, 1.75, 2]],
    ["pytorch_half_pixel", [1, 1.25, 1.75, 2]],
    ["half_pixel_symmetric", [1, 1.25, 1.75, 2]],
    ["asymmetric", [1, 1.5, 2, 2]],
    ["align_corners", [1, 4 / 3, 5 / 3, 2]],
    ["tf_half_pixel_for_nn", [1.25, 1.75, 2, 2]],
  ])("doubles [1, 2] at coordinates %s", (coordinates, y) => {
    expectClose(resized(2, 4, { coordinates }), y);
  });

  it("takes the first element, or the middle, where one is left", () => {
    expectClose(resized(4, 1, { coordinates: "align_corners" }), [1]);
    expectClose(resized(4, 1, { coordinates: "pytorch_half_pixel" }), [1]);
    expectClose(resized(4, 1, { coordinates: "half_pixel" }), [2.5]);
  });

  it("goes by the scale asked for, not by the rounded size", () => {
    // 4 · 0.6 = 2.4 long: the second element comes from 3 / 1.4.
    expectClose(resized(4, 2, { coordinates: "align_corners" }, 0.6), [1, 1 + 3 / 1.4]);
    // Symmetric: both centres meet, so the first element lies as far in as the last.
    const [first = 0, last = 0] = resized(4, 2, { coordinates: "half_pixel_symmetric" }, 0.6);
    expect(first - 1).toBeCloseTo(4 - last, 6);
  });

  it("covers what it leaves out where it avoids aliasing", () => {
    // Shrunk to half, the triangle is 4 wide: weights 1/8, 3/8, 3/8, 1/8 around 0.5 and 2.5.
    expectClose(resized(4, 2, { antialias: true }), [
      1 / 8 + 3 / 8 + 6 / 8 + 3 / 8,
      2 / 8 + 9 / 8 + 12 / 8 + 4 / 8,
    ]);
    expectClose(resized(2, 4, { antialias: true }), [1, 1.25, 1.75, 2]);
  });

  it("renormalises without what lies outside", () => {
    // The first coordinate is 0.5: of weights 1/8, 3/8, 3/8, 1/8 the first has no element.
    expectClose(resized(4, 2, { antialias: true, excludeOutside: true }), [
      (3 + 6 + 3) / 7,
      (2 + 9 + 12) / 7,
    ]);
  });

  it("handles axes apart", () => {
    const attrs = { ...defaults, sizes: [2, 1, 4], scales: [1, 0.5, 2] };
    const y = evaluateOp("ann.resize", attrs, [counting([2, 2, 2])]);
    expectClose(numbers(y), [2, 2.25, 2.75, 3, 6, 6.25, 6.75, 7]);
  });
});

describe("ann.resize, nearest", () => {
  it.each<[Attrs["nearest"], number[]]>([
    ["round_prefer_floor", [1, 2, 2, 3, 4, 4]],
    ["round_prefer_ceil", [1, 2, 2, 3, 4, 4]],
    ["floor", [1, 1, 2, 3, 3, 4]],
    ["ceil", [1, 2, 3, 3, 4, 4]],
  ])("by %s at 0, 2/3, 4/3, 2, 8/3, 10/3", (nearest, y) => {
    expect(resized(4, 6, { mode: "nearest", coordinates: "asymmetric", nearest })).toEqual(y);
  });

  it("takes a third for a third, though no float is", () => {
    const attrs: Partial<Attrs> = { mode: "nearest", coordinates: "asymmetric", nearest: "floor" };
    expect(resized(9, 3, attrs, Math.fround(1 / 3))).toEqual([1, 4, 7]);
    expect(resized(49, 1, { coordinates: "pytorch_half_pixel" })).toEqual([1]);
  });

  it("decides ties as asked", () => {
    const tie = (nearest: Attrs["nearest"]): number[] =>
      resized(2, 1, { mode: "nearest", coordinates: "half_pixel", nearest });
    expect(tie("round_prefer_floor")).toEqual([1]);
    expect(tie("round_prefer_ceil")).toEqual([2]);
  });
});

describe("ann.resize, cubic", () => {
  it("weights four neighbours by Keys' kernel", () => {
    // At 0.5 between elements, a = -0.75: weights -3/32, 19/32, 19/32, -3/32.
    expectClose(resized(4, 1, { mode: "cubic" }), [(-3 * 1 + 19 * 2 + 19 * 3 - 3 * 4) / 32]);
    // At 0.5 of two elements the outer neighbours repeat the edges, or are left out.
    expectClose(resized(2, 1, { mode: "cubic" }), [1.5]);
    const y = evaluateOp(
      "ann.resize",
      { ...defaults, mode: "cubic", sizes: [4], scales: [4], excludeOutside: true },
      [f([1], [5])],
    );
    expectClose(numbers(y), [5, 5, 5, 5]);
  });
});

describe("ann.resize, tf_crop_and_resize", () => {
  it("stretches its region and fills what lies outside", () => {
    const crop = (roi: number[], to: number): number[] =>
      resized(5, to, { coordinates: "tf_crop_and_resize", roi, extrapolation: 9 });
    expectClose(crop([0.25, 0.75], 3), [2, 3, 4]);
    expectClose(crop([0.5, 1.5], 3), [3, 5, 9]);
    expectClose(crop([0.25, 0.5], 1), [2.5]);
  });
});

describe("ann.resize, in general", () => {
  const modes = fc.constantFrom<Attrs["mode"]>("nearest", "linear", "cubic");
  const coordinates = fc.constantFrom<Attrs["coordinates"]>(
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
  );

  it("by 1 changes nothing", () => {
    const shapes = fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(shapes, modes, coordinates, fc.boolean(), (shape, mode, rule, antialias) => {
        const x = counting(shape);
        const y = evaluateOp(
          "ann.resize",
          {
            ...defaults,
            mode,
            coordinates: rule,
            antialias,
            sizes: shape,
            scales: shape.map(() => 1),
            roi: [...shape.map(() => 0), ...shape.map(() => 1)],
          },
          [x],
        );
        expect(numbers(y)).toEqual(numbers(x));
      }),
    );
  });

  it("of a constant is that constant", () => {
    const extent = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(
        extent,
        extent,
        modes,
        coordinates,
        fc.boolean(),
        fc.boolean(),
        (from, to, mode, rule, antialias, excludeOutside) => {
          const x: Tensor = f([from], new Float32Array(from).fill(3));
          const attrs = { ...defaults, mode, coordinates: rule, antialias, excludeOutside };
          const y = evaluateOp(
            "ann.resize",
            { ...attrs, sizes: [to], scales: [to / from], roi: [0, 1] },
            [x],
          );
          for (const value of y.data) expect(value).toBeCloseTo(3, 5);
        },
      ),
    );
  });
});

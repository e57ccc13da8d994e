/** Synapses, worked by hand and against formulas that share no code with them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { counting, evaluateOp, f, numbers } from "../one-op.ts";

const plain1 = { strides: [1], padsBegin: [0], padsEnd: [0], dilations: [1] };
const plain2 = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };

describe("ann.conv", () => {
  const conv = (
    x: Tensor,
    weight: Tensor,
    attrs: Partial<OpAttrs["ann.conv"]> = {},
    bias: Tensor = f([1], [0]),
  ): Tensor =>
    evaluateOp("ann.conv", { ...plain2, groups: 1, weight: "w", bias: "b", ...attrs }, [x], {
      w: weight,
      b: bias,
    });

  it("sums products over the window and adds the bias", () => {
    const y = conv(counting([1, 1, 3, 3]), f([1, 1, 2, 2], [1, 0, 0, 10]), {}, f([1], [100]));
    expect(y.shape).toEqual([1, 1, 2, 2]);
    expect(numbers(y)).toEqual([151, 162, 184, 195]);
  });

  it("does not flip the kernel, and takes padding as zero", () => {
    const y = conv(f([1, 1, 3], [1, 2, 3]), f([1, 1, 3], [1, 10, 100]), {
      ...plain1,
      padsBegin: [1],
      padsEnd: [2],
      bias: null,
    });
    expect(numbers(y)).toEqual([210, 321, 32, 3]);
  });

  it("steps by strides and spreads by dilations", () => {
    const y = conv(counting([1, 1, 7]), f([1, 1, 2], [1, 100]), {
      ...plain1,
      strides: [2],
      dilations: [3],
      bias: null,
    });
    expect(numbers(y)).toEqual([401, 603]);
  });

  it("keeps the channels of groups apart", () => {
    const x = f([1, 4, 1], [1, 10, 100, 1000]);
    const weight = f([2, 2, 1], [1, 2, 3, 4]);
    const y = conv(x, weight, { ...plain1, groups: 2, bias: null });
    expect(numbers(y)).toEqual([21, 4300]);
  });

  it("slides over three axes", () => {
    const y = conv(counting([1, 1, 2, 2, 3]), f([1, 1, 2, 2, 2], [1, 0, 0, 0, 0, 0, 0, 1]), {
      strides: [1, 1, 1],
      padsBegin: [0, 0, 0],
      padsEnd: [0, 0, 0],
      dilations: [1, 1, 1],
      bias: null,
    });
    expect(y.shape).toEqual([1, 1, 1, 1, 2]);
    expect(numbers(y)).toEqual([1 + 11, 2 + 12]);
  });

  it("rounds once into half precision", () => {
    // 2048 + 1 + 1 is 2050 when summed before rounding; step by step 2048 would stay.
    const x = tensorOf("f16", [1, 3, 1], [2048, 1, 1]);
    const weight = tensorOf("f16", [1, 3, 1], [1, 1, 1]);
    expect(numbers(conv(x, weight, { ...plain1, bias: null }))).toEqual([2050]);
  });
});

/** Small windows over two axes, with all that may vary. */
const windows = fc
  .record({
    extents: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
    kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    padsBegin: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
    padsEnd: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
    groups: fc.integer({ min: 1, max: 2 }),
    perGroup: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    seed: fc.integer(),
  })
  .filter(({ extents, kernel, dilations, padsBegin, padsEnd }) =>
    [0, 1].every(
      (a) =>
        (dilations[a] ?? 0) * ((kernel[a] ?? 0) - 1) <
        (extents[a] ?? 0) + (padsBegin[a] ?? 0) + (padsEnd[a] ?? 0),
    ),
  );

/** Small whole numbers, so that sums are exact in any order. */
function whole(shape: Shape, seed: number): Tensor {
  const values = Array.from({ length: elementCount(shape) }, (_, i) => {
    const mixed = Math.imul(i + 1, 2654435761) ^ Math.imul(seed | 1, 40503 + i);
    return ((mixed >>> 8) % 9) - 4;
  });
  return f(shape, values);
}

function at(t: Tensor, ...index: number[]): number {
  let flat = 0;
  for (const [axis, extent] of t.shape.entries()) {
    const i = index[axis] ?? 0;
    if (i < 0 || i >= extent) return 0;
    flat = flat * extent + i;
  }
  return t.data[flat] ?? 0;
}

function dot(a: Tensor, b: Tensor): number {
  return numbers(a).reduce((sum, value, i) => sum + value * (b.data[i] ?? 0), 0);
}

describe("laws of convolutions", () => {
  it("a convolution is its definition", () => {
    fc.assert(
      fc.property(windows, ({ extents, kernel, groups, perGroup, seed, ...window }) => {
        const [cIn, cOut] = perGroup;
        const x = whole([1, cIn * groups, ...extents], seed);
        const w = whole([cOut * groups, cIn, ...kernel], seed + 1);
        const b = whole([cOut * groups], seed + 2);
        const y = evaluateOp("ann.conv", { ...window, groups, weight: "w", bias: "b" }, [x], {
          w,
          b,
        });
        const [, , height = 0, width = 0] = y.shape;
        const expected: number[] = [];
        for (let o = 0; o < cOut * groups; o++) {
          for (let oy = 0; oy < height; oy++) {
            for (let ox = 0; ox < width; ox++) {
              let sum = at(b, o);
              for (let c = 0; c < cIn; c++) {
                for (let ky = 0; ky < kernel[0]; ky++) {
                  for (let kx = 0; kx < kernel[1]; kx++) {
                    const channel = Math.floor(o / cOut) * cIn + c;
                    const iy = oy * window.strides[0] + ky * window.dilations[0];
                    const ix = ox * window.strides[1] + kx * window.dilations[1];
                    sum +=
                      at(w, o, c, ky, kx) *
                      at(x, 0, channel, iy - window.padsBegin[0], ix - window.padsBegin[1]);
                  }
                }
              }
              expected.push(sum);
            }
          }
        }
        expect(numbers(y).map((v) => v + 0)).toEqual(expected.map((v) => v + 0));
      }),
      { numRuns: 60 },
    );
  });

  it("a transposed convolution is the adjoint: ⟨conv x, y⟩ = ⟨x, convᵀ y⟩", () => {
    fc.assert(
      fc.property(windows, ({ extents, kernel, groups, perGroup, seed, ...window }) => {
        const [cIn, cOut] = perGroup;
        const x = whole([1, cIn * groups, ...extents], seed);
        // conv wants [out, in / groups, …]; its transpose wants [in, out / groups, …] with the
        // roles exchanged: the same tensor.
        const w = whole([cOut * groups, cIn, ...kernel], seed + 1);
        const attrs = { ...window, groups, weight: "w", bias: null };
        const forward = evaluateOp("ann.conv", attrs, [x], { w });
        const y = whole(forward.shape, seed + 3);
        const outputPadding = extents.map((extent, a) => {
          const reach = (window.dilations[a] ?? 0) * ((kernel[a] ?? 0) - 1) + 1;
          const pads = (window.padsBegin[a] ?? 0) + (window.padsEnd[a] ?? 0);
          const back = (window.strides[a] ?? 0) * ((y.shape[a + 2] ?? 0) - 1) + reach - pads;
          return extent - back;
        });
        const backward = evaluateOp("ann.conv-transpose", { ...attrs, outputPadding }, [y], { w });
        expect(backward.shape).toEqual(x.shape);
        expect(dot(forward, y)).toBe(dot(x, backward));
      }),
      { numRuns: 60 },
    );
  });
});

describe("ann.conv-transpose", () => {
  it("adds the kernel where each element lands", () => {
    const y = evaluateOp(
      "ann.conv-transpose",
      { ...plain1, strides: [2], groups: 1, weight: "w", bias: "b", outputPadding: [1] },
      [f([1, 1, 2], [1, 10])],
      { w: f([1, 1, 3], [1, 2, 3]), b: f([1], [100]) },
    );
    expect(numbers(y)).toEqual([101, 102, 113, 120, 130, 100]);
  });

  it("crops by its pads", () => {
    const y = evaluateOp(
      "ann.conv-transpose",
      {
        ...plain1,
        padsBegin: [1],
        padsEnd: [1],
        groups: 1,
        weight: "w",
        bias: null,
        outputPadding: [0],
      },
      [f([1, 1, 2], [1, 10])],
      { w: f([1, 1, 3], [1, 2, 3]) },
    );
    expect(numbers(y)).toEqual([12, 23]);
  });
});

describe("ann.linear", () => {
  it("multiplies each row by the transposed weight", () => {
    const y = evaluateOp("ann.linear", { weight: "w", bias: "b" }, [counting([2, 1, 3])], {
      w: f([2, 3], [1, 10, 100, 0, 1, 0]),
      b: f([2], [0, 1000]),
    });
    expect(y.shape).toEqual([2, 1, 2]);
    expect(numbers(y)).toEqual([321, 1002, 654, 1005]);
  });
});

describe("ann.affine", () => {
  it("broadcasts scale and shift", () => {
    const y = evaluateOp("ann.affine", { scale: "s", shift: "t" }, [counting([1, 2, 2])], {
      s: f([2, 1], [1, 10]),
      t: f([], [0.5]),
    });
    expect(numbers(y)).toEqual([1.5, 2.5, 30.5, 40.5]);
  });
});

describe("ann.average-pool", () => {
  const pool = (attrs: Partial<OpAttrs["ann.average-pool"]>): number[] =>
    numbers(
      evaluateOp(
        "ann.average-pool",
        { ...plain1, kernel: [2], ceilMode: false, countIncludePad: false, ...attrs },
        [f([1, 1, 5], [2, 4, 6, 8, 10])],
      ),
    );

  it("is the mean of each window", () => {
    expect(pool({ strides: [2] })).toEqual([3, 7]);
  });

  it("divides by the elements there are, or by the padding too", () => {
    expect(pool({ padsBegin: [1], strides: [2] })).toEqual([2, 5, 9]);
    expect(pool({ padsBegin: [1], strides: [2], countIncludePad: true })).toEqual([1, 5, 9]);
  });

  it("never divides by the overhang of ceil mode", () => {
    expect(pool({ strides: [2], ceilMode: true })).toEqual([3, 7, 10]);
    expect(pool({ strides: [2], ceilMode: true, countIncludePad: true })).toEqual([3, 7, 10]);
    expect(pool({ kernel: [7], strides: [3], ceilMode: true, countIncludePad: true })).toEqual([6]);
    // Window 2 holds the 10, one padded element that counts, and one overhanging that does not.
    const wide = { kernel: [3], strides: [2], padsEnd: [1], ceilMode: true };
    expect(pool({ ...wide, countIncludePad: true })).toEqual([4, 8, 5]);
  });

  it("drops a last window that would begin behind the elements", () => {
    expect(pool({ kernel: [1], strides: [3], padsEnd: [1], ceilMode: true })).toEqual([2, 8]);
  });
});

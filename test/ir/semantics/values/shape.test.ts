/** Moves: hand-worked cases, and the laws by which they undo each other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../../ir/op/op.ts";
import { type Tensor, sameTensor, tensorOf } from "../../../../ir/tensor.ts";
import { counting, evaluateOp, f, numbers } from "../../one-op.ts";

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const x23 = counting([2, 3]);

const expectSame = (a: Tensor, b: Tensor): void => {
  expect([a.shape, numbers(a)]).toEqual([b.shape, numbers(b)]);
};

describe("ann.reshape, ann.transpose", () => {
  it("keep the elements' order, or change it", () => {
    expect(numbers(evaluateOp("ann.reshape", { shape: [3, 2] }, [x23]))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect(numbers(evaluateOp("ann.transpose", { perm: [1, 0] }, [x23]))).toEqual([
      1, 4, 2, 5, 3, 6,
    ]);
    const y = evaluateOp("ann.transpose", { perm: [2, 0, 1] }, [counting([1, 2, 3])]);
    expect([y.shape, numbers(y)]).toEqual([
      [3, 1, 2],
      [1, 4, 2, 5, 3, 6],
    ]);
  });

  it("transposing by a permutation and by its inverse changes nothing", () => {
    const cases = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      ),
    );
    fc.assert(
      fc.property(cases, ([shape, perm]) => {
        const x = counting(shape);
        const inverse = perm.map((_, axis) => perm.indexOf(axis));
        const there = evaluateOp("ann.transpose", { perm }, [x]);
        expectSame(evaluateOp("ann.transpose", { perm: inverse }, [there]), x);
      }),
    );
  });
});

describe("ann.slice, ann.concat", () => {
  it("slices with steps, backwards too", () => {
    const y = evaluateOp("ann.slice", { starts: [1, 2], sizes: [2, 2], steps: [-1, -2] }, [x23]);
    expect(numbers(y)).toEqual([6, 4, 3, 1]);
    const none = evaluateOp("ann.slice", { starts: [0, 5], sizes: [2, 0], steps: [1, 1] }, [x23]);
    expect(none.shape).toEqual([2, 0]);
  });

  it("concatenates along any axis, empty operands included", () => {
    const y = evaluateOp("ann.concat", { axis: 1 }, [x23, f([2, 0], []), f([2, 1], [7, 8])]);
    expect(y.shape).toEqual([2, 4]);
    expect(numbers(y)).toEqual([1, 2, 3, 7, 4, 5, 6, 8]);
    const rows = evaluateOp("ann.concat", { axis: 0 }, [x23, x23]);
    expect(numbers(rows)).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  });

  it("concatenating the slices on both sides of a cut changes nothing", () => {
    const cases = shapes.chain((shape) =>
      fc
        .nat({ max: shape.length - 1 })
        .chain((axis) =>
          fc.tuple(fc.constant(shape), fc.constant(axis), fc.nat({ max: shape[axis] ?? 0 })),
        ),
    );
    fc.assert(
      fc.property(cases, ([shape, axis, cut]) => {
        const x = counting(shape);
        const part = (start: number, size: number): Tensor => {
          const starts = shape.map((_, a) => (a === axis ? start : 0));
          const sizes = shape.map((n, a) => (a === axis ? size : n));
          return evaluateOp("ann.slice", { starts, sizes, steps: shape.map(() => 1) }, [x]);
        };
        const parts = [part(0, cut), part(cut, (shape[axis] ?? 0) - cut)];
        expectSame(evaluateOp("ann.concat", { axis }, parts), x);
      }),
    );
  });
});

describe("ann.pad", () => {
  type Mode = OpAttrs["ann.pad"]["mode"];
  const pad = (x: Tensor, begin: number[], end: number[], mode: Mode, value = 0): Tensor =>
    evaluateOp("ann.pad", { begin, end, mode, value }, [x]);

  it.each<[Mode, number[]]>([
    ["constant", [9, 9, 9, 1, 2, 3, 9, 9, 9]],
    ["edge", [1, 1, 1, 1, 2, 3, 3, 3, 3]],
    ["reflect", [2, 3, 2, 1, 2, 3, 2, 1, 2]],
    ["wrap", [1, 2, 3, 1, 2, 3, 1, 2, 3]],
  ])("by %s", (mode, y) => {
    expect(numbers(pad(counting([3]), [3], [3], mode, 9))).toEqual(y);
  });

  it("fills each line", () => {
    expect(numbers(pad(x23, [0, 1], [0, 1], "constant", 9))).toEqual([
      9, 1, 2, 3, 9, 9, 4, 5, 6, 9,
    ]);
  });

  it("reflects the only element there is", () => {
    expect(numbers(pad(f([1], [5]), [1], [2], "reflect"))).toEqual([5, 5, 5, 5]);
  });

  it("crops by negative pads", () => {
    expect(numbers(pad(x23, [0, -1], [1, 0], "constant", 7))).toEqual([2, 3, 5, 6, 7, 7]);
  });

  it("rounds the value into the element type", () => {
    expect(numbers(pad(tensorOf("u8", [1], [1]), [1], [0], "constant", 300))).toEqual([44, 1]);
  });

  it("cropping what was padded changes nothing, in any mode", () => {
    const cases = shapes.chain((shape) => {
      const amounts = fc.array(fc.nat({ max: 5 }), {
        minLength: shape.length,
        maxLength: shape.length,
      });
      return fc.tuple(fc.constant(shape), amounts, amounts);
    });
    const modes = fc.constantFrom<Mode>("constant", "edge", "reflect", "wrap");
    fc.assert(
      fc.property(cases, modes, ([shape, begin, end], mode) => {
        const x = counting(shape);
        const padded = pad(x, begin, end, mode, -1);
        const back = (list: number[]): number[] => list.map((n) => -n);
        expectSame(pad(padded, back(begin), back(end), "constant"), x);
      }),
    );
  });
});

describe("ann.expand, ann.tile, ann.trilu", () => {
  it("expands along axes of extent 1 and new ones", () => {
    const y = evaluateOp("ann.expand", { shape: [2, 2, 3] }, [f([2, 1], [1, 2])]);
    expect(numbers(y)).toEqual([1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]);
  });

  it("tiles", () => {
    const y = evaluateOp("ann.tile", { repeats: [2, 2] }, [f([1, 2], [1, 2])]);
    expect([y.shape, numbers(y)]).toEqual([
      [2, 4],
      [1, 2, 1, 2, 1, 2, 1, 2],
    ]);
    expect(evaluateOp("ann.tile", { repeats: [0, 1] }, [x23]).shape).toEqual([0, 3]);
  });

  it("keeps a triangle of each matrix", () => {
    const x = counting([1, 3, 3]);
    const keep = (upper: boolean, diagonal: number): number[] =>
      numbers(evaluateOp("ann.trilu", { upper, diagonal }, [x]));
    expect(keep(true, 0)).toEqual([1, 2, 3, 0, 5, 6, 0, 0, 9]);
    expect(keep(false, 0)).toEqual([1, 0, 0, 4, 5, 0, 7, 8, 9]);
    expect(keep(true, 1)).toEqual([0, 2, 3, 0, 0, 6, 0, 0, 0]);
    expect(keep(false, -1)).toEqual([0, 0, 0, 4, 0, 0, 7, 8, 0]);
  });

  it("keeps the element type of what it moves", () => {
    const x = tensorOf("bool", [1, 2], [1, 0]);
    const y = evaluateOp("ann.expand", { shape: [1, 2] }, [x]);
    expect(sameTensor(x, y)).toBe(true);
  });
});

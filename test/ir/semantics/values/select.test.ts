/** Picking and writing by index and by condition. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DiagnosticError } from "../../../../ir/diagnostic.ts";
import { type Tensor, tensorOf } from "../../../../ir/tensor.ts";
import { counting, evaluateOp, f, loc, numbers } from "../../one-op.ts";

const i64 = (shape: readonly number[], values: readonly number[]): Tensor =>
  tensorOf("i64", shape, values);
const x23 = counting([2, 3]);

/** The diagnostics that a run ends with. */
function failure(run: () => unknown): DiagnosticError["diagnostics"] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  return [];
}

describe("ann.gather", () => {
  it("takes slices along an axis, from the end where negative", () => {
    const y = evaluateOp("ann.gather", { axis: 1 }, [x23, i64([2, 1], [-1, 0])]);
    expect([y.shape, numbers(y)]).toEqual([
      [2, 2, 1],
      [3, 1, 6, 4],
    ]);
    expect(numbers(evaluateOp("ann.gather", { axis: 0 }, [x23, i64([], [1])]))).toEqual([4, 5, 6]);
  });

  it("of 0, 1, 2, … gives the indices back", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 })), (indices) => {
        const range = f(
          [10],
          Array.from({ length: 10 }, (_, i) => i),
        );
        const y = evaluateOp("ann.gather", { axis: 0 }, [range, i64([indices.length], indices)]);
        expect(numbers(y)).toEqual(indices);
      }),
    );
  });

  it("reports an index outside the data, with the place", () => {
    for (const index of [3, -4]) {
      const run = (): unknown => evaluateOp("ann.gather", { axis: 1 }, [x23, i64([1], [index])]);
      const [found] = failure(run);
      expect(found?.code).toBe("index-out-of-range");
      expect(found?.loc).toEqual(loc);
      expect(found?.message).toBe(
        `ann.gather was given index ${index} for axis 1, which has 3 elements`,
      );
    }
  });
});

describe("ann.gather-elements, ann.gather-nd", () => {
  it("takes elements, each by its index", () => {
    const columns = evaluateOp("ann.gather-elements", { axis: 1 }, [
      x23,
      i64([2, 2], [0, 0, -1, 1]),
    ]);
    expect(numbers(columns)).toEqual([1, 1, 6, 5]);
    const rows = evaluateOp("ann.gather-elements", { axis: 0 }, [x23, i64([1, 2], [1, 0])]);
    expect(numbers(rows)).toEqual([4, 2]);
  });

  it("takes slices by tuples, within a batch too", () => {
    const x = counting([2, 2, 2]);
    const full = evaluateOp("ann.gather-nd", { batchDims: 0 }, [
      x,
      i64([2, 3], [0, 0, 1, 1, -1, 0]),
    ]);
    expect(numbers(full)).toEqual([2, 7]);
    const slices = evaluateOp("ann.gather-nd", { batchDims: 0 }, [x, i64([1, 2], [1, 0])]);
    expect([slices.shape, numbers(slices)]).toEqual([
      [1, 2],
      [5, 6],
    ]);
    const batch = evaluateOp("ann.gather-nd", { batchDims: 1 }, [x, i64([2, 1], [1, 0])]);
    expect(numbers(batch)).toEqual([3, 4, 5, 6]);
    expect(
      failure(() => evaluateOp("ann.gather-nd", { batchDims: 0 }, [x, i64([1, 1], [2])])),
    ).toHaveLength(1);
  });
});

describe("ann.scatter-elements, ann.scatter-nd", () => {
  type Reduction = "none" | "add" | "mul" | "max" | "min";

  it.each<[Reduction, number[]]>([
    ["none", [1, 7, 3]],
    ["add", [1, 14, 3]],
    ["mul", [1, 70, 3]],
    ["max", [1, 7, 3]],
    ["min", [1, 2, 3]],
  ])("combine updates by %s, one after the other", (reduction, y) => {
    const elements = evaluateOp("ann.scatter-elements", { axis: 0, reduction }, [
      counting([3]),
      i64([2], [1, -2]),
      f([2], [5, 7]),
    ]);
    expect(numbers(elements)).toEqual(y);
    const slices = evaluateOp("ann.scatter-nd", { reduction }, [
      counting([3]),
      i64([2, 1], [1, -2]),
      f([2], [5, 7]),
    ]);
    expect(numbers(slices)).toEqual(y);
  });

  it("write along any axis, and whole slices", () => {
    const elements = evaluateOp("ann.scatter-elements", { axis: 1, reduction: "none" }, [
      x23,
      i64([1, 2], [2, 0]),
      f([1, 2], [10, 20]),
    ]);
    expect(numbers(elements)).toEqual([20, 2, 10, 4, 5, 6]);
    const slices = evaluateOp("ann.scatter-nd", { reduction: "add" }, [
      x23,
      i64([2, 1], [0, 0]),
      f([2, 3], [1, 1, 1, 2, 2, 2]),
    ]);
    expect(numbers(slices)).toEqual([4, 5, 6, 4, 5, 6]);
  });

  it("leave their operand as it was", () => {
    const x = tensorOf("f64", [1], [1]);
    evaluateOp("ann.scatter-elements", { axis: 0, reduction: "add" }, [
      x,
      i64([1], [0]),
      tensorOf("f64", [1], [5]),
    ]);
    expect(numbers(x)).toEqual([1]);
  });

  it("undo a gather of all elements in another order", () => {
    const orders = fc.integer({ min: 1, max: 8 }).chain((n) =>
      fc.shuffledSubarray(
        Array.from({ length: n }, (_, i) => i),
        { minLength: n },
      ),
    );
    fc.assert(
      fc.property(orders, (order) => {
        const x = counting([order.length]);
        const indices = i64([order.length], order);
        const picked = evaluateOp("ann.gather-elements", { axis: 0 }, [x, indices]);
        const back = evaluateOp("ann.scatter-elements", { axis: 0, reduction: "none" }, [
          f([order.length], new Float32Array(order.length)),
          indices,
          picked,
        ]);
        expect(numbers(back)).toEqual(numbers(x));
      }),
    );
  });
});

describe("ann.where, ann.one-hot", () => {
  it("chooses by a condition, all three broadcast", () => {
    const y = evaluateOp("ann.where", {}, [
      tensorOf("bool", [2, 1], [1, 0]),
      f([3], [1, 2, 3]),
      f([], [9]),
    ]);
    expect([y.shape, numbers(y)]).toEqual([
      [2, 3],
      [1, 2, 3, 9, 9, 9],
    ]);
  });

  it("is on at the index only, and nowhere where the index is outside", () => {
    const oneHot = (axis: number): Tensor =>
      evaluateOp("ann.one-hot", { axis, depth: 3 }, [i64([3], [0, -1, 3]), f([2], [-1, 5])]);
    expect([oneHot(1).shape, numbers(oneHot(1))]).toEqual([
      [3, 3],
      [5, -1, -1, -1, -1, 5, -1, -1, -1],
    ]);
    expect(numbers(oneHot(0))).toEqual([5, -1, -1, -1, -1, -1, -1, 5, -1]);
  });
});

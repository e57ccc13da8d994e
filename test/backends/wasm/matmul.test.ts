/** Products of two values in WebAssembly: every combination of ranks, batches and odd sizes. */
import { describe, it } from "vitest";
import { tensorOf } from "../../../ir/tensor.ts";
import type { Shape } from "../../../ir/type.ts";
import { expectNative, noise } from "./one-op.ts";

const shapes: readonly (readonly [Shape, Shape])[] = [
  [
    [5, 7],
    [7, 9],
  ],
  [
    [1, 7],
    [7, 1],
  ],
  [
    [4, 8],
    [8, 16],
  ],
  [
    [13, 3],
    [3, 22],
  ],
  [
    [2, 3, 5, 4],
    [2, 3, 4, 6],
  ],
  [
    [1, 3, 5, 4],
    [4, 6],
  ],
  [
    [3, 1, 5, 4],
    [2, 4, 6],
  ],
  [[7], [7, 5]],
  [[3, 5, 7], [7]],
  [[7], [7]],
  [
    [2, 5, 3],
    [2, 3, 1],
  ],
];

describe("matmul", () => {
  it.each(shapes)("%j by %j", async (a, b) => {
    const operands = [noise(a), noise(b, 2, 2)];
    await expectNative({ kind: "ann.matmul", attrs: {}, operands });
  });

  it("wraps integers", async () => {
    const integers = (shape: Shape, seed: number) =>
      tensorOf("i32", shape, noise(shape, 2 ** 31, seed).data.map(Math.trunc));
    const operands = [integers([5, 6], 1), integers([6, 7], 2)];
    await expectNative({ kind: "ann.matmul", attrs: {}, operands }, 0);
  });
});

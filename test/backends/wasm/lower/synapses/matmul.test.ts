/** Products of two values in WebAssembly: every combination of ranks, batches and odd sizes. */
import { describe, it } from "vitest";
import { tensorOf } from "../../../../../ir/tensor.ts";
import type { Shape } from "../../../../../ir/type.ts";
import { expectNative, noise } from "../../one-op.ts";

const shapes: readonly (readonly [Shape, Shape])[] = [
  [
    [1, 2, 4, 6],
    [1, 2, 6, 5],
  ],
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

describe("einsum", () => {
  it.each([
    ["abcd,abed->abce", [1, 2, 3, 4], [1, 2, 5, 4]],
    ["ij,jk->ki", [5, 7], [7, 6]],
    ["i,j->ij", [5], [6]],
    ["...ij,...jk->...ik", [1, 3, 4, 5], [3, 5, 2]],
    ["ij,ij->", [5, 7], [5, 7]],
  ] as const)("%s", async (equation, a, b) => {
    const operands = [noise(a), noise(b, 2, 2)];
    await expectNative({ kind: "ann.einsum", attrs: { equation }, operands });
  });

  it("of one and of three", async () => {
    const x = noise([6, 6]);
    await expectNative({ kind: "ann.einsum", attrs: { equation: "ii->i" }, operands: [x] });
    const operands = [noise([4, 5]), noise([5, 3], 2, 2), noise([3, 4], 2, 3)];
    await expectNative({ kind: "ann.einsum", attrs: { equation: "ab,bc,ca->c" }, operands });
  });
});

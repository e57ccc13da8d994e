/** Matrix products and Einstein sums, by hand and against each other. */
import { describe, expect, it } from "vitest";
import { type Tensor, tensorOf } from "../../../../ir/tensor.ts";
import { counting, evaluateOp, f, numbers } from "../../one-op.ts";

const matmul = (a: Tensor, b: Tensor): Tensor => evaluateOp("ann.matmul", {}, [a, b]);
const einsum = (equation: string, ...operands: Tensor[]): Tensor =>
  evaluateOp("ann.einsum", { equation }, operands);

describe("ann.matmul", () => {
  it("multiplies matrices", () => {
    const y = matmul(f([2, 2], [1, 2, 3, 4]), f([2, 2], [10, 0, 0, 100]));
    expect(numbers(y)).toEqual([10, 200, 30, 400]);
  });

  it("takes vectors as a row or a column and leaves their axis out", () => {
    const m = f([2, 3], [1, 2, 3, 4, 5, 6]);
    expect(matmul(f([2], [1, 10]), m)).toEqual(f([3], [41, 52, 63]));
    expect(matmul(m, f([3], [1, 0, 1]))).toEqual(f([2], [4, 10]));
    expect(matmul(f([2], [1, 10]), f([2], [3, 4]))).toEqual(f([], [43]));
  });

  it("broadcasts batches", () => {
    const y = matmul(counting([2, 1, 1, 2]), f([3, 2, 1], [1, 0, 0, 1, 1, 1]));
    expect(y.shape).toEqual([2, 3, 1, 1]);
    expect(numbers(y)).toEqual([1, 2, 3, 3, 4, 7]);
    expect(matmul(f([2], [1, 1]), counting([2, 2, 2]))).toEqual(f([2, 2], [4, 6, 12, 14]));
  });

  it("wraps integers", () => {
    const big = tensorOf("i32", [1, 2], [2 ** 30, 2 ** 30]);
    expect(matmul(big, tensorOf("i32", [2, 1], [2, 3]))).toEqual(
      tensorOf("i32", [1, 1], [2 ** 30]),
    );
    const byte = tensorOf("u8", [1, 1], [200]);
    expect(numbers(matmul(byte, byte))).toEqual([40000 % 256]);
    const wide = tensorOf("u32", [1, 1], [0xffffffff]);
    expect(numbers(matmul(wide, wide))).toEqual([1]);
    const long = tensorOf("i64", [1, 1], [2 ** 40]);
    expect(numbers(matmul(long, tensorOf("i64", [1, 1], [4])))).toEqual([2 ** 42]);
  });
});

describe("ann.einsum", () => {
  const m = f([2, 3], [1, 2, 3, 4, 5, 6]);

  it("transposes, sums, and takes diagonals and traces", () => {
    expect(einsum("ij->ji", m)).toEqual(f([3, 2], [1, 4, 2, 5, 3, 6]));
    expect(einsum("ij->i", m)).toEqual(f([2], [6, 15]));
    expect(einsum("ij->", m)).toEqual(f([], [21]));
    const square = f([2, 2], [1, 2, 3, 4]);
    expect(einsum("ii->i", square)).toEqual(f([2], [1, 4]));
    expect(einsum("ii", square)).toEqual(f([], [5]));
  });

  it("without an arrow keeps the labels met once, in the order of the alphabet", () => {
    expect(einsum("ba", m)).toEqual(f([3, 2], [1, 4, 2, 5, 3, 6]));
    expect(einsum("ij,jk", m, f([3, 1], [1, 1, 1]))).toEqual(f([2, 1], [6, 15]));
    expect(einsum("aB", m)).toEqual(f([3, 2], [1, 4, 2, 5, 3, 6]));
  });

  it("aligns ellipses at the back and broadcasts them", () => {
    const x = counting([2, 1, 2, 2]);
    const w = counting([3, 2, 2]);
    expect(einsum("...ij, ...jk -> ...ik", x, w)).toEqual(matmul(x, w));
    expect(einsum("...ij", m)).toEqual(m);
    expect(einsum("i...->...", m)).toEqual(f([3], [5, 7, 9]));
  });

  it("multiplies any number of operands", () => {
    const v = f([2], [1, 10]);
    expect(einsum("i,ij,j->", v, f([2, 2], [1, 2, 3, 4]), v)).toEqual(f([], [1 + 20 + 30 + 400]));
    expect(einsum("i,j,k->ijk", v, v, v).shape).toEqual([2, 2, 2]);
  });
});

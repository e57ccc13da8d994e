/** Factors and solutions, against a general library to the bit, and against what they stand for. */
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { uniform } from "../../../ir/random.ts";
import { factorOf, solvedBy } from "../../../passes/fit/cholesky.ts";

function positive(size: number): Float64Array {
  const factor = Array.from({ length: size * size }, (_, i) => uniform(1, i, 0, 0) - 0.5);
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    let sum = i === j ? 0.01 : 0;
    for (let k = 0; k < size; k++) sum += (factor[i * size + k] ?? 0) * (factor[j * size + k] ?? 0);
    return sum;
  });
}

describe.each([1, 2, 5, 8, 23])("a system of %d", (size) => {
  const matrix = positive(size);
  const width = 3;
  const right = Float64Array.from({ length: size * width }, (_, i) => uniform(2, i, 0, 0) - 0.5);

  it("has the factor and the solution of the library", () => {
    const factor = factorOf(matrix, size);
    const library = new CholeskyDecomposition(Matrix.from1DArray(size, size, matrix));
    expect([...(factor?.lower ?? [])]).toEqual(library.lowerTriangularMatrix.to1DArray());
    const solution = library.solve(Matrix.from1DArray(size, width, right)).to1DArray();
    if (factor === null) throw new Error("no factor");
    const { data } = solvedBy(factor, { data: right, count: size, width });
    expect([...data]).toEqual(solution);
  });

  it("is solved", () => {
    const factor = factorOf(matrix, size);
    if (factor === null) throw new Error("no factor");
    const { data } = solvedBy(factor, { data: right, count: size, width });
    for (let i = 0; i < size; i++) {
      for (let o = 0; o < width; o++) {
        let sum = 0;
        for (let j = 0; j < size; j++) {
          sum += (matrix[i * size + j] ?? 0) * (data[j * width + o] ?? 0);
        }
        expect(sum).toBeCloseTo(right[i * width + o] ?? NaN, 8);
      }
    }
  });
});

it("has no factor where a matrix is not positive definite", () => {
  expect(factorOf(Float64Array.from([1, 2, 2, 1]), 2)).toBeNull();
  expect(factorOf(Float64Array.from([0]), 1)).toBeNull();
});

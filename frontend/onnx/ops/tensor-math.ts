/** Small computations on constant tensors at import: transposes, scalings, broadcasts. */
import { type Tensor, allocate, roundTo } from "../../../ir/tensor.ts";
import type { DType, Shape } from "../../../ir/type.ts";

/** The transpose of a matrix. */
export function transposed(matrix: Tensor): Tensor {
  const [rows = 0, columns = 0] = matrix.shape;
  const data = allocate(matrix.dtype, matrix.data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) data[c * rows + r] = matrix.data[r * columns + c] ?? 0;
  }
  return { dtype: matrix.dtype, shape: [columns, rows], data };
}

/** Each element through `f`, rounded into the same dtype; the tensor itself where `f` is none. */
export function mapped(tensor: Tensor, f: (value: number, index: number) => number): Tensor {
  const data = allocate(tensor.dtype, tensor.data.length);
  tensor.data.forEach((value, i) => {
    data[i] = roundTo(tensor.dtype, f(value, i));
  });
  return { ...tensor, data };
}

export function scaled(tensor: Tensor, factor: number): Tensor {
  return factor === 1 ? tensor : mapped(tensor, (value) => value * factor);
}

/** The elements in another element type. */
export function castTo(tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const data = allocate(dtype, tensor.data.length);
  tensor.data.forEach((value, i) => {
    data[i] = roundTo(dtype, value);
  });
  return { dtype, shape: tensor.shape, data };
}

/** The same elements in another shape of as many. */
export function reshaped(tensor: Tensor, shape: Shape): Tensor {
  return { ...tensor, shape };
}

/** A vector of `length` from a tensor of `length` elements or of one, which is repeated. */
export function vectorOf(tensor: Tensor, length: number): Tensor {
  if (tensor.data.length === length) return reshaped(tensor, [length]);
  const data = allocate(tensor.dtype, length);
  data.fill(tensor.data[0] ?? 0);
  return { dtype: tensor.dtype, shape: [length], data };
}

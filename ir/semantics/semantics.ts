/**
 * What the meaning of a stateless op is: a function from operands to a result. The families beside
 * this file hold one such function per op kind. They are the reference that everything faster is
 * measured against, so they are slow and obvious: computed in double precision, rounded once.
 */
import { known } from "../diagnostic.ts";
import type { Op, OpKind, OpOf } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import { type Tensor, type TensorData, allocate, roundTo, tensor } from "../tensor.ts";
import { type DType, type Shape, stridesOf } from "../type.ts";

/** Result of one op on its operands. `op.type` is inferred: it has the result's dtype and shape. */
export type Semantics<K extends OpKind> = (
  op: OpOf<K>,
  inputs: readonly Tensor[],
  tensors: TensorLookup,
) => Tensor;

/** The meaning of every op of a family. */
export type SemanticsTable<K extends OpKind> = { readonly [P in K]: Semantics<P> };

/** Operand number `index`; the arity was checked when the op's type was inferred. */
export function operand(inputs: readonly Tensor[], index: number): Tensor {
  return known(inputs[index], `operand ${index}`);
}

/** The elements as doubles. A copy unless they are doubles already, so read it only. */
export function doubles(t: Tensor): Float64Array {
  return t.data instanceof Float64Array ? t.data : new Float64Array(t.data);
}

/** The result of `op` from values in double precision, each rounded once into the op's dtype. */
export function resultOf(op: Pick<Op, "type">, values: ArrayLike<number>): Tensor {
  return tensor(op.type.dtype, op.type.shape, rounded(op.type.dtype, values));
}

/** `roundTo` of every value, into a new array. */
function rounded(dtype: DType, values: ArrayLike<number>): TensorData {
  const data = allocate(dtype, values.length);
  roundInto(dtype, values, data);
  return data;
}

/**
 * `roundTo` of every value, into `data`, which holds elements of `dtype`. Float32 and narrow integer arrays
 * round by themselves in just that way, at many times the speed. Integers have no −0 and no NaN,
 * whatever holds them.
 */
export function roundInto(dtype: DType, values: ArrayLike<number>, data: TensorData): void {
  data.set(values);
  switch (dtype) {
    case "f64":
    case "f32":
    case "i32":
    case "i16":
    case "i8":
    case "u32":
    case "u16":
    case "u8":
      return;
    case "i64":
    case "u64":
      data.forEach((value, i) => (data[i] = Math.trunc(value) || 0));
      return;
    case "f16":
    case "bf16":
    case "bool":
      for (let i = 0; i < data.length; i++) data[i] = roundTo(dtype, values[i] ?? 0);
  }
}

/**
 * For each element of `target`, row-major, the index of the element of `shape` that broadcasting
 * puts there.
 */
export function broadcastIndices(shape: Shape, target: Shape): Int32Array {
  const strides = stridesOf(shape);
  const steps = target.map((_, axis) => {
    const own = axis - (target.length - shape.length);
    return own < 0 || shape[own] === 1 ? 0 : (strides[own] ?? 0);
  });
  return stridedIndices(target, steps);
}

/** For each index into `extents`, row-major, the sum of index · stride over the axes. */
export function stridedIndices(extents: Shape, strides: readonly number[]): Int32Array {
  let indices = new Int32Array(1);
  extents.forEach((extent, axis) => {
    const step = strides[axis] ?? 0;
    const next = new Int32Array(indices.length * extent);
    indices.forEach((base, i) => {
      for (let k = 0; k < extent; k++) next[i * extent + k] = base + k * step;
    });
    indices = next;
  });
  return indices;
}

/**
 * Where TensorFlow.js has the axes of a value: images [N, C, H, W] are stored with channels last, all
 * else as it is.
 */
import { known } from "../../../ir/diagnostic.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";

/** For each stored axis, the axis of the network's value. */
export function storedAxes({ length }: Shape): readonly number[] {
  return length === 4 ? [0, 2, 3, 1] : Array.from({ length }, (_, axis) => axis);
}

/** A list by axis, in the order of stored axes. */
export function stored<T>(list: readonly T[], shape: Shape): T[] {
  return storedAxes(shape).map((axis) => known(list[axis], "an entry for each axis"));
}

/** The stored axis that holds axis `axis` of the value. */
export function storedAxis(axis: number, shape: Shape): number {
  return storedAxes(shape).indexOf(axis);
}

/** Whether the elements of a value lie in the same order, stored or not. */
export function liesPlain(shape: Shape): boolean {
  const [, channels = 1, ...image] = shape;
  return shape.length !== 4 || channels === 1 || elementCount(image) === 1;
}

/** `transposed[i] = data[…]` for `perm` as of ONNX: axis k of the result is axis perm[k] of the operand. */
export function transposedData(
  data: ArrayLike<number>,
  shape: Shape,
  perm: readonly number[],
): Float32Array {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const extents = perm.map((axis) => known(shape[axis], "an extent"));
  const steps = perm.map((axis) => known(strides[axis], "a stride"));
  const result = new Float32Array(elementCount(shape));
  const position = extents.map(() => 0);
  let from = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[from] ?? 0;
    for (let k = extents.length - 1; k >= 0; k--) {
      const [step, extent, at] = [steps[k] ?? 0, extents[k] ?? 1, position[k] ?? 0];
      from += step;
      position[k] = at + 1;
      if (at + 1 < extent) break;
      from -= step * extent;
      position[k] = 0;
    }
  }
  return result;
}

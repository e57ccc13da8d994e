/** Tensors as constants that lie as the value does that they meet, so that both are read in order. */
import type { TensorRef } from "../../../../ir/tensor.ts";
import { type Shape, elementCount, stridesOf } from "../../../../ir/type.ts";
import type { RowTable } from "../../kernels/time/over-time.ts";
import { type View, broadcastView } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";

/** A tensor, broadcast to the shape of `like`. */
export function tensorLike(lowering: Lowering, ref: TensorRef, like: View): View {
  const { shape, data } = lowering.tensor(ref);
  return valuesLike(lowering, `@${ref}`, shape, data, like);
}

/** A table [rows, …] whose rows are broadcast to the shape of `like`; the lead is that of rows. */
export function rowsLike(lowering: Lowering, ref: TensorRef, like: View): RowTable {
  const { shape, data } = lowering.tensor(ref);
  const [rows = 0, ...rest] = shape;
  return { view: valuesLike(lowering, `rows of @${ref}`, rest, data, like, rows), rows };
}

/** Numbers of `shape`, row-major, broadcast to the shape of `like`, so many times; `name` says which. */
export function valuesLike(
  lowering: Lowering,
  name: string,
  shape: Shape,
  values: ArrayLike<number>,
  like: View,
  rows = 1,
): View {
  const element = like.element === "i32" ? "i32" : "f32";
  // Axes in the order in which `like` has them in memory.
  const missing = like.shape.length - shape.length;
  const order = [...shape.keys()].sort(
    (a, b) =>
      Math.abs(like.strides[b + missing] ?? 0) - Math.abs(like.strides[a + missing] ?? 0) || a - b,
  );
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  const own = stridesOf(shape);
  const count = elementCount(shape);
  const buffer = lowering.constant(`${name} ${element} ${order.join(" ")}`, () => {
    const all = element === "f32" ? new Float32Array(rows * count) : new Int32Array(rows * count);
    for (let i = 0; i < all.length; i++) {
      let at = i - (i % count);
      for (const [axis, extent] of shape.entries()) {
        at += (Math.floor(i / (own[axis] ?? 1)) % extent) * (strides[axis] ?? 0);
      }
      all[at] = values[i] ?? 0;
    }
    return all;
  });
  const lead = rows > 1 ? count : 0;
  return broadcastView({ buffer, element, offset: 0, shape, strides, lead }, like.shape);
}

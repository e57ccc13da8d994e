/** Tensors as constants that lie as the value does that they meet, so that both are read in order. */
import type { TensorRef } from "../../../../ir/tensor.ts";
import { type Shape, elementCount, stridesOf } from "../../../../ir/type.ts";
import { type View, broadcastView } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";

/** A tensor, broadcast to the shape of `like`. */
export function tensorLike(lowering: Lowering, ref: TensorRef, like: View): View {
  const { shape, data } = lowering.tensor(ref);
  return valuesLike(lowering, `@${ref}`, shape, data, like);
}

/** Numbers of `shape`, row-major, broadcast to the shape of `like`; `name` says which. */
export function valuesLike(
  lowering: Lowering,
  name: string,
  shape: Shape,
  values: ArrayLike<number>,
  like: View,
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
  const buffer = lowering.constant(`${name} ${element} ${order.join(" ")}`, () => {
    const all =
      element === "f32"
        ? new Float32Array(elementCount(shape))
        : new Int32Array(elementCount(shape));
    for (let i = 0; i < all.length; i++) {
      let at = 0;
      for (const [axis, extent] of shape.entries()) {
        at += (Math.floor(i / (own[axis] ?? 1)) % extent) * (strides[axis] ?? 0);
      }
      all[at] = values[i] ?? 0;
    }
    return all;
  });
  return broadcastView({ buffer, element, offset: 0, shape, strides, lead: 0 }, like.shape);
}

/** What max-pooling computes; spiking pools use it on their running sums. */
import type { PoolAttrs } from "../../op/op.ts";
import type { PoolKind } from "../../op/families/pool.ts";
import { type Shape, elementCount } from "../../type.ts";
import { connectionRows, windowsOf } from "../../analysis/window.ts";
import { type SemanticsTable, doubles, operand, resultOf } from "../semantics.ts";

export const poolSemantics: SemanticsTable<PoolKind> = {
  "ann.max-pool": (op, inputs) => {
    const x = operand(inputs, 0);
    return resultOf(op, maxPool(op.attrs, x.shape, op.type.shape, doubles(x)));
  },
};

/** Maxima over windows of [batch, channels, …spatial]. NaN wins over everything, padding never. */
export function maxPool(
  attrs: PoolAttrs,
  shape: Shape,
  outShape: Shape,
  x: Float64Array,
): Float64Array<ArrayBuffer> {
  const windows = windowsOf(attrs, attrs.kernel, shape.length);
  const rows = connectionRows(shape.slice(2), outShape.slice(2), windows);
  const plane = elementCount(shape.slice(2));
  const outPlane = elementCount(outShape.slice(2));
  const y = new Float64Array(elementCount(outShape)).fill(-Infinity);
  for (let p = 0; p * outPlane < y.length; p++) {
    for (const { input, window, count, stride } of rows) {
      for (let j = 0; j < count; j++) {
        const at = p * outPlane + window + j;
        y[at] = Math.max(y[at] ?? 0, x[p * plane + input + j * stride] ?? 0);
      }
    }
  }
  return y;
}

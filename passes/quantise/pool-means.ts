/**
 * Means over spatial axes as average-pools with one window, which have an integer form: the sum of the
 * window. What global average-pooling is.
 */
import { rewrite } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import { fusedLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";

/** The same network; the same object where there is no such mean. */
export function poolMeans(module: Module, pass: string): Module {
  const isSpatial = (axes: readonly number[]): boolean =>
    axes.length > 0 && axes.every((axis) => axis >= 2);
  if (!module.ops.some((op) => isOp(op, "ann.reduce-mean") && isSpatial(op.attrs.axes))) {
    return module;
  }
  return rewrite(module, (op, builder) => {
    if (!isOp(op, "ann.reduce-mean") || !isSpatial(op.attrs.axes)) return null;
    const { axes, keepDims } = op.attrs;
    const x = known(op.inputs[0], "an operand");
    const { shape } = builder.typeOf(x);
    const spatial = shape.slice(2);
    if (spatial.length > 3) return null;
    const each = (value: number): number[] => spatial.map(() => value);
    const attrs = {
      kernel: spatial.map((extent, i) => (axes.includes(i + 2) ? extent : 1)),
      strides: each(1),
      padsBegin: each(0),
      padsEnd: each(0),
      dilations: each(1),
      ceilMode: false,
      countIncludePad: false,
    };
    const loc = fusedLoc(pass, [op.loc]);
    const result = keepDims ? op.result : undefined;
    const pooled = builder.add("ann.average-pool", [x], attrs, loc, result);
    if (keepDims) return pooled;
    return builder.add("ann.reshape", [pooled], { shape: op.type.shape }, loc, op.result);
  });
}

/** Ops that only multiply each element and add to it. */
import { isOp, type Op } from "../../../ir/op/op.ts";
import { type Module, tensorAt } from "../../../ir/module.ts";
import { elementCount } from "../../../ir/type.ts";
import { spread } from "./parameters.ts";

export interface Scale {
  /** By element of the result, row-major. */
  readonly factors: Float64Array;
  readonly shift: Float64Array;
}

/** The scale that an op is: an affine map, or a convolution of single elements, channel by channel. */
export function scaleOf(op: Op, module: Module): Scale | null {
  const { shape } = op.type;
  if (isOp(op, "ann.affine")) {
    const factors = spread(tensorAt(module, op.attrs.scale), shape);
    return { factors, shift: spread(tensorAt(module, op.attrs.shift), shape) };
  }
  if (!isOp(op, "ann.conv")) return null;
  const { weight, bias, groups, strides, padsBegin, padsEnd } = op.attrs;
  const kernel = tensorAt(module, weight);
  const [out = 0, into = 0, ...taps] = kernel.shape;
  const isSingle = taps.every((extent) => extent === 1) && strides.every((stride) => stride === 1);
  const isPadded = [...padsBegin, ...padsEnd].some((count) => count !== 0);
  if (groups !== out || into !== 1 || shape[1] !== out || !isSingle || isPadded) return null;
  const perChannel = shape.map((_, axis) => (axis === 1 ? out : 1));
  const factors = spread({ ...kernel, shape: perChannel }, shape);
  const shift =
    bias === null
      ? new Float64Array(elementCount(shape))
      : spread({ ...tensorAt(module, bias), shape: perChannel }, shape);
  return { factors, shift };
}

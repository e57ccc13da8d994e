/** Elementwise ops whose factors are tensors of the module: affine, batchnorm, prelu. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import type { View } from "../../memory/view.ts";
import { choose, splat } from "../../kernels/functions.ts";
import { tensorLike, valuesLike } from "./constants.ts";
import { emitForm } from "./elementwise.ts";
import type { VectorForm } from "./forms.ts";
import { type Lowering, elementOf } from "../lowering.ts";

export function lowerAffine(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "ann.affine", "ann.batchnorm", "ann.prelu")) return null;
  const value = lowering.operandOf(op);
  const from = elementOf(lowering.opOf(value).type.dtype);
  const to = elementOf(op.type.dtype);
  if (from === null || from !== to) return null;
  if (isOp(op, "ann.affine")) {
    if (to === "i32" && op.type.dtype !== "i32") return null;
    const x = lowering.dense(value);
    const factors = [op.attrs.scale, op.attrs.shift].map((ref) => tensorLike(lowering, ref, x));
    return emitForm(lowering, op, [x, ...factors], to === "i32" ? integerAffine : affine);
  }
  if (to !== "f32") return null;
  const x = lowering.dense(value);
  if (isOp(op, "ann.prelu")) {
    return emitForm(lowering, op, [x, tensorLike(lowering, op.attrs.slope, x)], prelu);
  }
  return emitForm(lowering, op, [x, ...normalisation(lowering, op, x)], batchnorm);
}

const affine: VectorForm = ({ wasm: { f32x4 } }, [x, scale, shift]) =>
  f32x4.add(
    f32x4.mul(known(x, "x").get(), known(scale, "a scale").get()),
    known(shift, "a shift").get(),
  );

const integerAffine: VectorForm = ({ wasm: { i32x4 } }, [x, scale, shift]) =>
  i32x4.add(
    i32x4.mul(known(x, "x").get(), known(scale, "a scale").get()),
    known(shift, "a shift").get(),
  );

const batchnorm: VectorForm = ({ wasm: { f32x4 } }, [x, mean, scale, bias]) =>
  f32x4.add(
    f32x4.mul(
      f32x4.sub(known(x, "x").get(), known(mean, "a mean").get()),
      known(scale, "a scale").get(),
    ),
    known(bias, "a bias").get(),
  );

const prelu: VectorForm = (code, [operand, slope]) => {
  const { f32x4 } = code.wasm;
  const x = known(operand, "x");
  const isNegative = f32x4.lt(x.get(), splat(code, 0));
  const below = f32x4.mul(x.get(), known(slope, "a slope").get());
  return choose(code, isNegative, below, x.get());
};

/** Mean, scale / √(variance + epsilon) and bias, per channel. */
function normalisation(lowering: Lowering, op: OpOf<"ann.batchnorm">, x: View): readonly View[] {
  const { attrs } = op;
  const variance = lowering.tensor(attrs.variance).data;
  const scale = lowering.tensor(attrs.scale).data;
  const factors = Array.from(variance, (v, c) => (scale[c] ?? 0) / Math.sqrt(v + attrs.epsilon));
  const shape = x.shape.slice(1).map((extent, axis) => (axis === 0 ? extent : 1));
  const along = (name: string, values: ArrayLike<number>): View =>
    valuesLike(lowering, `%${op.result} ${name}`, shape, values, x);
  return [
    along("mean", lowering.tensor(attrs.mean).data),
    along("scale", factors),
    along("bias", lowering.tensor(attrs.bias).data),
  ];
}

/** Normalisations by the mean and variance of the elements at hand, and by neighbouring channels. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import { exp, log, splat } from "../../kernels/functions.ts";
import { type View, withAxes } from "../../memory/view.ts";
import { tensorLike, valuesLike } from "./constants.ts";
import type { VectorForm } from "./forms.ts";
import type { Lowering } from "../lowering.ts";
import { emitMap, emitReduction, foldedPlace } from "./reductions.ts";
import { scratchLike } from "../scratch.ts";

export function lowerNorm(lowering: Lowering, op: Op): View | null {
  if (op.type.dtype !== "f32") return null;
  if (isOp(op, "ann.layernorm")) return lowerLayerNorm(lowering, op);
  if (isOp(op, "ann.groupnorm")) return lowerGroupNorm(lowering, op);
  if (isOp(op, "ann.lrn")) return lowerLocalResponse(lowering, op);
  return null;
}

function lowerLayerNorm(lowering: Lowering, op: OpOf<"ann.layernorm">): View {
  const { axis, epsilon, scale, bias } = op.attrs;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const axes = [...input.shape.keys()].filter((each) => each >= axis);
  const factors = [scale, bias].map((ref, i) =>
    ref === null
      ? valuesLike(lowering, `ones and zeros ${1 - i}`, [], [1 - i], input)
      : tensorLike(lowering, ref, input),
  );
  emitStandardised(lowering, op, input, output, axes, epsilon, factors);
  return output;
}

function lowerGroupNorm(lowering: Lowering, op: OpOf<"ann.groupnorm">): View {
  const { groups, epsilon, scale, bias } = op.attrs;
  const output = lowering.place(op.result);
  // Channels as groups by channels of a group.
  const grouped = (view: View): View => {
    const [batch = 1, channels = 1, ...spatial] = view.shape;
    const [first = 0, stride = 0, ...rest] = view.strides;
    const size = channels / groups;
    return withAxes(
      view,
      [batch, groups, size, ...spatial],
      [first, stride * size, stride, ...rest],
    );
  };
  const input = grouped(lowering.dense(lowering.operandOf(op)));
  const shape = input.shape.map((extent, axis) => (axis === 1 || axis === 2 ? extent : 1));
  const factors = [scale, bias].map((ref) =>
    valuesLike(lowering, `@${ref} by group ${groups}`, shape, lowering.tensor(ref).data, input),
  );
  const axes = [...input.shape.keys()].filter((axis) => axis >= 2);
  emitStandardised(lowering, op, input, grouped(output), axes, epsilon, factors);
  return output;
}

/** (x − mean) / √(variance + epsilon) over `axes`, then times a scale, plus a bias. */
function emitStandardised(
  lowering: Lowering,
  op: Op,
  input: View,
  output: View,
  axes: readonly number[],
  epsilon: number,
  factors: readonly View[],
): void {
  const divisor = elementCount(axes.map((axis) => input.shape[axis] ?? 1));
  const mean = foldedPlace(lowering, op, "mean", input, axes);
  emitReduction(lowering, op, mean, [input], axes, { kind: "sum", divisor });
  const scale = foldedPlace(lowering, op, "deviation", input, axes);
  emitReduction(lowering, op, scale, [input, mean], axes, {
    kind: "sum",
    divisor,
    term: ({ wasm: { f32x4 } }, [x, m]) => f32x4.sub(known(x, "x").get(), known(m, "a mean").get()),
    squared: true,
    finishWide: ({ wasm: { f64, f64x2 } }, variance) =>
      f64x2.sqrt(f64x2.add(variance.get(), f64x2.splat(f64.const(epsilon)))),
  });
  emitMap(lowering, op, output, [input, mean, scale, ...factors], standardise);
}

const standardise: VectorForm = ({ wasm: { f32x4 } }, operands) => {
  const [x, mean, deviation, scale, bias] = operands.map((local) => local.get());
  const centred = f32x4.sub(known(x, "x"), known(mean, "a mean"));
  const unit = f32x4.div(centred, known(deviation, "a deviation"));
  return f32x4.add(f32x4.mul(unit, known(scale, "a scale")), known(bias, "a bias"));
};

/** Most channels around one that are summed in one expression. */
const mostNeighbours = 16;

/** x / (bias + alpha / size · Σ x²)^beta over the channels around each. */
function lowerLocalResponse(lowering: Lowering, op: OpOf<"ann.lrn">): View | null {
  const { size, alpha, beta, bias } = op.attrs;
  if (size > mostNeighbours) return null;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const [batch = 1, channels = 1, ...spatial] = input.shape;
  const wide = [batch, channels + size - 1, ...spatial];
  const steps = lowering.stepsOf(op.result);
  // Squares with channels of zeros on both sides.
  const squares = scratchLike(lowering, `%${op.result} squares`, "f32", wide, input, steps);
  const shifted = (by: number): View =>
    withAxes(squares, input.shape, squares.strides, by * (squares.strides[1] ?? 0));
  emitMap(lowering, op, squares, [], (code) => splat(code, 0));
  emitMap(lowering, op, shifted(Math.floor((size - 1) / 2)), [input], ({ wasm }, [x]) => {
    const value = known(x, "x");
    return wasm.f32x4.mul(value.get(), value.get());
  });
  const neighbours = Array.from({ length: size }, (_, by) => shifted(by));
  emitMap(lowering, op, output, [input, ...neighbours], (code, [x, ...terms]) => {
    const { f32x4 } = code.wasm;
    const sum = terms.map((term) => term.get()).reduce((a, b) => f32x4.add(a, b));
    const scaled = f32x4.mul(sum, splat(code, alpha / size));
    const base = code.define("v128", f32x4.add(scaled, splat(code, bias)));
    const exponent = code.define("v128", f32x4.mul(log(code, base), splat(code, -beta)));
    return f32x4.mul(known(x, "x").get(), exp(code, exponent));
  });
  return output;
}

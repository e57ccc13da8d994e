/** Changes of element type: casts, and the linear quantisation of integer mode. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { dtypeLimits } from "../../../../ir/semantics/values/scalar.ts";
import type { DType } from "../../../../ir/type.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { splat } from "../../kernels/functions.ts";
import type { Compute } from "../../kernels/nest.ts";
import type { View } from "../../memory/view.ts";
import { valuesLike } from "./constants.ts";
import { computeOf, emitElements } from "./elementwise.ts";
import type { VectorForm } from "./forms.ts";
import { type Lowering, elementOf } from "../lowering.ts";

export function lowerConversion(lowering: Lowering, op: Op): View | null {
  const element = elementOf(op.type.dtype);
  const [operand] = op.inputs;
  if (element === null || operand === undefined) return null;
  const from = lowering.opOf(operand).type.dtype;
  if (elementOf(from) === null) return null;
  if (isOp(op, "ann.cast")) {
    const input = lowering.dense(operand);
    return emitElements(lowering, op, [input], (code) => castOf(code, from, op.type.dtype), false);
  }
  if (isOp(op, "ann.quantize-linear")) return lowerQuantize(lowering, op, from);
  if (isOp(op, "ann.dequantize-linear")) return lowerDequantize(lowering, op);
  return null;
}

/** Truncates floats and wraps integers; truth is what is not zero. */
function castOf(code: FunctionWriter, from: DType, to: DType): Compute {
  const { f32, i32, i64 } = code.wasm;
  const isFloat = from === "f32";
  return (_, [operand]) => {
    const x = known(operand, "an operand");
    if (to === "f32") return isFloat ? x.get() : f32.convert_s.i32(x.get());
    if (to === "bool") {
      return isFloat ? f32.ne(x.get(), f32.const(0)) : i32.ne(x.get(), code.int(0));
    }
    if (!isFloat) return wrapped(code, x.get(), to);
    // By way of 64 bits, so that what leaves 32 wraps; from 2^63 on, all low bits are zero.
    const fits = f32.lt(f32.abs(x.get()), f32.const(2 ** 63));
    const whole = i32.wrap(i64.trunc_s_sat.f32(x.get()));
    return wrapped(code, code.wasm.select(fits, whole, code.int(0)), to);
  };
}

function wrapped(code: FunctionWriter, value: Expr, to: DType): Expr {
  const { i32 } = code.wasm;
  switch (to) {
    case "i8":
      return i32.extend8_s(value);
    case "i16":
      return i32.extend16_s(value);
    case "u8":
      return i32.and(value, code.int(0xff));
    case "u16":
      return i32.and(value, code.int(0xffff));
    default:
      return value;
  }
}

/** Operand number `index`, per tensor or along the op's axis, where it is a constant. */
function parameter(
  lowering: Lowering,
  op: OpOf<"ann.quantize-linear" | "ann.dequantize-linear">,
  index: number,
  like: View,
): View | null {
  const source = lowering.opOf(lowering.operandOf(op, index));
  if (!isOp(source, "ann.constant")) return null;
  const { data } = lowering.tensor(source.attrs.value);
  const shape = like.shape.map((extent, axis) =>
    data.length > 1 && axis === op.attrs.axis ? extent : 1,
  );
  return valuesLike(lowering, `@${source.attrs.value} along ${op.attrs.axis}`, shape, data, like);
}

/** To integers of 8 or 16 bits, which float32 holds exactly. */
function lowerQuantize(
  lowering: Lowering,
  op: OpOf<"ann.quantize-linear">,
  from: DType,
): View | null {
  const { to } = op.attrs;
  const scaleType = lowering.opOf(lowering.operandOf(op, 1)).type.dtype;
  const narrow: readonly DType[] = ["i8", "u8", "i16", "u16"];
  if (from !== "f32" || scaleType !== "f32" || !narrow.includes(to)) return null;
  const input = lowering.dense(lowering.operandOf(op));
  const scale = parameter(lowering, op, 1, input);
  const zero = parameter(lowering, op, 2, input);
  if (scale === null || zero === null) return null;
  const [low, high] = dtypeLimits(to);
  const form: VectorForm = (code, [x, s, z]) => {
    const { f32x4, i32x4 } = code.wasm;
    const quotient = f32x4.div(known(x, "x").get(), known(s, "a scale").get());
    const shifted = f32x4.add(f32x4.nearest(quotient), known(z, "a zero point").get());
    const held = f32x4.max(f32x4.min(shifted, splat(code, high)), splat(code, low));
    // NaN becomes 0.
    return i32x4.trunc_sat_f32x4_s(held);
  };
  const operands = [input, scale, zero];
  return emitElements(
    lowering,
    op,
    operands,
    (code) => computeOf(code, operands, form, "i32"),
    true,
  );
}

/** (x − zero point) · scale, in double precision. */
function lowerDequantize(lowering: Lowering, op: OpOf<"ann.dequantize-linear">): View | null {
  const input = lowering.dense(lowering.operandOf(op));
  if (input.element !== "i32" || op.type.dtype !== "f32") return null;
  const floats: View = { ...input, element: "f32" };
  const scale = parameter(lowering, op, 1, floats);
  const zero = parameter(lowering, op, 2, input);
  if (scale === null || zero === null) return null;
  const compute =
    (code: FunctionWriter): Compute =>
    (_, [x, s, z]) => {
      const { f64, f32 } = code.wasm;
      const wide = (value: Local | undefined): Expr =>
        f64.convert_s.i32(known(value, "an integer").get());
      const factor = f64.promote(known(s, "a scale").get());
      return f32.demote(f64.mul(f64.sub(wide(x), wide(z)), factor));
    };
  return emitElements(lowering, op, [input, scale, zero], compute, false);
}

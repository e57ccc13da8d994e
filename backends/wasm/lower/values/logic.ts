/** Comparisons, logic and selection. Truth is held as 0 or 1 in an i32. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter } from "../../assembler/code.ts";
import { splat } from "../../kernels/functions.ts";
import type { VectorForm } from "./forms.ts";
import { elementOf, type Lowering } from "../lowering.ts";

const comparisons = {
  "ann.equal": ["eq", "eq"],
  "ann.greater": ["gt", "gt_s"],
  "ann.greater-or-equal": ["ge", "ge_s"],
  "ann.less": ["lt", "lt_s"],
  "ann.less-or-equal": ["le", "le_s"],
} as const;

/** One bit of each lane that is all ones. */
function truth(code: FunctionWriter, mask: Expr): Expr {
  return code.wasm.v128.and(mask, code.wasm.i32x4.splat(code.int(1)));
}

/** The form of an op that makes or reads truth values; null where it is none. */
export function logicOf(lowering: Lowering, op: Op): VectorForm | null {
  const elements = op.inputs.map((value) => elementOf(lowering.opOf(value).type.dtype));
  if (elements.includes(null) || elementOf(op.type.dtype) === null) return null;
  if (
    isOp(op, "ann.equal", "ann.greater", "ann.greater-or-equal", "ann.less", "ann.less-or-equal")
  ) {
    const [ofFloats, ofIntegers] = comparisons[op.kind];
    return (code, [a, b]) => {
      const { f32x4, i32x4 } = code.wasm;
      const [left, right] = [known(a, "an operand").get(), known(b, "an operand").get()];
      const mask =
        elements[0] === "f32" ? f32x4[ofFloats](left, right) : i32x4[ofIntegers](left, right);
      return truth(code, mask);
    };
  }
  if (isOp(op, "ann.is-nan") && elements[0] === "f32") {
    return (code, [x]) => {
      const value = known(x, "an operand");
      return truth(code, code.wasm.f32x4.ne(value.get(), value.get()));
    };
  }
  if (isOp(op, "ann.is-inf") && elements[0] === "f32") {
    const { negative, positive } = op.attrs;
    return (code, [x]) => {
      const { f32x4, v128 } = code.wasm;
      const value = known(x, "an operand");
      const is = (wanted: boolean, infinity: number): Expr =>
        wanted ? f32x4.eq(value.get(), splat(code, infinity)) : splat(code, 0);
      return truth(code, v128.or(is(negative, -Infinity), is(positive, Infinity)));
    };
  }
  if (isOp(op, "ann.and", "ann.or", "ann.xor")) {
    const name = op.kind === "ann.and" ? "and" : op.kind === "ann.or" ? "or" : "xor";
    return (code, [a, b]) =>
      code.wasm.v128[name](known(a, "an operand").get(), known(b, "an operand").get());
  }
  if (isOp(op, "ann.not")) {
    return (code, [x]) => truth(code, code.wasm.v128.not(known(x, "an operand").get()));
  }
  if (isOp(op, "ann.where")) {
    return (code, [condition, x, y]) => {
      const isFalse = code.wasm.i32x4.eq(known(condition, "a condition").get(), splat(code, 0));
      return code.wasm.v128.bitselect(
        known(y, "an operand").get(),
        known(x, "an operand").get(),
        isFalse,
      );
    };
  }
  return null;
}

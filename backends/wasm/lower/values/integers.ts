/** Elementwise ops on 32-bit integers, which wrap as C's do. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import type { VectorForm } from "./forms.ts";

/** The form of an op whose operands and result are held as i32; null where it has none. */
export function integerFormOf(op: Op): VectorForm | null {
  if (isOp(op, "ann.max", "ann.min")) {
    const name = op.kind === "ann.max" ? "max_s" : "min_s";
    return (code, [a, b]) =>
      code.wasm.i32x4[name](known(a, "an operand").get(), known(b, "an operand").get());
  }
  if (isOp(op, "ann.relu")) {
    return ({ wasm }, [x]) =>
      wasm.i32x4.max_s(known(x, "an operand").get(), wasm.i32x4.splat(wasm.i32.const(0)));
  }
  // What follows may leave a narrower type's range.
  if (op.type.dtype !== "i32") return null;
  if (isOp(op, "ann.add", "ann.sub", "ann.mul")) {
    const name = op.kind === "ann.add" ? "add" : op.kind === "ann.sub" ? "sub" : "mul";
    return (code, [a, b]) =>
      code.wasm.i32x4[name](known(a, "an operand").get(), known(b, "an operand").get());
  }
  if (isOp(op, "ann.neg")) return ({ wasm }, [x]) => wasm.i32x4.neg(known(x, "an operand").get());
  if (isOp(op, "ann.abs")) return ({ wasm }, [x]) => wasm.i32x4.abs(known(x, "an operand").get());
  return null;
}

/** Elementwise ops with a vector form. */
import { known } from "../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../ir/op.ts";
import type { Expr } from "../assembler/assembler.ts";
import type { Code, Local } from "../assembler/code.ts";
import { type Compute, type Lanes, elementwise } from "../kernels/nest.ts";
import { type View, broadcastView } from "../memory/view.ts";
import type { Lowering } from "./lowering.ts";

/** Arithmetic that lanes can do; other functions of values are lowered elsewhere. */
export function lowerElementwise(lowering: Lowering, op: Op): View | null {
  const { dtype, shape } = op.type;
  const integers = dtype === "i32";
  if (!integers && dtype !== "f32") return null;
  if (op.inputs.some((v) => lowering.opOf(v).type.dtype !== dtype)) return null;
  const compute = computeOf(op, integers);
  if (compute === null) return null;
  const inputs = op.inputs.map((value) => broadcastView(lowering.dense(value), shape));
  const output = lowering.place(op.result);
  const steps = lowering.stepsOf(op.result);
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: inputs.map(({ buffer }) => buffer),
    writes: [output.buffer],
    emit(code) {
      elementwise(code, output, inputs, steps, compute(code));
    },
  });
  return output;
}

function computeOf(op: Op, integers: boolean): ((code: Code) => Compute) | null {
  const binary =
    (f: (code: Code, lanes: Lanes, a: Local, b: Local) => Expr) =>
    (code: Code): Compute =>
    (lanes, [a, b]) =>
      f(code, lanes, known(a, "an operand"), known(b, "an operand"));
  const unary =
    (f: (code: Code, lanes: Lanes, a: Local) => Expr) =>
    (code: Code): Compute =>
    (lanes, [a]) =>
      f(code, lanes, known(a, "an operand"));
  if (isOp(op, "ann.add", "ann.sub", "ann.mul")) {
    const name = op.kind === "ann.add" ? "add" : op.kind === "ann.sub" ? "sub" : "mul";
    return binary(({ wasm }, lanes, a, b) => {
      if (integers) return (lanes === "vector" ? wasm.i32x4 : wasm.i32)[name](a.get(), b.get());
      return (lanes === "vector" ? wasm.f32x4 : wasm.f32)[name](a.get(), b.get());
    });
  }
  if (integers) return null;
  if (isOp(op, "ann.div")) {
    return binary(({ wasm }, lanes, a, b) =>
      (lanes === "vector" ? wasm.f32x4 : wasm.f32).div(a.get(), b.get()),
    );
  }
  if (isOp(op, "ann.relu")) {
    return unary((code, lanes, a) => bounded(code, lanes, a, 0, Infinity));
  }
  if (isOp(op, "ann.clip")) {
    const { min, max } = op.attrs;
    return unary((code, lanes, a) => bounded(code, lanes, a, min, max));
  }
  return null;
}

/** The value held within bounds; NaN stays. */
function bounded(code: Code, lanes: Lanes, a: Local, min: number, max: number): Expr {
  const { wasm } = code;
  const { f32x4, f32 } = wasm;
  if (lanes === "vector") {
    const low = f32x4.pmax(a.get(), f32x4.splat(f32.const(min)));
    return f32x4.pmin(low, f32x4.splat(f32.const(max)));
  }
  a.set(wasm.select(f32.lt(a.get(), f32.const(min)), f32.const(min), a.get()));
  return wasm.select(f32.gt(a.get(), f32.const(max)), f32.const(max), a.get());
}

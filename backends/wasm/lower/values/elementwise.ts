/** Elementwise ops: loops over views around the forms that forms.ts and its siblings know. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { type Compute, elementwise } from "../../kernels/nest.ts";
import { type Element, type View, broadcastView } from "../../memory/view.ts";
import { type VectorForm, formOf, hostFunctions } from "./forms.ts";
import { integerFormOf } from "./integers.ts";
import { logicOf } from "./logic.ts";
import { type Lowering, elementOf } from "../lowering.ts";

/** Arithmetic and functions, one element at a time. */
export function lowerElementwise(lowering: Lowering, op: Op): View | null {
  const form = isSquare(lowering, op) ? square : elementwiseForm(lowering, op);
  const operands = (): View[] => op.inputs.map((value) => lowering.dense(value));
  if (form !== null) return emitForm(lowering, op, operands(), form);
  if (!isFloat32(lowering, op)) return null;
  const name = hostFunctions.get(op.kind);
  const compute = isOp(op, "ann.pow") ? power : name === undefined ? null : callOf(name);
  return compute === null ? null : emitElements(lowering, op, operands(), compute, false);
}

/** The most common of powers. */
function isSquare(lowering: Lowering, op: Op): boolean {
  if (!isOp(op, "ann.pow") || !isFloat32(lowering, op)) return false;
  const exponent = lowering.opOf(lowering.operandOf(op, 1));
  if (!isOp(exponent, "ann.constant")) return false;
  return lowering.tensor(exponent.attrs.value).data.every((value) => value === 2);
}

const square: VectorForm = ({ wasm: { f32x4 } }, [x]) => {
  const base = known(x, "a base");
  return f32x4.mul(base.get(), base.get());
};

function isFloat32(lowering: Lowering, op: Op): boolean {
  const types = [op, ...op.inputs.map((value) => lowering.opOf(value))];
  return types.every(({ type }) => type.dtype === "f32");
}

function elementwiseForm(lowering: Lowering, op: Op): VectorForm | null {
  if (isFloat32(lowering, op)) {
    const form = formOf(op);
    if (form !== null) return form;
  }
  const elements = op.inputs.map((value) => elementOf(lowering.opOf(value).type.dtype));
  if (op.type.dtype !== "bool" && [...elements, elementOf(op.type.dtype)].every(isI32)) {
    const form = integerFormOf(op);
    if (form !== null) return form;
  }
  return logicOf(lowering, op);
}

function isI32(element: Element | null): boolean {
  return element === "i32";
}

/** Emits `form` over operands that broadcast to the op's shape. */
export function emitForm(
  lowering: Lowering,
  op: Op,
  operands: readonly View[],
  form: VectorForm,
): View {
  const element = known(elementOf(op.type.dtype), "an element type");
  const compute = (code: FunctionWriter): Compute => computeOf(code, operands, form, element);
  return emitElements(lowering, op, operands, compute, true);
}

/** A form as nests want it: where only one element is there, it is the first of four. */
export function computeOf(
  code: FunctionWriter,
  operands: readonly View[],
  form: VectorForm,
  result: Element,
): Compute {
  return (lanes, locals) => {
    if (lanes === "vector") return form(code, locals);
    const { f32x4, i32x4 } = code.wasm;
    const wide = locals.map((local, i) => {
      const unit = operands[i]?.element === "f32" ? f32x4 : i32x4;
      return code.define("v128", unit.splat(local.get()));
    });
    const value = form(code, wide);
    return result === "f32" ? f32x4.extract_lane(value, 0) : i32x4.extract_lane(value, 0);
  };
}

/** Emits the op as a function of its operands' elements, which are broadcast to its shape. */
export function emitElements(
  lowering: Lowering,
  op: Op,
  operands: readonly View[],
  compute: (code: FunctionWriter) => Compute,
  canBeVector: boolean,
): View {
  const inputs = operands.map((view) => broadcastView(view, op.type.shape));
  const output = lowering.place(op.result);
  const steps = lowering.stepsOf(op.result);
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: inputs.map(({ buffer }) => buffer),
    writes: [output.buffer],
    emit(code) {
      elementwise(code, output, inputs, steps, compute(code), canBeVector);
    },
  });
  return output;
}

/** A function of the host on doubles. */
function callOf(name: string): (code: FunctionWriter) => Compute {
  return (code) =>
    (_, [x]) => {
      const { f64, f32 } = code.wasm;
      const argument = f64.promote(known(x, "an operand").get());
      return f32.demote(code.assembler.callHost(name, [argument]));
    };
}

/** C's pow, which differs from JavaScript's where |base| is 1. */
function power(code: FunctionWriter): Compute {
  return (_, [base, exponent]) => {
    const { f64, f32, i32 } = code.wasm;
    const [a, b] = [known(base, "a base"), known(exponent, "an exponent")];
    const wide = (x: Local): Expr => f64.promote(x.get());
    const value = f32.demote(code.assembler.callHost("pow", [wide(a), wide(b)]));
    const isUnit = i32.or(
      f32.eq(a.get(), f32.const(1)),
      i32.and(f32.eq(a.get(), f32.const(-1)), f32.eq(f32.abs(b.get()), f32.const(Infinity))),
    );
    return code.wasm.select(isUnit, f32.const(1), value);
  };
}

/** Structural ops: as other views of the same memory where strides can say it, as copies else. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { elementwise } from "../../kernels/nest.ts";
import { type View, broadcastView, reshapeView, withAxes } from "../../memory/view.ts";
import { type Lowering, elementOf } from "../lowering.ts";
import { compact } from "../copies.ts";

export function lowerMove(lowering: Lowering, op: Op): View | null {
  if (elementOf(op.type.dtype) === null) return null;
  if (isOp(op, "ann.identity")) return lowering.dense(lowering.operandOf(op));
  if (isOp(op, "ann.reshape")) {
    const value = lowering.operandOf(op);
    const view = lowering.dense(value);
    const { shape } = op.type;
    return reshapeView(view, shape) ?? reshapeView(compact(lowering, value, view), shape);
  }
  if (isOp(op, "ann.transpose")) {
    const view = lowering.dense(lowering.operandOf(op));
    const { perm } = op.attrs;
    return withAxes(
      view,
      op.type.shape,
      perm.map((axis) => view.strides[axis] ?? 0),
    );
  }
  if (isOp(op, "ann.slice")) {
    const view = lowering.dense(lowering.operandOf(op));
    const { starts, steps } = op.attrs;
    if (steps.some((step) => step < 0)) return null;
    const offset = starts.reduce((sum, at, axis) => sum + at * (view.strides[axis] ?? 0), 0);
    const strides = view.strides.map((stride, axis) => stride * (steps[axis] ?? 1));
    return withAxes(view, op.type.shape, strides, offset);
  }
  if (isOp(op, "ann.expand")) {
    return broadcastView(lowering.dense(lowering.operandOf(op)), op.type.shape);
  }
  if (isOp(op, "ann.concat")) return lowerConcat(lowering, op.attrs.axis, op);
  if (isOp(op, "ann.pad")) return lowerPad(lowering, op);
  return null;
}

function lowerConcat(lowering: Lowering, axis: number, op: Op): View | null {
  const parts = op.inputs.map((value) => lowering.dense(value));
  const output = lowering.place(op.result);
  const steps = lowering.stepsOf(op.result);
  let at = 0;
  const targets = parts.map((part) => {
    const target = withAxes(output, part.shape, output.strides, at * (output.strides[axis] ?? 0));
    at += part.shape[axis] ?? 0;
    return target;
  });
  parts.forEach((part, i) => {
    const target = known(targets[i], "a part");
    lowering.emit({
      name: `%${op.result} part ${i}`,
      phase: lowering.phaseOf(op.result),
      reads: [part.buffer],
      writes: [output.buffer],
      emit(code) {
        elementwise(code, target, [part], steps, (_, [x]) => known(x, "an operand").get());
      },
    });
  });
  return output;
}

/** What negative pads leave. */
function cropped(view: View, op: OpOf<"ann.pad">): View {
  const { begin, end } = op.attrs;
  const cut = (pad: number | undefined): number => Math.max(0, -(pad ?? 0));
  const shape = view.shape.map((extent, axis) => extent - cut(begin[axis]) - cut(end[axis]));
  const offset = begin.reduce((sum, pad, axis) => sum + cut(pad) * (view.strides[axis] ?? 0), 0);
  return withAxes(view, shape, view.strides, offset);
}

/** Padding by a constant: the whole filled, then the middle copied. */
function lowerPad(lowering: Lowering, op: OpOf<"ann.pad">): View | null {
  const { begin, mode, value } = op.attrs;
  if (mode !== "constant") return null;
  const inner = cropped(lowering.dense(lowering.operandOf(op)), op);
  const output = lowering.place(op.result);
  const steps = lowering.stepsOf(op.result);
  const offset = begin.reduce(
    (sum, pad, axis) => sum + Math.max(0, pad) * (output.strides[axis] ?? 0),
    0,
  );
  const target = withAxes(output, inner.shape, output.strides, offset);
  const phase = lowering.phaseOf(op.result);
  const float = output.element === "f32";
  lowering.emit({
    name: `%${op.result} fill`,
    phase,
    reads: [],
    writes: [output.buffer],
    emit(code) {
      const { f32, i32, f32x4, i32x4 } = code.wasm;
      elementwise(code, output, [], steps, (lanes) => {
        const one = float ? f32.const(value) : i32.const(value);
        if (lanes === "scalar") return one;
        return (float ? f32x4 : i32x4).splat(one);
      });
    },
  });
  lowering.emit({
    name: `%${op.result} copy`,
    phase,
    reads: [inner.buffer],
    writes: [output.buffer],
    emit(code) {
      elementwise(code, target, [inner], steps, (_, [x]) => known(x, "an operand").get());
    },
  });
  return output;
}

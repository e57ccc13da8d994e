/** Reductions over axes, and what is made of them: softmax and normalisations. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { FunctionWriter } from "../../assembler/code.ts";
import { choose, exp, log, splat } from "../../kernels/functions.ts";
import { elementwise } from "../../kernels/nest.ts";
import { type FoldKind, type Reduction, reduce } from "../../kernels/reduce.ts";
import { type View, broadcastView } from "../../memory/view.ts";
import { computeOf } from "./elementwise.ts";
import type { VectorForm } from "./forms.ts";
import { type Lowering, elementOf } from "../lowering.ts";
import { scratchLike } from "../scratch.ts";

type ReductionForm = Pick<Reduction, "kind"> &
  Partial<Pick<Reduction, "term" | "squared" | "divisor" | "finish" | "finishWide">>;

/** Emits one reduction as a step of `op`; `inputs` broadcast to the shape of the first. */
export function emitReduction(
  lowering: Lowering,
  op: Op,
  output: View,
  inputs: readonly View[],
  axes: readonly number[],
  part: ReductionForm,
): void {
  const { shape } = known(inputs[0], "an operand");
  const views = inputs.map((view) => broadcastView(view, shape));
  const steps = lowering.stepsOf(op.result);
  lowering.emit({
    name: `%${op.result} ${op.kind}: ${part.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: views.map(({ buffer }) => buffer),
    writes: [output.buffer],
    emit(code) {
      const plain = { term: null, squared: false, divisor: 1, finish: null, finishWide: null };
      reduce(code, { ...plain, ...part, output, inputs: views, axes, steps });
    },
  });
}

/** Emits an elementwise part of `op`. */
export function emitMap(
  lowering: Lowering,
  op: Op,
  output: View,
  inputs: readonly View[],
  form: VectorForm,
): void {
  const views = inputs.map((view) => broadcastView(view, output.shape));
  const steps = lowering.stepsOf(op.result);
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: views.map(({ buffer }) => buffer),
    writes: [output.buffer],
    emit(code) {
      elementwise(code, output, views, steps, computeOf(code, views, form, output.element));
    },
  });
}

/** Room for what is left of `from` when `axes` are folded, with extent 1 along them. */
export function foldedPlace(
  lowering: Lowering,
  op: Op,
  name: string,
  from: View,
  axes: readonly number[],
): View {
  const shape = from.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const steps = lowering.stepsOf(op.result);
  return scratchLike(lowering, `%${op.result} ${name}`, from.element, shape, from, steps);
}

export function lowerReduction(lowering: Lowering, op: Op): View | null {
  if (isOp(op, "ann.softmax", "ann.log-softmax")) return lowerSoftmax(lowering, op);
  if (!isReduce(op)) return null;
  const operand = lowering.operandOf(op);
  const element = elementOf(lowering.opOf(operand).type.dtype);
  if (element !== elementOf(op.type.dtype) || element === null) return null;
  const part = element === "f32" ? partOf(op) : integerPartOf(op);
  const { axes } = op.attrs;
  if (part === null) return null;
  const input = lowering.dense(operand);
  const placed = lowering.place(op.result);
  // The result with an axis of extent 1 wherever one was folded.
  let own = 0;
  const strides = input.shape.map((_, axis) => {
    if (!axes.includes(axis)) return placed.strides[own++] ?? 0;
    if (op.attrs.keepDims) own++;
    return 0;
  });
  const shape = input.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const output: View = { ...placed, shape, strides };
  if (isOp(op, "ann.reduce-log-sum-exp")) lowerLogSumExp(lowering, op, input, output);
  else {
    const divisor = isOp(op, "ann.reduce-mean") ? sizeOf(input, axes) : 1;
    emitReduction(lowering, op, output, [input], axes, { ...part, divisor });
  }
  return placed;
}

type Reduce = OpOf<
  | "ann.reduce-l1"
  | "ann.reduce-l2"
  | "ann.reduce-log-sum"
  | "ann.reduce-log-sum-exp"
  | "ann.reduce-max"
  | "ann.reduce-mean"
  | "ann.reduce-min"
  | "ann.reduce-prod"
  | "ann.reduce-sum"
  | "ann.reduce-sum-square"
>;

function isReduce(op: Op): op is Reduce {
  return op.kind.startsWith("ann.reduce-");
}

function sizeOf(view: View, axes: readonly number[]): number {
  return elementCount(axes.map((axis) => view.shape[axis] ?? 1));
}

function partOf(op: Reduce): ReductionForm {
  switch (op.kind) {
    case "ann.reduce-l1":
      return {
        kind: "sum",
        term: ({ wasm: { f32x4 } }, [x]) => f32x4.abs(known(x, "an operand").get()),
      };
    case "ann.reduce-l2":
      return {
        kind: "sum",
        squared: true,
        finishWide: ({ wasm: { f64x2 } }, x) => f64x2.sqrt(x.get()),
      };
    case "ann.reduce-sum-square":
      return { kind: "sum", squared: true };
    case "ann.reduce-log-sum":
      return { kind: "sum", finish: log };
    case "ann.reduce-sum":
    case "ann.reduce-mean":
    case "ann.reduce-log-sum-exp":
      return { kind: "sum" };
    case "ann.reduce-max":
      return { kind: "max" };
    case "ann.reduce-min":
      return { kind: "min" };
    case "ann.reduce-prod":
      return { kind: "product" };
  }
}

function integerPartOf(op: Reduce): ReductionForm | null {
  if (isOp(op, "ann.reduce-max")) return { kind: "max" };
  if (isOp(op, "ann.reduce-min")) return { kind: "min" };
  // Sums and products may leave a narrower type's range.
  if (op.type.dtype !== "i32") return null;
  const kinds = new Map<Op["kind"], FoldKind>([
    ["ann.reduce-sum", "sum"],
    ["ann.reduce-prod", "product"],
  ]);
  const kind = kinds.get(op.kind);
  return kind === undefined ? null : { kind };
}

/** exp(x − m), whose m broadcasts. */
const excess: VectorForm = (code, [x, m]) => {
  const difference = code.wasm.f32x4.sub(known(x, "x").get(), known(m, "a maximum").get());
  return exp(code, code.define("v128", difference));
};

function lowerLogSumExp(lowering: Lowering, op: Reduce, input: View, output: View): void {
  const { axes } = op.attrs;
  const greatest = foldedPlace(lowering, op, "maximum", input, axes);
  emitReduction(lowering, op, greatest, [input], axes, { kind: "max" });
  // Where the greatest is infinite it is the result, and no difference to it is a number.
  const finite = foldedPlace(lowering, op, "finite maximum", input, axes);
  emitMap(lowering, op, finite, [greatest], (code, [m]) => {
    const value = known(m, "a maximum");
    return choose(code, isInfinite(code, value), splat(code, 0), value.get());
  });
  const sum = foldedPlace(lowering, op, "sum", input, axes);
  const part: ReductionForm = { kind: "sum", term: excess, finish: log };
  emitReduction(lowering, op, sum, [input, finite], axes, part);
  emitMap(lowering, op, output, [sum, greatest], (code, [s, m]) => {
    const value = known(m, "a maximum");
    const all = code.wasm.f32x4.add(value.get(), known(s, "a sum").get());
    return choose(code, isInfinite(code, value), value.get(), all);
  });
}

function isInfinite(code: FunctionWriter, x: { get(): number }): number {
  const { f32x4 } = code.wasm;
  return f32x4.eq(f32x4.abs(x.get()), splat(code, Infinity));
}

/** Exponentials of what lies below the maximum, over their sum. */
function lowerSoftmax(
  lowering: Lowering,
  op: OpOf<"ann.softmax" | "ann.log-softmax">,
): View | null {
  if (op.type.dtype !== "f32") return null;
  const input = lowering.dense(lowering.operandOf(op));
  const axes = [op.attrs.axis];
  const greatest = foldedPlace(lowering, op, "maximum", input, axes);
  emitReduction(lowering, op, greatest, [input], axes, { kind: "max" });
  const sum = foldedPlace(lowering, op, "sum", input, axes);
  const output = lowering.place(op.result);
  if (isOp(op, "ann.softmax")) {
    emitMap(lowering, op, output, [input, greatest], excess);
    emitReduction(lowering, op, sum, [output], axes, { kind: "sum" });
    emitMap(lowering, op, output, [output, sum], ({ wasm: { f32x4 } }, [e, s]) =>
      f32x4.div(known(e, "an exponential").get(), known(s, "a sum").get()),
    );
    return output;
  }
  const part: ReductionForm = { kind: "sum", term: excess, finish: log };
  emitReduction(lowering, op, sum, [input, greatest], axes, part);
  emitMap(lowering, op, output, [input, greatest, sum], ({ wasm: { f32x4 } }, [x, m, s]) => {
    const below = f32x4.sub(known(x, "x").get(), known(m, "a maximum").get());
    return f32x4.sub(below, known(s, "a logarithm").get());
  });
  return output;
}

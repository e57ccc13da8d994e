/** Pools: maxima and means over windows, and the maxima of sums over time. */
import { integerBounds } from "../../../../ir/analysis/bounds.ts";
import { magnitude } from "../../../../ir/analysis/interval.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { FunctionWriter } from "../../assembler/code.ts";
import { onFirstThread, spaceOf } from "../../assembler/memory.ts";
import { mostTapsOverTime, poolOverTime } from "../../kernels/time/pool-over-time.ts";
import { runningDifferences, runningSums } from "../../kernels/time/running.ts";
import { type WindowFold, type SlideAxis, slide } from "../../kernels/synapses/slide.ts";
import { type Element, type View, elementBytes } from "../../memory/view.ts";
import { type Lowering, elementOf } from "../lowering.ts";
import { scratchLike } from "../scratch.ts";

type PoolOp = OpOf<"ann.max-pool" | "ann.average-pool" | "snn.max-pool" | "snn.rehearsed-max-pool">;

const runningKinds = ["snn.max-pool", "snn.rehearsed-max-pool"] as const;

export function lowerPool(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "ann.max-pool", "ann.average-pool", ...runningKinds)) return null;
  const element = elementOf(op.type.dtype);
  if (element === null || (isOp(op, "ann.average-pool") && element !== "f32")) return null;
  if (isOp(op, ...runningKinds)) return lowerRunning(lowering, op);
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const fold = isOp(op, "ann.average-pool") ? meanOf(op.attrs.countIncludePad) : maximum(element);
  emitSlide(lowering, op, input, output, fold);
  return output;
}

function emitSlide(
  lowering: Lowering,
  op: PoolOp,
  input: View,
  output: View,
  fold: (code: FunctionWriter) => WindowFold,
): void {
  const axes = slideAxes(op, input, output);
  const steps = lowering.stepsOf(op.result);
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: [input.buffer],
    writes: [output.buffer],
    emit(code) {
      slide(code, { input, output, axes, steps }, fold(code));
    },
  });
}

function slideAxes(op: PoolOp, input: View, output: View): readonly SlideAxis[] {
  const { kernel, strides, dilations, padsBegin, padsEnd } = op.attrs;
  return kernel.map((extent, axis) => ({
    extent: input.shape[axis + 2] ?? 1,
    count: output.shape[axis + 2] ?? 1,
    kernel: extent,
    stride: strides[axis] ?? 1,
    dilation: dilations[axis] ?? 1,
    padBegin: padsBegin[axis] ?? 0,
    padEnd: padsEnd[axis] ?? 0,
    inputStride: input.strides[axis + 2] ?? 0,
    outputStride: output.strides[axis + 2] ?? 0,
  }));
}

/** The greatest; of floats NaN where there is one. */
function maximum(element: Element): (code: FunctionWriter) => WindowFold {
  return ({ wasm: { f32x4, f64x2, i32x4, f32, f64, i32 } }) => {
    const finish: WindowFold["finish"] = (sum) => sum.get();
    if (element === "f64") {
      const identity = (): number => f64x2.splat(f64.const(-Infinity));
      return { identity, combine: (a, b) => f64x2.max(a, b), finish };
    }
    if (element === "i32") {
      const identity = (): number => i32x4.splat(i32.const(-(2 ** 31)));
      return { identity, combine: (a, b) => i32x4.max_s(a, b), finish };
    }
    const identity = (): number => f32x4.splat(f32.const(-Infinity));
    return { identity, combine: (a, b) => f32x4.max(a, b), finish };
  };
}

function meanOf(countPadding: boolean): (code: FunctionWriter) => WindowFold {
  return ({ wasm: { f32x4, f32 } }) => ({
    identity: () => f32x4.splat(f32.const(0)),
    combine: (a, b) => f32x4.add(a, b),
    finish: (sum, taps, padded) =>
      f32x4.div(sum.get(), f32x4.splat(f32.const(countPadding ? padded : taps))),
  });
}

/** y[t] = pool of the sums up to t − pool of the sums up to t − 1; sums over time are doubles. */
function lowerRunning(lowering: Lowering, op: RunningPool): View {
  const { chunked } = lowering.options;
  const rehearsal = "rehearsal" in op.attrs ? op.attrs.rehearsal : 0;
  if (!chunked && rehearsal === 0 && elementCount(op.attrs.kernel) <= mostTapsOverTime) {
    return lowerInOneGo(lowering, op);
  }
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  emitRunning(lowering, op, input, output, rehearsal);
  return output;
}

type RunningPool = OpOf<(typeof runningKinds)[number]>;

/** Sums that stay in registers; timesteps at which nothing comes are passed over where that is known. */
function lowerInOneGo(lowering: Lowering, op: RunningPool): View {
  const { steps } = lowering.options;
  const operand = lowering.operandOf(op);
  const isShort = fitsWords(lowering, operand);
  const [batch, , rows = 0, ...columns] = op.type.shape;
  const byPixel = [operand, op.result].every((value) => lowering.layouts.images.has(value));
  const wanted = isShort && byPixel && batch === 1 && columns.length === 1;
  const given = wanted ? lowering.rowSteps(op.result, rows) : null;
  const { view: input, steps: come } =
    given === null ? { view: lowering.dense(operand), steps: null } : lowering.someSteps(operand);
  const when = given === null || come === null ? null : { input: come, output: given };
  if (given !== null && when === null) lowering.allSteps(op.result);
  const output = lowering.place(op.result);
  const axes = slideAxes(op, input, output);
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: [input.buffer, ...(when === null ? [] : [when.input.buffer])],
    writes: [output.buffer, ...(when === null ? [] : [when.output.buffer])],
    emit(code) {
      poolOverTime(code, { input, output, axes, steps: 1 }, { steps, isShort, when });
    },
  });
  return output;
}

/** Whether sums over all timesteps of integers, and differences of two such sums, are proved to fit 32 bits. */
function fitsWords(lowering: Lowering, value: ValueId): boolean {
  if (lowering.opOf(value).type.dtype !== "i32") return false;
  const interval = integerBounds(lowering.module).values.get(value);
  if (interval === undefined) return false;
  return 2 * magnitude(interval) * lowering.options.timesteps < 2 ** 31;
}

function emitRunning(
  lowering: Lowering,
  op: RunningPool,
  input: View,
  output: View,
  rehearsal: number,
): void {
  const { steps } = lowering.options;
  const operand = lowering.operandOf(op);
  const phase = lowering.phaseOf(op.result);
  const name = `%${op.result}`;
  const sums = scratchLike(lowering, `${name} sums`, "f64", input.shape, input, steps);
  const pooled = scratchLike(lowering, `${name} pooled sums`, "f64", output.shape, output, steps);
  const sumsBefore = stateLike(lowering, `${name} sums before`, sums);
  const pooledBefore = stateLike(lowering, `${name} pooled before`, pooled);
  lowering.emit({
    name: `${name} sum %${operand}`,
    phase,
    reads: [input.buffer],
    writes: [sums.buffer, sumsBefore.buffer],
    emit(code) {
      runningSums(code, input, sumsBefore, sums, { steps, rehearsal });
    },
  });
  emitSlide(lowering, op, sums, pooled, maximum("f64"));
  lowering.emit({
    name: `${name} differences`,
    phase,
    reads: [pooled.buffer],
    writes: [output.buffer, pooledBefore.buffer],
    emit(code) {
      runningDifferences(code, pooled, pooledBefore, output, { steps, rehearsal });
    },
  });
}

/** What is carried from chunk to chunk, zero at the start of a sample. */
function stateLike(lowering: Lowering, name: string, like: View): View {
  const bytes = elementBytes("f64") * elementCount(like.shape);
  const buffer = lowering.buffer("state", name, bytes);
  lowering.emit({
    name: `${name} start`,
    phase: "begin",
    reads: [],
    writes: [buffer],
    emit(code) {
      const { wasm } = code;
      onFirstThread(code, () => {
        const at = wasm.i32.add(spaceOf(code, buffer), code.int(buffer.address));
        code.push(wasm.memory.fill(at, code.int(0), code.int(bytes)));
      });
    },
  });
  return { ...like, buffer, lead: 0 };
}

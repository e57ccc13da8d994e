/** What ops with a state share: where the state lies, and the step that takes it through time. */
import type { Op, OpOf } from "../../../ir/op/op.ts";
import type { TensorRef } from "../../../ir/tensor.ts";
import type { FunctionWriter } from "../assembler/code.ts";
import { type Process, type State, type Update, overTime } from "../kernels/time/over-time.ts";
import type { Buffer, Element, View } from "../memory/view.ts";
import type { Lowering } from "./lowering.ts";
import { scratchLike } from "./scratch.ts";
import { tensorLike } from "./values/constants.ts";

/** A state that begins at a tensor, or at zero, laid out as `like`. */
export function stateLike(
  lowering: Lowering,
  op: Op,
  name: string,
  element: Element,
  start: TensorRef | null,
  like: View,
): State {
  const kept = lowering.options.chunked
    ? scratchLike(lowering, `%${op.result} ${name}`, element, like.shape, like, 1, "state")
    : null;
  return { kept, start: start === null ? null : tensorLike(lowering, start, like), element };
}

/** The view that an op's potentials are asked for in; null where they are not. */
export function traceOf(lowering: Lowering, op: Op): View | null {
  if (!lowering.options.traces.has(op.result)) return null;
  const trace = lowering.place(op.result);
  lowering.traces.set(op.result, trace);
  return trace;
}

/**
 * Where neurons with spikes of one size note that they fired, beside their spikes; null where the spikes
 * show it. Those of no amplitude do not.
 */
export function firedBeside(
  lowering: Lowering,
  op: OpOf<"snn.lif" | "snn.rehearsed-if">,
  output: View,
): View | null {
  if (lowering.tensor(op.attrs.amplitude).data.every((a) => a !== 0)) return null;
  const { steps } = lowering.options;
  const view = scratchLike(lowering, `%${op.result} fired`, "f32", op.type.shape, output, steps);
  lowering.fired.set(op.result, { view, counts: "non-zero", unit: null, schedule: "constant" });
  return view;
}

/** Emits the step of `process`, whose first output is the op's. */
export function emitOverTime(
  lowering: Lowering,
  op: Op,
  process: Process,
  update: (code: FunctionWriter) => Update,
): void {
  const reads: Buffer[] = [process.input.buffer];
  const writes: Buffer[] = process.outputs.map(({ buffer }) => buffer);
  for (const { view } of process.tables) reads.push(view.buffer);
  for (const { buffer } of process.parameters) reads.push(buffer);
  for (const { kept, start } of process.states) {
    if (start !== null) reads.push(start.buffer);
    if (kept !== null) writes.push(kept.buffer);
  }
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: "each",
    reads,
    writes,
    emit(code) {
      overTime(code, process, update);
    },
  });
}

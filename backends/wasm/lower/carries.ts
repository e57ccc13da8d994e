/**
 * Values that come back a timestep later. Each is kept in memory between chunks, which have one timestep
 * where there are any: copied to where it is read when the timestep begins, and from what is carried when
 * all else is done. So a value that comes back may be carried on, and two may change places.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { elementwise } from "../kernels/nest.ts";
import type { View } from "../memory/view.ts";
import type { Lowering, Step } from "./lowering.ts";
import { scratchLike } from "./scratch.ts";
import { tensorLike } from "./values/constants.ts";

/** The place that a value comes back in. */
export function lowerPrevious(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "snn.previous")) return null;
  invariant(
    lowering.options.steps === 1,
    "a chunk of several timesteps in which a value comes back",
  );
  const output = lowering.place(op.result);
  const name = `%${op.result} kept`;
  const kept = scratchLike(lowering, name, output.element, output.shape, output, 1, "state");
  lowering.kept.set(op.result, kept);
  const initial = tensorLike(lowering, op.attrs.initial, output);
  copy(lowering, `%${op.result} begin`, "begin", initial, kept);
  copy(lowering, `%${op.result} ${op.kind}`, "each", kept, output);
  return output;
}

/** Emits what keeps the values that are carried; after all steps that read what came back. */
export function lowerCarries(lowering: Lowering): void {
  const { carries } = lowering.module;
  const ready = carries.map(({ value, source }) => {
    lowering.dense(source);
    return { value, from: lowering.dense(value), kept: keptFor(lowering, source) };
  });
  for (const { value, from, kept } of ready) {
    copy(lowering, `%${value} carried`, "each", from, kept);
  }
}

function keptFor(lowering: Lowering, source: ValueId): View {
  return known(lowering.kept.get(source), `what is kept of %${source}`);
}

function copy(lowering: Lowering, name: string, phase: Step["phase"], from: View, to: View): void {
  lowering.emit({
    name,
    phase,
    reads: [from.buffer],
    writes: [to.buffer],
    emit(code) {
      elementwise(code, to, [from], 1, (_, [x]) => known(x, "an operand").get());
    },
  });
}

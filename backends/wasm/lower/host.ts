/** Ops without a kernel: the interpreter's own function for them, run by the host. */
import type { Op } from "../../../ir/op.ts";
import { type View, rowMajor } from "../memory/view.ts";
import { type Lowering, elementOf } from "./lowering.ts";

/** Always gives a view; one without elements where WebAssembly cannot hold the value. */
export function lowerOnHost(lowering: Lowering, op: Op): View | null {
  const operands = op.inputs.map((value) => {
    const view = lowering.dense(value);
    return lowering.onHost.has(value) ? null : view;
  });
  const element = elementOf(op.type.dtype);
  const result =
    element === null
      ? rowMajor(lowering.buffer("scratch", `%${op.result} on host`, 0), "f32", op.type.shape)
      : lowering.place(op.result);
  if (element === null) lowering.onHost.add(op.result);
  lowering.emitHost({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: operands.flatMap((view) => (view === null ? [] : [view.buffer])),
    writes: element === null ? [] : [result.buffer],
    host: {
      op,
      operands,
      result: element === null ? null : result,
      steps: lowering.stepsOf(op.result),
    },
  });
  return result;
}

/** Ops without a kernel: the interpreter's own function for them, run by the host. */
import type { Op } from "../../../ir/op/op.ts";
import type { View } from "../memory/view.ts";
import type { Lowering } from "./lowering.ts";

/** Always gives a view; one of doubles where no kernel computes with the op's element type. */
export function lowerOnHost(lowering: Lowering, op: Op): View | null {
  const operands = op.inputs.map((value) => lowering.dense(value));
  const result = lowering.place(op.result);
  lowering.emitHost({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: operands.map(({ buffer }) => buffer),
    writes: [result.buffer],
    host: { op, operands, result, steps: lowering.stepsOf(op.result) },
  });
  return result;
}

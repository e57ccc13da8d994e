/** Whether a module, which is the program for one sample, can be written down for any number of samples. */
import { type Op, isOp } from "../../../ir/op/op.ts";

/** Whether the first axis of what `op` makes is no longer its operand's, the batch. */
export function movesBatch(op: Op): boolean {
  if (op.type.shape[0] !== 1) return true;
  if (isOp(op, "ann.transpose")) return op.attrs.perm[0] !== 0;
  return isOp(op, "ann.concat") && op.attrs.axis === 0;
}

/** Leaky neurons: dense currents in, spikes out as values in memory. */
import { type Op, isOp } from "../../../../ir/op/op.ts";
import { type LeakyForm, leaky, leakyIntegers } from "../../kernels/neurons/leaky.ts";
import type { View } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";
import { emitOverTime, firedBeside, stateLike, traceOf } from "../over-time.ts";
import { tensorLike } from "../values/constants.ts";

export function lowerLeaky(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "snn.lif")) return null;
  const { dtype } = op.type;
  if (dtype !== "f32" && dtype !== "i32") return null;
  const { attrs } = op;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const trace = traceOf(lowering, op);
  const { steps } = lowering.options;
  const counts = firedBeside(lowering, op, output);
  const form: LeakyForm = { attrs, traced: trace !== null, counted: counts !== null };
  const process = {
    outputs: [output, ...[trace, counts].filter((view) => view !== null)],
    input,
    tables: [],
    parameters: [attrs.threshold, attrs.amplitude].map((ref) => tensorLike(lowering, ref, output)),
    states: [
      stateLike(lowering, op, "potentials", dtype, attrs.vInit, output),
      ...(attrs.refractory === 0 ? [] : [stateLike(lowering, op, "silence", dtype, null, output)]),
    ],
    steps,
    together: dtype === "i32" || attrs.refractory === 0 ? 4 : 1,
  };
  const update = dtype === "f32" ? leaky : leakyIntegers;
  emitOverTime(lowering, op, process, (code) => update(code, form));
  return output;
}

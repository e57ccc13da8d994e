/** Neurons that rehearse: dense currents in, spikes out as values in memory. */
import { type Op, isOp } from "../../../../ir/op/op.ts";
import { type RehearsedForm, rehearsed } from "../../kernels/neurons/rehearsed.ts";
import type { State } from "../../kernels/time/over-time.ts";
import type { View } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";
import { emitOverTime, firedBeside, stateLike, traceOf } from "../over-time.ts";
import { tensorLike, valuesLike } from "../values/constants.ts";

export function lowerRehearsed(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "snn.rehearsed-if")) return null;
  const { attrs } = op;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const trace = traceOf(lowering, op);
  const counts = firedBeside(lowering, op, output);
  const form: RehearsedForm = { attrs, traced: trace !== null, counted: counts !== null };
  const margin = (name: string): State => ({
    ...stateLike(lowering, op, name, "f32", null, output),
    start: valuesLike(lowering, "infinity", [], [Infinity], output),
  });
  const process = {
    outputs: [output, ...[trace, counts].filter((view) => view !== null)],
    input,
    tables: [],
    parameters: [attrs.threshold, attrs.amplitude, attrs.vInit].map((ref) =>
      tensorLike(lowering, ref, output),
    ),
    states: [
      stateLike(lowering, op, "potentials", "f32", attrs.vInit, output),
      ...(attrs.rule === "offset"
        ? [margin("margin of spikes"), margin("margin of silences")]
        : []),
    ],
    steps: lowering.options.steps,
    together: 2,
  };
  emitOverTime(lowering, op, process, (code) => rehearsed(code, form));
  return output;
}

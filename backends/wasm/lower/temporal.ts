/** Ops that look across timesteps and are no neurons: biases over time, smoothing, sums, differences. */
import { type Op, isOp } from "../../../ir/op/op.ts";
import type { FunctionWriter } from "../assembler/code.ts";
import { addRows, smooth, sumUp, takeDifferences } from "../kernels/time/temporal.ts";
import type { State, Update } from "../kernels/time/over-time.ts";
import type { View } from "../memory/view.ts";
import { type Lowering, elementOf } from "./lowering.ts";
import { emitOverTime, stateLike } from "./over-time.ts";
import { rowsLike } from "./values/constants.ts";

export function lowerTemporal(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "snn.temporal-bias", "snn.low-pass", "snn.accumulate", "snn.difference")) {
    return null;
  }
  const from = elementOf(lowering.opOf(lowering.operandOf(op)).type.dtype);
  const { dtype } = op.type;
  if ((dtype !== "f32" && dtype !== "i32") || from === null || from === "f64") return null;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const states: State[] = [];
  let update: (code: FunctionWriter) => Update;
  switch (op.kind) {
    case "snn.temporal-bias":
      update = (code) => addRows(code, dtype);
      break;
    case "snn.low-pass":
      states.push(stateLike(lowering, op, "smoothed", "f32", null, output));
      update = (code) => smooth(code, op.attrs.decay);
      break;
    case "snn.accumulate":
      states.push(stateLike(lowering, op, "sums", "f64", null, output));
      update = (code) => sumUp(code, from);
      break;
    case "snn.difference":
      states.push(stateLike(lowering, op, "before", dtype, null, output));
      update = (code) => takeDifferences(code, dtype);
      break;
  }
  const tables =
    op.kind === "snn.temporal-bias" ? [rowsLike(lowering, op.attrs.table, output)] : [];
  const { steps } = lowering.options;
  const process = { outputs: [output], input, tables, parameters: [], states, steps, together: 4 };
  emitOverTime(lowering, op, process, update);
  return output;
}

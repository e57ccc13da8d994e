/** Neurons that take the frames of their operands as wholes: sums of frames in, sums of frames out. */
import { type Op, isOp } from "../../../../ir/op/op.ts";
import {
  type FramedForm,
  fewSpikes,
  firstSpike,
  firstSpikeIntegers,
} from "../../kernels/neurons/framed.ts";
import type { View } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";
import { emitOverTime, traceOf } from "../over-time.ts";
import { scratchLike } from "../scratch.ts";
import { rowsLike, tensorLike } from "../values/constants.ts";

export function lowerFramed(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "snn.few-spikes", "snn.ttfs")) return null;
  const { dtype } = op.type;
  if (dtype !== "f32" && dtype !== "i32") return null;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const trace = traceOf(lowering, op);
  const { steps } = lowering.options;
  const name = `%${op.result} fired`;
  const fired = scratchLike(lowering, name, "i32", op.type.shape, output, steps);
  const counts = op.kind === "snn.ttfs" ? "word" : "number";
  lowering.fired.set(op.result, { view: fired, counts, unit: null, schedule: "constant" });
  const form: FramedForm = { traced: trace !== null };
  const ticks = lowering.module.timesteps;
  const vInit = tensorLike(lowering, op.attrs.vInit, output);
  const process = {
    outputs: [output, ...[trace, fired].filter((view) => view !== null)],
    input,
    tables: [],
    states: [],
    steps,
    together: 1,
  };
  if (op.kind === "snn.ttfs") {
    const { threshold, amplitude, resolution } = op.attrs;
    const rest = [threshold, amplitude].map((ref) => tensorLike(lowering, ref, output));
    emitOverTime(lowering, op, { ...process, parameters: [vInit, ...rest] }, (code) =>
      dtype === "f32"
        ? firstSpike(code, form, ticks, resolution)
        : firstSpikeIntegers(code, form, ticks),
    );
    return output;
  }
  const { threshold, reset, amplitude } = op.attrs;
  const rows = rowViews(lowering, [threshold, reset, amplitude], output).slice(0, ticks);
  const parameters = [vInit, ...rows.flat()];
  emitOverTime(lowering, op, { ...process, parameters }, (code) =>
    fewSpikes(code, form, rows.length, dtype),
  );
  return output;
}

/** For each row of some tables the views of it; the same one for the same row. */
function rowViews(lowering: Lowering, refs: readonly string[], like: View): View[][] {
  const tables = new Map<string, View[]>();
  for (const ref of refs) {
    const { view, rows } = rowsLike(lowering, ref, like);
    tables.set(
      ref,
      Array.from({ length: rows }, (_, row) => ({
        ...view,
        offset: view.offset + row * view.lead,
        lead: 0,
      })),
    );
  }
  const [first = []] = tables.values();
  return first.map((_, row) => refs.flatMap((ref) => tables.get(ref)?.slice(row, row + 1) ?? []));
}

/** Graded neurons: dense currents in, spikes of several sizes out, as values in memory. */
import { type Op, isOp } from "../../../../ir/op/op.ts";
import {
  type GradedForm,
  gradedFloats,
  gradedIntegers,
  needsTotal,
} from "../../kernels/neurons/graded.ts";
import type { View } from "../../memory/view.ts";
import type { Lowering, SpikeWords } from "../lowering.ts";
import { emitOverTime, stateLike, traceOf } from "../over-time.ts";
import { scratchLike } from "../scratch.ts";
import { rowsLike, tensorLike } from "../values/constants.ts";

export function lowerGraded(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "snn.graded")) return null;
  const { dtype } = op.type;
  if (dtype !== "f32" && dtype !== "i32") return null;
  const { attrs } = op;
  const input = lowering.dense(lowering.operandOf(op));
  const output = lowering.place(op.result);
  const trace = traceOf(lowering, op);
  const { steps } = lowering.options;
  const shares = attrs.shares === null ? null : rowsLike(lowering, attrs.shares, output);
  // What a spike of no amplitude was shows only in its size, as with a step of each neuron's own.
  const isTold =
    attrs.schedule !== "table" && lowering.tensor(attrs.amplitude).data.every((a) => a !== 0);
  const sizes = isTold
    ? null
    : scratchLike(lowering, `%${op.result} sizes`, dtype, op.type.shape, output, steps);
  const unit = isTold ? tensorLike(lowering, attrs.amplitude, output) : null;
  const isWord = attrs.alphabet === "word" && attrs.bits > 1;
  const words: SpikeWords = {
    view: sizes ?? output,
    counts: isWord ? "bits" : "non-zero",
    unit: isWord ? unit : null,
    schedule: attrs.schedule === "table" || sizes !== null ? "constant" : attrs.schedule,
  };
  lowering.fired.set(op.result, words);
  const form: GradedForm = {
    attrs,
    hasCeiling: attrs.ceiling !== null,
    traced: trace !== null,
    sized: sizes !== null,
  };
  const state = (name: string, start: string | null) =>
    stateLike(lowering, op, name, dtype, start, output);
  const process = {
    outputs: [output, ...[trace, sizes].filter((view) => view !== null)],
    input,
    tables: shares === null ? [] : [shares],
    parameters: [attrs.threshold, attrs.amplitude, attrs.ceiling].flatMap((ref) =>
      ref === null ? [] : [tensorLike(lowering, ref, output)],
    ),
    states: [state("potentials", attrs.vInit), ...(needsTotal(form) ? [state("total", null)] : [])],
    steps,
    // A cache line of each timestep.
    together: 4,
  };
  const update = dtype === "f32" ? gradedFloats : gradedIntegers;
  emitOverTime(lowering, op, process, (code) => update(code, form));
  return output;
}

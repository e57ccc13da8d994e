/** How each kind of value comes to stand in memory: the one list of kinds that programs have. */
import { isMove } from "../../../ir/op/known.ts";
import { known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { tensorAt } from "../../../ir/module.ts";
import { type Op, type OpOf, isOp } from "../../../ir/op/op.ts";
import { isFloat } from "../../../ir/type.ts";
import { nestOver } from "../text/nest.ts";
import { typeOf } from "../text/types.ts";
import { materialiseSum } from "./accumulators.ts";
import { floatOpOf, lowerFloats } from "./floats.ts";
import { lowerEncoder, lowerInput } from "./inputs.ts";
import type { Lowering } from "./lowering.ts";
import { lowerMove } from "./moves.ts";
import { type IntegerNeuron, isInteger } from "./neurons/drive.ts";
import { lowerFewSpikes, lowerFirstSpike } from "./neurons/framed.ts";
import { lowerGraded, lowerIf, lowerLif } from "./neurons/stepped.ts";
import { lowerMaxPool, lowerMaxPoolOverTime } from "./pools.ts";
import { lowerReadOut } from "./readouts.ts";
import { type Held, filling, orderOf, viewOf } from "./views.ts";

/** Kinds that add up on their way; see `Sum.addMade`. */
const sums = [
  ...(["ann.conv", "ann.conv-transpose", "ann.linear", "ann.affine"] as const),
  ...(["ann.add", "ann.sub", "ann.neg", "snn.temporal-bias", "snn.difference"] as const),
] as const;

/** Kinds of integers that stand in memory by themselves. */
const others = [
  ...(["snn.if", "snn.graded", "snn.lif", "snn.few-spikes", "snn.ttfs"] as const),
  ...(["ann.max-pool", "snn.max-pool", "snn.readout", "snn.accumulate"] as const),
] as const;

/** Why a program cannot have an op; null where it can. */
export function whyNot(op: Op): string | null {
  const { dtype } = op.type;
  if (isOp(op, "ann.input")) return dtype === "f32" ? null : `its input is of ${dtype}`;
  if (isOp(op, "ann.constant"))
    return typeOf(dtype) === null ? `it is a constant of ${dtype}` : null;
  if (isOp(op, "ann.quantize-linear")) return typeOf(dtype) === null ? `it makes ${dtype}` : null;
  if (isOp(op, "ann.pad") && op.attrs.mode === "constant" && op.attrs.value !== 0) {
    return `it pads with ${op.attrs.value}`;
  }
  if (isOp(op, "ann.resize") && op.attrs.mode !== "nearest") return "it interpolates";
  if (isOp(op, "ann.resize") || isMove(op)) return null;
  if (isOp(op, "snn.readout", "snn.accumulate")) return null;
  if (floatOpOf(op) !== null) return null;
  if (isFloat(dtype)) return `it computes in ${dtype}`;
  if (isOp(op, "ann.cast", ...sums, ...others)) return null;
  return "programs in C have no such op";
}

export function materialise(lowering: Lowering, op: Op): Held {
  if (isOp(op, "ann.input")) return lowerInput(lowering, op);
  if (isOp(op, "ann.constant")) return constantValue(lowering, op);
  if (isOp(op, "ann.quantize-linear")) return lowerEncoder(lowering, op);
  if (isMove(op) || isOp(op, "ann.resize")) return lowerMove(lowering, op);
  if (isOp(op, "snn.readout", "snn.accumulate")) return lowerReadOut(lowering, op);
  const floats = floatOpOf(op);
  if (floats !== null) return lowerFloats(lowering, floats);
  // A wider type for the same integers.
  if (isOp(op, "ann.cast")) return lowering.valueOf(lowering.operandOf(op));
  if (isOp(op, "ann.max-pool")) return lowerMaxPool(lowering, op);
  if (isOp(op, "snn.max-pool")) return lowerMaxPoolOverTime(lowering, op);
  if (isInteger(op)) return lowerNeurons(lowering, op);
  const changes = isOp(op, "snn.difference") && lowering.varies(lowering.operandOf(op));
  if (changes) return difference(lowering, op);
  return known(materialiseSum(lowering, op), `${op.kind} in C`);
}

function lowerNeurons(lowering: Lowering, op: IntegerNeuron): Held {
  switch (op.kind) {
    case "snn.if":
      return lowerIf(lowering, op);
    case "snn.graded":
      return lowerGraded(lowering, op);
    case "snn.lif":
      return lowerLif(lowering, op);
    case "snn.few-spikes":
      return lowerFewSpikes(lowering, op);
    case "snn.ttfs":
      return lowerFirstSpike(lowering, op);
  }
}

function constantValue(lowering: Lowering, op: OpOf<"ann.constant">): Held {
  const { data, dtype } = tensorAt(lowering.module, op.attrs.value);
  const type = known(typeOf(dtype), "a type of a constant");
  const array = lowering.constant(shortName(op.loc), type, data, "a constant");
  const { shape } = op.type;
  return filling(
    array,
    shape,
    shape.map((_, axis) => axis),
  );
}

/** What a value that changes has changed by since the timestep before. */
function difference(lowering: Lowering, op: OpOf<"snn.difference">): Held {
  const value = lowering.operandOf(op);
  const from = lowering.valueOf(value);
  const now = viewOf(from) ?? known(viewOf(lowering.copyOf(value, from, memoryAs(from))), "a view");
  // A frame begins at nothing, so all of its changes sum to its last value.
  if (lowering.isFramed) return from;
  const part = lowering.part();
  const held = lowering.scratchFor(op, "change", orderOf(now));
  const change = known(viewOf(held), "a view of changes");
  const before = lowering.kept(op, "before", "int32_t", op.type.shape, orderOf(now));
  const kept = known(viewOf(before), "a view of what was before");
  part.uses(now, change, kept);
  const nest = nestOver([change, now, kept]);
  part.add(
    nest.around([
      `${nest.at(change)} = ${nest.at(now)} - ${nest.at(kept)};`,
      `${nest.at(kept)} = ${nest.at(now)};`,
    ]),
  );
  const first = lowering.part();
  first.uses(kept);
  const over = nestOver([kept]);
  first.add(over.around(`${over.at(kept)} = 0;`));
  const name = shortName(op.loc);
  lowering.emit(`begin_${name}`, "begin", [`${name}: nothing yet.`], first);
  lowering.emit(name, "step", [`${name}: what has changed.`], part);
  return held;
}

function memoryAs({ shape }: Held): readonly number[] {
  return shape.map((_, axis) => axis);
}

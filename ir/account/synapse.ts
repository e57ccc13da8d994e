/** Which ops are synapses, and how many connections leave each element that comes to them. */
import { known } from "../diagnostic.ts";
import { type Op, type ValueId, isOp } from "../op/op.ts";
import { outDegrees } from "../semantics/connections.ts";
import type { TensorLookup } from "../op/table.ts";
import { elementCount } from "../type.ts";
import type { Drive } from "./drive.ts";

export interface Synapse {
  /** The operand, by number, that the weights are for. */
  readonly operand: number;
  /** Connections of each of its elements, [numel]. */
  readonly degrees: Float64Array;
}

/**
 * The op as a synapse; null where it is none. A product of two values is one where either stays the same
 * during a run, whose elements are the weights then.
 */
export function synapseOf(
  op: Op,
  driveOfValue: (value: ValueId) => Drive,
  opOf: (value: ValueId) => Op,
  tensors: TensorLookup,
): Synapse | null {
  if (isOp(op, "ann.matmul")) return matrixSynapse(op, driveOfValue, opOf);
  const [operand] = op.inputs;
  if (operand === undefined) return null;
  const degrees = outDegrees(op, opOf(operand).type.shape, tensors);
  return degrees === null ? null : { operand: 0, degrees };
}

function matrixSynapse(
  op: Op,
  driveOfValue: (value: ValueId) => Drive,
  opOf: (value: ValueId) => Op,
): Synapse | null {
  const changes = op.inputs.map((value) => driveOfValue(value) !== "still");
  // Of two values that both stay the same, one constant: the other is what it weights.
  const isConstant = op.inputs.map((value) => isOp(opOf(value), "ann.constant"));
  const operand = changes.includes(true) ? changes.indexOf(true) : isConstant.indexOf(false);
  if (changes.every((each) => each) || operand < 0) return null;
  if (!changes.includes(true) && !isConstant.includes(true)) return null;
  const value = known(op.inputs[operand], "an operand");
  const elements = elementCount(opOf(value).type.shape);
  const degrees = new Float64Array(elements);
  return { operand, degrees: degrees.fill(elements === 0 ? 0 : productsOf(op, opOf) / elements) };
}

/** Products that a matrix product consists of. */
function productsOf(op: Op, opOf: (value: ValueId) => Op): number {
  const { shape } = opOf(known(op.inputs[0], "an operand")).type;
  return elementCount(op.type.shape) * (shape.at(-1) ?? 1);
}

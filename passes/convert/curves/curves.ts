/**
 * Activations of one number that are no rectifiers, as functions: what few-spikes neurons can be fitted
 * to. One operand that changes, the same function at each element. Decides nothing about spikes.
 */
import { isUniform, traitsOf } from "../../../ir/op/known.ts";
import { known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Module, tensorAt } from "../../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";
import { uniformValue } from "../../graph.ts";

export interface Curve {
  /** The same for the same function. */
  readonly name: string;
  readonly operand: ValueId;
  /** The op that the operand is multiplied by, where the function is written as two. */
  readonly gate: ValueId | null;
  readonly f: (x: number) => number;
}

/** The function of `op`, one of a module whose values `producers` make; null where it is none. */
export function curveOf(op: Op, module: Module, producers: ReadonlyMap<ValueId, Op>): Curve | null {
  if (op.type.dtype !== "f32") return null;
  if (isUniform(op) && traitsOf(op).isCurve) {
    const operand = known(op.inputs[0], "an operand");
    return { name: nameOf(op), operand, gate: null, f: (x) => at(op, module, x) };
  }
  if (isOp(op, "ann.prelu")) return parametric(op, module);
  return isOp(op, "ann.mul") ? silu(op, module, producers) : null;
}

/** A PReLU with one slope for all elements. */
function parametric(op: OpOf<"ann.prelu">, module: Module): Curve | null {
  const slope = uniformValue(tensorAt(module, op.attrs.slope));
  if (slope === null) return null;
  const operand = known(op.inputs[0], "an operand");
  return { name: `prelu ${slope}`, operand, gate: null, f: (x) => (x < 0 ? slope * x : x) };
}

/** x · sigmoid(x), which exporters write as two ops. */
function silu(op: Op, module: Module, producers: ReadonlyMap<ValueId, Op>): Curve | null {
  for (const [i, value] of op.inputs.entries()) {
    const gate = producers.get(value);
    const other = op.inputs[1 - i];
    if (gate === undefined || other === undefined) continue;
    if (!isOp(gate, "ann.sigmoid") || other !== gate.inputs[0]) continue;
    return { name: "silu", operand: other, gate: value, f: (x) => x * at(gate, module, x) };
  }
  return null;
}

function nameOf(op: Op): string {
  const attrs = Object.entries(op.attrs).map(([key, value]) => `${key}=${String(value)}`);
  return [op.kind.slice("ann.".length), ...attrs].join(" ");
}

/** What an elementwise op makes of a number. */
function at(op: Op, module: Module, x: number): number {
  const one = { ...op, type: real("f32", [1]) };
  const { data } = evaluate(one, [tensorOf("f32", [1], [x])], (ref): Tensor =>
    tensorAt(module, ref),
  );
  return known(data[0], "a result");
}

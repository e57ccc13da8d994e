/**
 * How far a spiking network's charge can be from the analogue network's, proven op by op.
 *
 * The deviation D of a value is a bound, for all t, on | Σ over s ≤ t of x[s] − t · (the analogue
 * value) |, so a read-out is within D / t. Linear ops pass it on by the absolute values of their
 * weights; running max-pools as it is. A neuron that starts from θ/2, whose θ is at least the
 * analogue value z, has at most 3 · D + θ/2:
 *
 * - Too much: at its last spike v ≥ 0, so it has put out at most θ/2 + Σ x up to there.
 * - Too little: since it was last below θ it fired at every step, so v ≤ θ + 2 · D, and it has put
 *   out θ/2 + Σ x − v.
 */
import { known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Module, tensorAt } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { maxPool } from "../../../ir/semantics/values/pool.ts";
import { broadcastIndices } from "../../../ir/semantics/semantics.ts";
import { type Tensor, tensorOf, zeros } from "../../../ir/tensor.ts";

/** The deviation of each element of every value in front of the read-outs. */
export function deviations(snn: Module): ReadonlyMap<ValueId, readonly number[]> {
  const bounds = new Map<ValueId, Tensor>();
  for (const op of snn.ops) {
    const inputs = op.inputs.map((value) => known(bounds.get(value), `a bound of %${value}`));
    bounds.set(op.result, deviation(op, inputs, snn));
  }
  return new Map([...bounds].map(([value, bound]) => [value, [...bound.data]]));
}

function deviation(op: Op, inputs: readonly Tensor[], snn: Module): Tensor {
  const { shape } = op.type;
  const [first] = inputs;
  // What does not change over time does not deviate.
  if (first === undefined) return zeros("f32", shape);
  const absolute = (ref: string): Tensor => {
    const held = tensorAt(snn, ref);
    return tensorOf(held.dtype, held.shape, [...held.data].map(Math.abs));
  };
  if (isOp(op, "snn.if")) {
    const threshold = tensorAt(snn, op.attrs.threshold);
    const at = [...broadcastIndices(threshold.shape, shape)];
    const data = at.map((i, k) => 3 * (first.data[k] ?? NaN) + (threshold.data[i] ?? NaN) / 2);
    return tensorOf("f32", shape, data);
  }
  if (isOp(op, "snn.max-pool", "ann.max-pool")) {
    const pooled = maxPool(op.attrs, first.shape, shape, Float64Array.from(first.data));
    return tensorOf("f32", shape, pooled);
  }
  if (isOp(op, "snn.readout", "ann.neg")) return first;
  if (isOp(op, "ann.linear")) {
    return evaluate({ ...op, attrs: { ...op.attrs, bias: null } }, inputs, absolute);
  }
  if (isOp(op, "ann.conv")) {
    return evaluate({ ...op, attrs: { ...op.attrs, bias: null } }, inputs, absolute);
  }
  if (isOp(op, "ann.affine")) {
    const scale = absolute(op.attrs.scale);
    const at = [...broadcastIndices(scale.shape, shape)];
    const data = at.map((i, k) => (scale.data[i] ?? NaN) * (first.data[k] ?? NaN));
    return tensorOf("f32", shape, data);
  }
  // The rest moves, adds and averages.
  return evaluate(op, inputs, absolute);
}

/**
 * Synaptic operations of spikes that are words of several bits, or of which a frame has several.
 * Synapse kernels count one for each element that is not 0; the steps made here add what the others
 * cost.
 */
import { evaluate } from "../../ir/evaluate.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type Op, type ValueId, movedOperands } from "../../ir/op.ts";
import { outDegrees } from "../../ir/semantics/connections.ts";
import { type Tensor, type TensorData, tensor, tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import type { Counters } from "./kernel.ts";
import type { NeuronStep, Step } from "./step.ts";

/** A step for each synapse that reads words, to be run behind all others. */
export function extraSpikes(
  module: Module,
  buffers: ReadonlyMap<ValueId, TensorData>,
  neurons: readonly NeuronStep[],
  counters: Counters,
): Step[] {
  const ops = new Map<ValueId, Op>(module.ops.map((op) => [op.result, op]));
  const bufferOf = (value: ValueId): TensorData => known(buffers.get(value), `value %${value}`);
  const shapeOf = (value: ValueId): readonly number[] =>
    known(ops.get(value), `value %${value}`).type.shape;
  const nonZero = (value: ValueId): Tensor =>
    tensorOf(
      "f32",
      shapeOf(value),
      Array.from(bufferOf(value), (x) => Number(x !== 0)),
    );
  const steps: Step[] = [];
  const put = (op: Op, run: () => void): void =>
    void steps.push({ op, timeVarying: true, reset: () => undefined, run });
  /** Spikes of each element at this timestep, of values that may be words. */
  const words = new Map<ValueId, Tensor>();
  for (const { op, spikesOfEach } of neurons) {
    if (!mayBeWord(op, module)) continue;
    const { shape } = op.type;
    words.set(op.result, tensorOf("f32", shape, new Float32Array(elementCount(shape))));
    put(op, () => {
      const each = known(spikesOfEach(), "the spikes of each neuron");
      words.set(op.result, tensorOf("f32", shape, each));
    });
  }
  if (words.size === 0) return [];
  for (const op of module.ops) {
    const moved = movedOperands(op, (value) => ops.get(value)) ?? [];
    if (op.inputs.some((value, i) => moved.includes(i) && words.has(value))) {
      const { shape } = op.type;
      words.set(op.result, tensorOf("f32", shape, new Float32Array(elementCount(shape))));
      const counts = { ...op, type: { ...op.type, dtype: "f32" as const } };
      put(op, () => {
        const operands = op.inputs.map((value, i) => {
          if (moved.includes(i)) return words.get(value) ?? nonZero(value);
          const { dtype } = known(ops.get(value), `value %${value}`).type;
          return tensor(dtype, shapeOf(value), bufferOf(value));
        });
        words.set(
          op.result,
          evaluate(counts, operands, (ref) => tensorAt(module, ref)),
        );
      });
    }
    const [operand] = op.inputs;
    if (operand === undefined || !words.has(operand)) continue;
    const degrees = outDegrees(op, shapeOf(operand), (ref) => tensorAt(module, ref));
    if (degrees === null) continue;
    put(op, () => {
      const values = bufferOf(operand);
      known(words.get(operand), `the words of %${operand}`).data.forEach((spikes, i) => {
        const counted = Number(values[i] !== 0);
        if (spikes !== counted) {
          counters.synapticOperations += (spikes - counted) * (degrees[i] ?? 0);
        }
      });
    });
  }
  return steps;
}

/** Whether an element that is not 0 may be other than one spike, or one that is 0 a spike of no size. */
function mayBeWord(op: Op, module: Module): boolean {
  if (op.kind === "snn.few-spikes") return true;
  if (op.kind !== "snn.graded") return false;
  if (op.attrs.alphabet === "word" && op.attrs.bits > 1) return true;
  return tensorAt(module, op.attrs.amplitude).data.some((a) => a === 0);
}

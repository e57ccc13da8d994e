/**
 * Synaptic operations of spikes that are words of several bits. Synapse kernels count one for each
 * element that is not 0; the steps made here add what the others cost.
 */
import { evaluate } from "../../ir/evaluate.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type Op, type ValueId, isMove } from "../../ir/op.ts";
import { outDegrees } from "../../ir/semantics/connections.ts";
import { type Tensor, type TensorData, tensorOf } from "../../ir/tensor.ts";
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
  /** Spikes of each element, of values that may be words. */
  const words = new Map<ValueId, () => Tensor>();
  for (const { op, spikesOfEach } of neurons) {
    if (!mayBeWord(op, module)) continue;
    words.set(op.result, () =>
      tensorOf("f32", op.type.shape, known(spikesOfEach(), "the spikes of each neuron")),
    );
  }
  if (words.size === 0) return [];
  const steps: Step[] = [];
  for (const op of module.ops) {
    if (isMove(op) && op.inputs.some((value) => words.has(value))) {
      const counts = { ...op, type: { ...op.type, dtype: "f32" as const } };
      words.set(op.result, () =>
        evaluate(
          counts,
          op.inputs.map((value) => words.get(value)?.() ?? nonZero(value)),
          (ref) => tensorAt(module, ref),
        ),
      );
    }
    const [operand] = op.inputs;
    const count = operand === undefined ? undefined : words.get(operand);
    if (operand === undefined || count === undefined) continue;
    const degrees = outDegrees(op, shapeOf(operand), (ref) => tensorAt(module, ref));
    if (degrees === null) continue;
    steps.push({
      op,
      timeVarying: true,
      reset: () => undefined,
      run() {
        const values = bufferOf(operand);
        count().data.forEach((spikes, i) => {
          const counted = Number(values[i] !== 0);
          if (spikes !== counted) {
            counters.synapticOperations += (spikes - counted) * (degrees[i] ?? 0);
          }
        });
      },
    });
  }
  return steps;
}

/** Whether an element that is not 0 may be other than one spike, or one that is 0 a spike of no size. */
function mayBeWord(op: Op, module: Module): boolean {
  if (op.kind !== "snn.graded") return false;
  if (op.attrs.alphabet === "word" && op.attrs.bits > 1) return true;
  return tensorAt(module, op.attrs.amplitude).data.some((a) => a === 0);
}

/**
 * Where thresholds are chosen: each population of neurons with the value of the analogue network that
 * it stands for, and how a range (the largest value that it can send) becomes its parameters.
 */
import { isNeuron } from "../../ir/op/known.ts";
import { channelAxisOf } from "../../ir/analysis/channels.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Module, producerOf, tensorAt } from "../../ir/module.ts";
import { type NeuronKind, type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { largestSpike, sharesOf } from "../../ir/semantics/neurons/graded.ts";
import { rectifierCeiling } from "../convert/spiking-form.ts";

export interface NeuronSite {
  readonly neuron: OpOf<NeuronKind>;
  /** The value of the analogue network whose distribution matters: what the activation is given. */
  readonly observed: ValueId;
  readonly axis: number;
  /** The largest value that the activation lets through: 6 for ReLU6, Infinity for ReLU. */
  readonly ceiling: number;
  /** The step that the model has quantised the activation to; null where it has not. */
  readonly step: number | null;
  /** Whether values of either sign are sent; else they are rectified. */
  readonly signed: boolean;
  /** Values that it can tell apart between 0 and its range, by the end of a run. */
  readonly levels: number;
}

/** Finer than this no statistics are. */
const mostLevels = 1 << 16;

/** The neurons of `module` in order. */
export function neuronSites(module: Module, reference: Module, timesteps: number): NeuronSite[] {
  const counterparts = new Map<ValueId, Op>(reference.ops.map((op) => [op.result, op]));
  // Leaky neurons have no threshold to choose: soft-lif has fitted their tuning curves.
  const chosen = module.ops.filter(isNeuron).filter((op) => !isOp(op, "snn.lif"));
  return chosen.flatMap((neuron): NeuronSite[] => {
    const levels = Math.min(mostLevels, levelsOf(neuron, module, timesteps));
    const activation = counterparts.get(neuron.result);
    if (activation === undefined) {
      const observed = valueBehind(module, neuron, counterparts);
      const axis = channelAxisOf(reference, observed);
      return [{ neuron, observed, axis, ceiling: Infinity, step: null, signed: true, levels }];
    }
    const ceiling = rectifierCeiling(activation);
    // Neurons fitted to another function have been given their range with it.
    if (ceiling === null) return [];
    const observed = known(activation.inputs[0], "an activation's operand");
    const axis = channelAxisOf(reference, observed);
    const step = isOp(activation, "ann.fake-quantize") ? Math.fround(activation.attrs.step) : null;
    return [{ neuron, observed, axis, ceiling, step, signed: false, levels }];
  });
}

/** The value of the analogue network that neurons of either sign send: it keeps the id it had. */
function valueBehind(
  module: Module,
  neuron: Op,
  counterparts: ReadonlyMap<ValueId, unknown>,
): ValueId {
  let value = known(neuron.inputs[0], "a neuron's operand");
  // What lies between are the changes of a real value, and the opposite that the second of a pair takes.
  while (!counterparts.has(value)) {
    value = known(producerOf(module, value).inputs[0], "the value that is sent");
  }
  return value;
}

function levelsOf(neuron: OpOf<NeuronKind>, module: Module, timesteps: number): number {
  switch (neuron.kind) {
    case "snn.if":
    case "snn.rehearsed-if":
    case "snn.lif":
      return timesteps;
    case "snn.graded": {
      const most = largestSpike(neuron.attrs);
      if (module.code !== "differential") return most * timesteps;
      if (neuron.attrs.schedule === "constant") return most;
      // As far as the spikes of all timesteps reach together, in steps of the first.
      const shareOf = sharesOf(neuron.attrs, neuron.type.shape, (ref) => tensorAt(module, ref));
      const shares = Array.from({ length: timesteps }, (_, t) => shareOf(t + 1, 0));
      return Math.round(most * shares.reduce((sum, share) => sum + share, 0));
    }
    case "snn.few-spikes":
      return 2 ** (tensorAt(module, neuron.attrs.amplitude).shape[0] ?? 1) - 1;
    case "snn.ttfs":
      return module.timesteps;
  }
}

/** Steps of the threshold to the range of neurons: the threshold is the range over this. */
export function stepsToRange(neuron: OpOf<NeuronKind>, module: Module): number {
  if (isOp(neuron, "snn.graded")) return largestSpike(neuron.attrs);
  return isOp(neuron, "snn.ttfs") ? module.timesteps : 1;
}

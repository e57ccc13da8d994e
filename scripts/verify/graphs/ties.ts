/**
 * Which neurons are so near to firing otherwise that the order of a sum may decide it: those for which
 * |u − θ| ≤ 1e-4·θ. The interpreter's own cells say so: a neuron is driven again by what drove it, with
 * its current at one timestep moved by that much to either side. What holds for one threshold so holds
 * for the levels of graded neurons, the rows of few-spikes neurons and the ticks of others, too.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { ProbeData } from "../../../ir/executable.ts";
import { type Module, isFramed, producerOf, tensorAt } from "../../../ir/module.ts";
import { type NeuronKind, type OpOf, isOp } from "../../../ir/op/op.ts";
import { perNeuron, rowsOf } from "../../../ir/semantics/neurons/cell.ts";
import { steppedCellOf } from "../../../ir/semantics/spiking.ts";
import type { TensorLookup } from "../../../ir/op/table.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";

/** A potential nearer to its threshold than this share of it is a tie. */
export const tieShare = 1e-4;

/**
 * For each neuron of `op` whether it is at a tie at timestep `t`, counted from 0; `drive` is its
 * operand at every timestep, [T, numel], as the interpreter has it. `share` is of the threshold.
 */
export function tiesAt(
  module: Module,
  op: OpOf<NeuronKind>,
  drive: ProbeData,
  t: number,
  share: number,
): readonly boolean[] {
  const size = elementCount(op.type.shape);
  const thresholds = thresholdsOf(module, op);
  const gain = gainOf(op);
  const spikesWhenMoved = (by: number): Tensor => {
    const x = (step: number): Float64Array =>
      Float64Array.from(drive.subarray(step * size).subarray(0, size));
    const moved = x(t).map((value, i) => value + (by * (thresholds[i] ?? 0)) / gain);
    return lastOf(module, op, [...Array.from({ length: t }, (_, step) => x(step)), moved]);
  };
  const [low, exact, high] = [-share, 0, share].map(spikesWhenMoved);
  const spikes = known(exact, "spikes").data;
  return Array.from(spikes, (s, i) => low?.data[i] !== s || high?.data[i] !== s);
}

/** What the neurons send at the last of the timesteps that `currents` are of. */
function lastOf(module: Module, op: OpOf<NeuronKind>, currents: readonly Float64Array[]): Tensor {
  const { dtype, shape } = producerOf(module, known(op.inputs[0], "an operand")).type;
  const ticks = isFramed(module.code) ? module.timesteps : 1;
  const cell = steppedCellOf(op, shape, lookupOf(module), ticks);
  const sent = currents.map((x) => cell.step(tensorOf(dtype, shape, x)));
  return known(sent.at(-1), "a timestep");
}

function lookupOf(module: Module): TensorLookup {
  return (ref) => tensorAt(module, ref);
}

/** θ of each neuron; the lowest one of several. */
function thresholdsOf(module: Module, op: OpOf<NeuronKind>): ArrayLike<number> {
  const { shape } = op.type;
  const lookup = lookupOf(module);
  if (!isOp(op, "snn.few-spikes")) return perNeuron(op.attrs.threshold, shape, lookup, false);
  const [first, ...rows] = rowsOf(op.attrs.threshold, shape, lookup).slice(0, module.timesteps);
  const lowest = Float32Array.from(known(first, "a row of thresholds"));
  for (const row of rows) lowest.forEach((x, i) => (lowest[i] = Math.min(x, row[i] ?? x)));
  return lowest;
}

/** What a potential changes by where the current changes by 1. */
function gainOf(op: OpOf<NeuronKind>): number {
  return isOp(op, "snn.lif") && op.attrs.leak < 1 ? 1 - op.attrs.leak : 1;
}

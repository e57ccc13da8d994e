/** `snn.few-spikes`: a value as K weighted spikes, as `ir/op/attrs/neurons.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { arithmeticOf } from "./arithmetic.ts";
import { type FramedPopulation, counted, isInteger, perNeuron, rowsOf } from "./cell.ts";
import { binaryRule } from "./integrate-and-fire.ts";

/** Neurons of frames of `ticks`. */
export function fewSpikes(
  op: OpOf<"snn.few-spikes">,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): FramedPopulation {
  // The rule of a binary neuron, with a threshold and a reset for each tick.
  const rule = binaryRule("subtract", arithmeticOf(isInteger(op)));
  const thresholds = rowsOf(op.attrs.threshold, shape, tensors);
  const resets = rowsOf(op.attrs.reset, shape, tensors);
  const amplitudes = rowsOf(op.attrs.amplitude, shape, tensors);
  const vInit = perNeuron(op.attrs.vInit, shape, tensors, isInteger(op));
  const v = vInit.slice();
  const sums = new Float64Array(v.length);
  const neurons = counted(v, "digits");
  const { spikesOfEach } = neurons;

  /** One spike of neuron `i` where its potential reaches the row's threshold; what it is worth. */
  const fire = (row: number, i: number): number => {
    const u = v[i] ?? 0;
    const k = rule.fire(u, 0, thresholds[row]?.[i] ?? Infinity, Infinity);
    if (k === 0) return 0;
    v[i] = rule.reset(u, k, resets[row]?.[i] ?? 0);
    spikesOfEach[i] = (spikesOfEach[i] ?? 0) + 1;
    return amplitudes[row]?.[i] ?? 0;
  };
  return {
    neurons,
    restart: () => v.set(vInit),
    integrate(total) {
      spikesOfEach.fill(0);
      for (let i = 0; i < v.length; i++) {
        v[i] = rule.integrate(vInit[i] ?? 0, total[i] ?? 0);
      }
    },
    tick(t, y) {
      // Beyond the last row even an infinite potential is silent.
      if (t > thresholds.length) y.fill(0);
      else for (let i = 0; i < v.length; i++) y[i] = fire(t - 1, i);
    },
    whole(y) {
      sums.fill(0);
      for (let row = 0; row < Math.min(ticks, thresholds.length); row++) {
        for (let i = 0; i < v.length; i++) sums[i] = (sums[i] ?? 0) + fire(row, i);
      }
      y.set(sums);
    },
  };
}

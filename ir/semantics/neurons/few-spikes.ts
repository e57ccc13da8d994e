/** `snn.few-spikes`: a value as K weighted spikes, as `ir/op/op.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Tensor } from "../../tensor.ts";
import type { Shape } from "../../type.ts";
import { resultOf } from "../semantics.ts";
import { type FramedCell, counted, isInteger, perNeuron, rowsOf } from "./cell.ts";
import { frameSum } from "./frame.ts";

/** Neurons of frames of `ticks`. */
export function fewSpikes(
  op: OpOf<"snn.few-spikes">,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): FramedCell {
  const thresholds = rowsOf(op.attrs.threshold, shape, tensors);
  const resets = rowsOf(op.attrs.reset, shape, tensors);
  const amplitudes = rowsOf(op.attrs.amplitude, shape, tensors);
  const vInit = perNeuron(op.attrs.vInit, shape, tensors, isInteger(op));
  // What is written here is rounded to float32, or wraps at 32 bits.
  const v = vInit.slice();
  const neurons = counted(v, "digits");

  /** One spike of each neuron whose potential reaches the row's threshold. */
  const fire = (row: number): Float64Array => {
    const y = new Float64Array(v.length);
    // Beyond the last row even an infinite potential is silent.
    if (row >= thresholds.length) return y;
    for (let i = 0; i < v.length; i++) {
      if (!((v[i] ?? 0) >= (thresholds[row]?.[i] ?? Infinity))) continue;
      v[i] = (v[i] ?? 0) - (resets[row]?.[i] ?? 0);
      y[i] = amplitudes[row]?.[i] ?? 0;
      neurons.spikesOfEach[i] = (neurons.spikesOfEach[i] ?? 0) + 1;
    }
    return y;
  };
  const integrate = (total: Tensor): void => {
    neurons.spikesOfEach.fill(0);
    v.forEach((_, i) => {
      v[i] = (vInit[i] ?? 0) + (total.data[i] ?? 0);
    });
  };
  return {
    neurons,
    frame(x) {
      integrate(frameSum(x));
      return x.map((_, t) => resultOf(op, fire(t)));
    },
    whole(total) {
      integrate(total);
      const sum = new Float64Array(v.length);
      thresholds.slice(0, ticks).forEach((_, row) => {
        fire(row).forEach((y, i) => {
          sum[i] = (sum[i] ?? 0) + y;
        });
      });
      return resultOf(op, sum);
    },
  };
}

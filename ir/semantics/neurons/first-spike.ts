/** `snn.ttfs`: a value as the time of one spike, as `ir/op/op.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Tensor } from "../../tensor.ts";
import type { Shape } from "../../type.ts";
import { resultOf } from "../semantics.ts";
import { type FramedCell, bitsSet, counted, isInteger, perNeuron } from "./cell.ts";
import { arithmeticOf } from "./arithmetic.ts";
import { frameSum } from "./frame.ts";

/** Binary digits of the significand of a float32. */
export const significandDigits = 24;

/** Neurons of frames of `ticks`. */
export function firstSpike(
  op: OpOf<"snn.ttfs">,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): FramedCell {
  const integer = isInteger(op);
  const arithmetic = arithmeticOf(integer);
  const threshold = perNeuron(op.attrs.threshold, shape, tensors, integer);
  const amplitude = perNeuron(op.attrs.amplitude, shape, tensors, integer);
  const vInit = perNeuron(op.attrs.vInit, shape, tensors, integer);
  const v = vInit.slice();
  const neurons = counted(v, "words");
  /** Digits of a spike's worth: those of a number of ticks, or the significand of a float32. */
  const digitsOf = (worth: number): number =>
    op.attrs.resolution === "tick" ? bitsSet(worth) : significandDigits;

  /** T + 1 − t* of each neuron: how many ticks its spike comes before the end; 0 for no spike. */
  const lead = (total: Tensor): Float64Array => {
    const leads = new Float64Array(v.length);
    for (let i = 0; i < v.length; i++) {
      v[i] = (vInit[i] ?? 0) + (total.data[i] ?? 0);
      const [height, slope] = [v[i] ?? 0, threshold[i] ?? 1];
      const rounded =
        op.attrs.resolution === "tick"
          ? arithmetic.nearest(height, slope)
          : Math.fround(height / slope);
      // A potential of NaN is never above 0.
      leads[i] = rounded > 0 ? Math.min(ticks, rounded) : 0;
      const worth = leads[i] ?? 0;
      neurons.spikesOfEach[i] = Number(worth > 0);
      neurons.bitsOfEach[i] = worth > 0 ? digitsOf(worth) : 0;
    }
    return leads;
  };
  const worth = (leads: Float64Array): Float64Array =>
    leads.map((each, i) => arithmetic.multiply(each, amplitude[i] ?? 0));
  return {
    neurons,
    frame(x) {
      const leads = lead(frameSum(x));
      const sizes = worth(leads);
      return x.map((_, t) => {
        // Tick t + 1 is the last one that is not after t* = ticks + 1 − lead, which is below ticks + 1.
        const tickOf = (each: number): number => Math.min(ticks, Math.floor(ticks + 1 - each));
        const now = (each: number): boolean => each > 0 && tickOf(each) === t + 1;
        return resultOf(
          op,
          sizes.map((size, i) => (now(leads[i] ?? 0) ? size : 0)),
        );
      });
    },
    whole: (total) => resultOf(op, worth(lead(total))),
  };
}

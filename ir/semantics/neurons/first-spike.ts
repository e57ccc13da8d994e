/** `snn.ttfs`: a value as the time of one spike, as `ir/op/attrs/neurons.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { arithmeticOf } from "./arithmetic.ts";
import { type FramedPopulation, bitsSet, counted, isInteger, perNeuron } from "./cell.ts";

/** Binary digits of the significand of a float32. */
export const significandDigits = 24;

/** Neurons of frames of `ticks`. */
export function firstSpike(
  op: OpOf<"snn.ttfs">,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): FramedPopulation {
  const { resolution } = op.attrs;
  const integer = isInteger(op);
  const { add, multiply, nearest } = arithmeticOf(integer);
  const threshold = perNeuron(op.attrs.threshold, shape, tensors, integer);
  const amplitude = perNeuron(op.attrs.amplitude, shape, tensors, integer);
  const vInit = perNeuron(op.attrs.vInit, shape, tensors, integer);
  const v = vInit.slice();
  /** T + 1 − t* of each neuron: how many ticks its spike comes before the end; 0 for no spike. */
  const leads = new Float64Array(v.length);
  const neurons = counted(v, "words");
  const { spikesOfEach, bitsOfEach } = neurons;
  /** Digits of a spike's worth: those of a number of ticks, or the significand of a float32. */
  const digitsOf = (lead: number): number =>
    resolution === "tick" ? bitsSet(lead) : significandDigits;
  const worthOf = (i: number): number => multiply(leads[i] ?? 0, amplitude[i] ?? 0);
  return {
    neurons,
    restart: () => v.set(vInit),
    integrate(total) {
      for (let i = 0; i < v.length; i++) {
        const height = add(vInit[i] ?? 0, total[i] ?? 0);
        const slope = threshold[i] ?? 1;
        v[i] = height;
        const ticksBefore =
          resolution === "tick" ? nearest(height, slope) : Math.fround(height / slope);
        // A potential of NaN is never above 0.
        const lead = ticksBefore > 0 ? Math.min(ticks, ticksBefore) : 0;
        leads[i] = lead;
        spikesOfEach[i] = Number(lead > 0);
        bitsOfEach[i] = lead > 0 ? digitsOf(lead) : 0;
      }
    },
    tick(t, y) {
      for (let i = 0; i < v.length; i++) {
        const lead = leads[i] ?? 0;
        // Tick t is the last one that is not after t* = ticks + 1 − lead, which is below ticks + 1.
        const own = Math.min(ticks, Math.floor(ticks + 1 - lead));
        y[i] = lead > 0 && own === t ? worthOf(i) : 0;
      }
    },
    whole(y) {
      for (let i = 0; i < v.length; i++) y[i] = worthOf(i);
    },
  };
}

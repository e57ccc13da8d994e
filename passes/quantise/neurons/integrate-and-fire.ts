/**
 * `snn.if` in integers: threshold and potentials in units of the current, spikes of 1. A threshold is
 * rounded, so what a spike stands for is corrected by as much: a neuron that fires at θ' instead of θ
 * sends θ'/θ of its amplitude, and its mean output stays.
 */
import type { OpOf } from "../../../ir/op/op.ts";
import type { TensorLookup } from "../../../ir/op/spec.ts";
import { scalar } from "../../../ir/tensor.ts";
import { combine, compress } from "../grid.ts";
import {
  type NeuronForm,
  keepGrid,
  parametersOf,
  startsOf,
  thresholdsIn,
  unitsBeside,
  partOf,
} from "./form.ts";

export function integrateAndFire(op: OpOf<"snn.if">, tensors: TensorLookup): NeuronForm {
  const at = parametersOf(op, tensors);
  const threshold = at(op.attrs.threshold);
  const vInit = at(op.attrs.vInit);
  const amplitude = at(op.attrs.amplitude);
  return {
    step: threshold,
    fine: partOf(threshold, Infinity),
    largest: threshold,
    start: vInit,
    worth: amplitude,
    bits: 0,
    sent: null,
    make(maker) {
      const units = unitsBeside(maker.units, threshold);
      const thetas = thresholdsIn(threshold, units);
      const sent = combine(
        [amplitude, thetas, units, threshold],
        ([a = 1, steps = 1, unit = 1, theta = 1]) => (a * steps * unit) / theta,
      );
      const attrs = {
        threshold: keepGrid(maker, op, "threshold", thetas),
        vInit: keepGrid(maker, op, "v_init", startsOf(vInit, units, maker.surplus)),
        amplitude: maker.builder.tensor("one", scalar("i8", 1)),
        reset: op.attrs.reset,
      };
      const value = maker.builder.add(op.kind, [maker.current], attrs, op.loc, op.result);
      return { value, units: compress(sent) };
    },
  };
}

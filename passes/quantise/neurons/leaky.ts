/**
 * `snn.lif` in integers, whose potentials leak in whole units and whose leak is a multiple of 1/2^16. What
 * leaks is rounded towards the current, so a threshold has to be many units. Neurons that are silent for a
 * part of a timestep, or that tell when in a timestep they reached their threshold, have no such form.
 */
import type { OpOf } from "../../../ir/op/op.ts";
import type { TensorLookup } from "../../../ir/op/spec.ts";
import { scalar } from "../../../ir/tensor.ts";
import { combine, compress } from "../grid.ts";
import {
  type NeuronForm,
  type NoForm,
  keepGrid,
  parametersOf,
  startsOf,
  thresholdsIn,
  unitsBeside,
  partOf,
} from "./form.ts";

/** What leaks of integers are multiples of 1 over. */
const leakScale = 2 ** 16;

/** A model's times are float32: 2 ms over 1 ms are 2 to that precision. */
const nearlyWhole = 1e-6;

/** What leaks in a timestep is known to a thirty-second of itself. */
const leastLeaking = 16;

/** How many times as many units as other thresholds: rounding what leaks adds half a unit at each timestep. */
const finer = 32;

export function leaky(op: OpOf<"snn.lif">, tensors: TensorLookup): NeuronForm | NoForm {
  const { leak, refractory, spikeTime, reset } = op.attrs;
  if (spikeTime === "exact") {
    return {
      why: "its spikes fall between timesteps, and what is left of one is no whole number",
      instead: "convert with soft-lif{spikeTime=step}, as --pipeline lif --integer does",
    };
  }
  const silent = Math.round(refractory);
  if (Math.abs(refractory - silent) > nearlyWhole * refractory) {
    return {
      why: `it is silent for ${refractory} timesteps, and integers count whole ones`,
      instead: "take a step of soft-lif that its refractory period is a multiple of",
    };
  }
  const left = Math.round(leak * leakScale);
  if (left < 1 || leakScale - left < leastLeaking) {
    return {
      why: `a leak of ${leak} is too near ${left < 1 ? 0 : 1} for a multiple of 1/65536`,
      instead: `take a ${left < 1 ? "shorter" : "longer"} step of soft-lif`,
    };
  }
  const at = parametersOf(op, tensors);
  const threshold = at(op.attrs.threshold);
  const vInit = at(op.attrs.vInit);
  const amplitude = at(op.attrs.amplitude);
  return {
    step: partOf(threshold, finer),
    fine: partOf(threshold, Infinity),
    largest: threshold,
    start: vInit,
    worth: amplitude,
    bits: 0,
    sent: null,
    make(maker) {
      const units = unitsBeside(maker.units, threshold);
      const thetas = thresholdsIn(threshold, units);
      // Reset to zero forgets by how much: there the rate does not go with the threshold.
      const sent =
        reset === "zero"
          ? amplitude
          : combine(
              [amplitude, thetas, units, threshold],
              ([a = 1, steps = 1, unit = 1, theta = 1]) => (a * steps * unit) / theta,
            );
      const attrs = {
        ...op.attrs,
        threshold: keepGrid(maker, op, "threshold", thetas),
        vInit: keepGrid(maker, op, "v_init", startsOf(vInit, units, maker.surplus)),
        amplitude: maker.builder.tensor("one", scalar("i32", 1)),
        leak: left / leakScale,
        refractory: silent,
      };
      const value = maker.builder.add(op.kind, [maker.current], attrs, op.loc, op.result);
      return { value, units: compress(sent) };
    },
  };
}

/**
 * `snn.ttfs` in integers: the slope of the ramp in units of the current, spikes on ticks, each worth the
 * ticks that are left. A slope that was rounded is another slope; what a tick stands for is corrected by
 * as much. Times that are not rounded to ticks are no integers.
 */
import type { OpOf } from "../../../ir/op/op.ts";
import type { TensorLookup } from "../../../ir/op/spec.ts";
import { scalar } from "../../../ir/tensor.ts";
import { type Grid, combine, compress } from "../grid.ts";
import { leastThreshold, roundHalfAway } from "../units/scale.ts";
import {
  type NeuronForm,
  type NoForm,
  keepGrid,
  parametersOf,
  startsOf,
  unitsBeside,
  partOf,
  fineEnough,
} from "./form.ts";

export function firstSpike(
  op: OpOf<"snn.ttfs">,
  tensors: TensorLookup,
  timesteps: number,
): NeuronForm | NoForm {
  if (op.attrs.resolution === "continuous") {
    return {
      why: "its spikes fall between ticks",
      instead:
        "convert with convert-ttfs{resolution=tick}, as --pipeline ttfs does, which rounds times",
    };
  }
  const at = parametersOf(op, tensors);
  const threshold = at(op.attrs.threshold);
  const vInit = at(op.attrs.vInit);
  const amplitude = at(op.attrs.amplitude);
  const slopesOf = (units: Grid): Grid =>
    combine([threshold, units], ([theta = 1, unit = 1]) =>
      Math.max(1, roundHalfAway(theta / unit)),
    );
  const sent = (given: Grid): Grid => {
    const units = unitsBeside(given, threshold);
    return combine(
      [amplitude, slopesOf(units), units, threshold],
      ([a = 1, slope = 1, unit = 1, theta = 1]) => (a * slope * unit) / theta,
    );
  };
  return {
    // Nothing is added at each tick: the slope need only be one unit.
    step: partOf(threshold, 1 / leastThreshold),
    fine: partOf(threshold, fineEnough),
    largest: threshold,
    start: vInit,
    worth: amplitude,
    bits: Math.ceil(Math.log2(timesteps + 1)),
    sent,
    make(maker) {
      const units = unitsBeside(maker.units, threshold);
      const attrs = {
        threshold: keepGrid(maker, op, "threshold", slopesOf(units)),
        vInit: keepGrid(maker, op, "v_init", startsOf(vInit, units, maker.surplus)),
        amplitude: maker.builder.tensor("one", scalar("i32", 1)),
        resolution: op.attrs.resolution,
      };
      const value = maker.builder.add(op.kind, [maker.current], attrs, op.loc, op.result);
      return { value, units: compress(sent(maker.units)) };
    },
  };
}

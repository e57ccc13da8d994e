/**
 * Rounds the weights of a network layer by layer, each on what the integer layers before it really send.
 *
 * For each synapse, in order, on places that are drawn from calibration samples:
 *
 *   1. x, the integers that it receives from the layers that are rounded already (over time: their sum or mean),
 *      and z, what the analogue network has behind it (where spikes stand for means: the spiking network of
 *      floats), less what the integer network adds there (a shortcut);
 *   2. weights W* that bring W*·x nearest to z, by least squares that hold them near W;
 *   3. their integers, by the second moments of x (together.ts), in units of which others are tried for them;
 *   4. by how much these sums are too large on average, which biases and potentials take back.
 *
 * Errors of the layers before are so made up for as far as they are predictable. What has no such window, a
 * transposed or three-dimensional convolution, and weights that are integers already get what is nearest. (After
 * Frantar et al., ICLR 2023; targets as in Li et al., ICLR 2025, and Nagel et al. 2020.)
 */
import { known } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { type RoundedWeights, type Rounding, type RoundWeights, roundWeights } from "../round.ts";
import { type TuneUnit, roundLayer } from "./round-layer.ts";
import { type LayerContext, layerOf, lookAtFloats, lookAtIntegers } from "./seen.ts";

/**
 * How the weights of `module` are rounded. `emit` makes its integers with the weights that it is given;
 * those of layers that are still to come are of no account then. `tune` is asked for a better unit of each output.
 */
export async function roundedByLayer(
  module: Module,
  emit: (round: RoundWeights) => Module,
  tune: TuneUnit,
  context: LayerContext,
): Promise<RoundWeights> {
  const layers = module.ops.flatMap((op) => layerOf(module, op) ?? []);
  const done = new Map<ValueId, RoundedWeights>();
  const units = new Map<ValueId, Rounding>();
  const round: RoundWeights = (op, weight, rounding) => {
    units.set(op.result, rounding);
    return done.get(op.result) ?? roundWeights(op, weight, rounding);
  };
  const loops = await context.loops();
  const wanted = await lookAtFloats(module, layers, context);
  for (const layer of layers) {
    const { synapse } = layer.site;
    const integers = emit(round);
    const rounding = units.get(synapse.result);
    // A synapse that the network of integers has no more, or of what is always 0.
    if (rounding === undefined || rounding.inputs.every((unit) => unit === 0)) continue;
    const seen = await lookAtIntegers(integers, layer, rounding, context);
    if (seen === null) continue;
    const floats = known(wanted.get(synapse.result), "what the network of floats has");
    done.set(synapse.result, roundLayer(module, layer, rounding, seen, floats, { tune, loops }));
  }
  return round;
}

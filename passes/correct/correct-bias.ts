/**
 * Takes the mean error of each channel away by the bias of what drives it.
 *
 * Precondition: a spiking module of rate code in which the mean of the spikes is the value, and a
 * calibration set. Result: layer by layer, in topological order and on the layers corrected already,
 *
 *     b_c ← b_c + E[ANN activation of channel c] − E[mean over t of the spikes of channel c]
 *
 * where the expectations are over the calibration samples and the elements of the channel. (Li et al.,
 * ICML 2021, "SNN calibration", light.)
 */
import { known } from "../../ir/diagnostic.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { definePass } from "../pass.ts";
import { withBias } from "./bias-slot.ts";
import { meansOf, neuronAt, steadySites } from "./layerwise.ts";

const name = "correct-bias";

export const correctBias = definePass({
  name,
  role: "correct",
  summary: "takes the mean error of each channel away by biases, layer by layer",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    iterations: {
      kind: "integer",
      default: 1,
      min: 1,
      max: 100,
      help: "corrections of a layer before the next one has its turn",
    },
    samples: {
      kind: "integer",
      default: 128,
      min: 1,
      max: 1_000_000,
      help: "calibration samples to look at",
    },
  },
  async run(module, context) {
    const { iterations, samples } = context.options;
    const { timesteps } = context;
    const { analogue, sites } = steadySites(module, name, context);
    const wanted = await meansOf(analogue, sites, context, { timesteps: 1, samples });
    let current = module;
    for (const site of sites) {
      const target = known(wanted.get(site.value), "a mean");
      for (let i = 0; i < iterations; i++) {
        const sent = await meansOf(current, [site], context, { timesteps, samples });
        const is = known(sent.get(site.value), "a mean");
        const errors = target.map((mean, group) => mean - (is[group] ?? 0));
        if (errors.every((error) => error === 0)) break;
        const shift = tensorOf("f32", site.groups.shape, errors);
        current = withBias(current, neuronAt(current, site), shift, name);
      }
    }
    return current;
  },
});

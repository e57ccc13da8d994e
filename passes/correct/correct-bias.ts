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
import { withBias } from "../bias.ts";
import { definePass } from "../pass.ts";
import { correctErrors, errorOptions, neuronAt, steadySites } from "./layerwise.ts";

const name = "correct-bias";

export const correctBias = definePass({
  name,
  role: "correct",
  summary: "remove the mean error of each channel with biases, layer by layer",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    ...errorOptions,
  },
  run(module, context) {
    const places = {
      pass: name,
      into: ["ann.conv", "ann.conv-transpose", "ann.linear", "ann.affine"],
      otherwise: "ann.affine",
    } as const;
    const sites = steadySites(module, name, context);
    return correctErrors(module, sites, context, (current, site, errors) => {
      const { shape } = site.groups;
      // Errors are stored as any tensor is before they are added.
      const bias = { shape, data: Float32Array.from(errors) };
      return withBias(current, neuronAt(current, site), bias, places);
    });
  },
});

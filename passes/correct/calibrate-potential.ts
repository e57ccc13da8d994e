/**
 * Takes the mean error of each neuron or channel away by the potential that it starts from.
 *
 * Precondition: a spiking module of rate code whose neurons reset by subtraction, and a calibration
 * set. Result: layer by layer, in topological order and on the layers corrected already,
 *
 *     v[0] ← v[0] + T · (E[ANN activation] − E[mean over t of the spikes])
 *
 * Charge is conserved, so what a neuron sent too little over the whole run is what it should have had
 * at the start. (Li et al., ICML 2021, "SNN calibration", advanced.)
 */
import { rewrite } from "../../ir/build.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type ValueId, isOp } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { broadcastSum } from "../bias.ts";
import { definePass } from "../pass.ts";
import { correctErrors, errorOptions, refuseResetToZero, steadySites } from "./layerwise.ts";

const name = "calibrate-potential";

export const calibratePotential = definePass({
  name,
  role: "correct",
  summary: "remove mean errors with initial membrane potentials, layer by layer",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    scope: {
      kind: "choice",
      default: "channel",
      of: ["channel", "neuron"],
      help: "one correction per channel or per neuron",
    },
    ...errorOptions,
  },
  run(module, context) {
    const { options, timesteps } = context;
    const sites = steadySites(module, name, context, options.scope);
    refuseResetToZero(module, name);
    return correctErrors(module, sites, context, (current, { value, groups }, errors) => {
      const charges = errors.map((error) => timesteps * error);
      return withInitialPotential(current, value, tensorOf("f32", groups.shape, charges));
    });
  },
});

/** The module in which the neurons at `value` start from so much more. */
function withInitialPotential(module: Module, value: ValueId, change: Tensor): Module {
  return rewrite(module, (op, builder) => {
    if (op.result !== value || !isOp(op, "snn.if", "snn.graded")) return null;
    const moved = broadcastSum(tensorAt(module, op.attrs.vInit), change);
    const vInit = builder.tensor(`${shortName(op.loc)}.v_init`, moved);
    return builder.add(op.kind, op.inputs, { ...op.attrs, vInit }, op.loc, op.result);
  });
}

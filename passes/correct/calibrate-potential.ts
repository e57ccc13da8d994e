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
import { known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type ValueId, isOp } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { definePass } from "../pass.ts";
import { broadcastSum, meansOf, refuseResetToZero, steadySites } from "./layerwise.ts";

const name = "calibrate-potential";

export const calibratePotential = definePass({
  name,
  role: "correct",
  summary: "takes mean errors away by initial membrane potentials, layer by layer",
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
    const { iterations, samples, scope } = context.options;
    const { timesteps } = context;
    const { analogue, sites } = steadySites(
      module,
      name,
      context,
      scope === "neuron" ? "neuron" : "channel",
    );
    refuseResetToZero(module, name);
    const wanted = await meansOf(analogue, sites, context, { timesteps: 1, samples });
    let current = module;
    for (const site of sites) {
      const target = known(wanted.get(site.value), "a mean");
      for (let i = 0; i < iterations; i++) {
        const sent = await meansOf(current, [site], context, { timesteps, samples });
        const is = known(sent.get(site.value), "a mean");
        const charges = target.map((mean, group) => timesteps * (mean - (is[group] ?? 0)));
        if (charges.every((charge) => charge === 0)) break;
        const change = tensorOf("f32", site.groups.shape, charges);
        current = withInitialPotential(current, site.value, change);
      }
    }
    return current;
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

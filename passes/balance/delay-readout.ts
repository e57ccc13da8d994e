/**
 * Leaves the first timesteps out of the read-out.
 *
 * Precondition: a spiking module. Result: outputs are means over start < t ≤ T, when the spikes of
 * deep layers have settled (over all timesteps while t < 2 · start):
 *
 *     start = ⌊min(share · T, pace · depth)⌋
 *
 * where depth is the largest number of neurons in a row. (Bu, Li & Yu, CVPR 2025, delay the
 * evaluation by the times that the layers' first spikes take; here that time is `pace` per layer.)
 */
import { rewrite } from "../../ir/build.ts";
import { neuronDepth } from "../../ir/analysis/walk.ts";
import { definePass } from "../pass.ts";
import { refuseRehearsed } from "./thresholds.ts";

const name = "delay-readout";

export const delayReadout = definePass({
  name,
  role: "read-out",
  remedy: {
    by: "later-reading",
    text: "Read the output only after the first spikes have passed through all layers",
  },
  summary: "read the outputs only after deep layers have settled",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    share: {
      kind: "number",
      default: 0.25,
      min: 0,
      max: 0.5,
      help: "largest share of the timesteps to leave out",
    },
    pace: {
      kind: "number",
      default: 1,
      min: 0,
      max: 1000,
      help: "timesteps to leave out for each layer of neurons in a row",
    },
  },
  run: (module, { options: { share, pace }, timesteps }) => {
    refuseRehearsed(module, name);
    const start = Math.floor(Math.min(share * timesteps, pace * neuronDepth(module)));
    return rewrite(module, (op, builder) => {
      if (op.kind !== "snn.readout" || op.attrs.start === start) return null;
      return builder.add("snn.readout", op.inputs, { start }, op.loc, op.result);
    });
  },
});

/**
 * Leaves the first timesteps out of the read-out.
 *
 * Precondition: a spiking module. Result: outputs are means over start < t ≤ T, when the spikes of
 * deep layers have settled. `start` is a share of the timesteps, rounded down.
 * (Bu, Li & Yu, CVPR 2025, "delayed evaluation".)
 */
import { rewrite } from "../../ir/build.ts";
import { definePass } from "../pass.ts";

export const delayReadout = definePass({
  name: "delay-readout",
  phase: "balance",
  summary: "starts reading the outputs out after a share of the timesteps",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    share: {
      kind: "number",
      default: 0.125,
      min: 0,
      max: 0.99,
      help: "share of the timesteps to leave out",
    },
  },
  run: (module, { options: { share }, timesteps }) => {
    const start = Math.floor(share * timesteps);
    return rewrite(module, (op, builder) => {
      if (op.kind !== "snn.readout" || op.attrs.start === start) return null;
      return builder.add("snn.readout", op.inputs, { start }, op.loc, op.result);
    });
  },
});

/**
 * Moves a max-pool in front of the activation it follows.
 *
 * Precondition: the activation f is monotone and nothing else reads it. Result: the pool works on
 * what f was given, and f on what was pooled. max f(x) = f(max x) for non-decreasing f, so outputs
 * stay the same to the bit, and a spiking network pools currents instead of spikes.
 * (Bu, Li & Yu, CVPR 2025, call it pre-neuron max-pooling.)
 */
import { isMonotone } from "../../ir/op/known.ts";
import { fusedLoc } from "../../ir/loc.ts";
import { isOp } from "../../ir/op/op.ts";
import { rework } from "../graph.ts";
import { definePass } from "../pass.ts";

export const commuteMaxPool = definePass({
  name: "commute-max-pool",
  role: "prepare",
  summary: "move max-pools in front of the monotone activations that they follow",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    rework(module, (op, graph) => {
      if (!isOp(op, "ann.max-pool")) return null;
      const [pooled] = op.inputs;
      if (pooled === undefined || graph.uses(pooled) !== 1) return null;
      const activation = graph.producer(pooled);
      if (activation.inputs.length !== 1 || !isMonotone(activation)) return null;
      const { builder } = graph;
      const loc = fusedLoc("commute-max-pool", [op.loc]);
      const pool = builder.add("ann.max-pool", activation.inputs, op.attrs, loc);
      return builder.add(activation.kind, [pool], activation.attrs, activation.loc, op.result);
    }),
});

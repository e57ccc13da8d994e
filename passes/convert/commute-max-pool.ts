/**
 * Moves a max-pool in front of the activation it follows.
 *
 * Precondition: the activation f is monotone and nothing else reads it. Result: the pool works on
 * what f was given, and f on what was pooled. max f(x) = f(max x) for non-decreasing f, so outputs
 * stay the same to the bit, and a spiking network pools currents instead of spikes.
 * (Bu, Li & Yu, CVPR 2025, call it pre-neuron max-pooling.)
 */
import { fusedLoc } from "../../ir/loc.ts";
import { type Op, isOp } from "../../ir/op/op.ts";
import { rework } from "../graph.ts";
import { definePass } from "../pass.ts";

export const commuteMaxPool = definePass({
  name: "commute-max-pool",
  role: "prepare",
  summary: "moves max-pools in front of the monotone activations they follow",
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
      if (!isMonotone(activation)) return null;
      const { builder } = graph;
      const loc = fusedLoc("commute-max-pool", [op.loc]);
      const pool = builder.add("ann.max-pool", activation.inputs, op.attrs, loc);
      return builder.add(activation.kind, [pool], activation.attrs, activation.loc, op.result);
    }),
});

/** Elementwise, the same function at each element, and non-decreasing. */
function isMonotone(op: Op): boolean {
  return (
    isOp(op, "ann.relu", "ann.clip", "ann.sigmoid", "ann.tanh", "ann.softplus", "ann.softsign") ||
    isOp(op, "ann.soft-lif", "ann.fake-quantize") ||
    (isOp(op, "ann.leaky-relu", "ann.elu") && op.attrs.alpha >= 0)
  );
}

/**
 * Takes out ops that no output depends on, and the tensors that only they name.
 *
 * Precondition: none. Result: every op but the inputs is reachable from an output. Inputs stay,
 * because whoever runs the network supplies them in order. (Aho et al. 2006, section 9.1.6.)
 */
import { withoutDead } from "../graph.ts";
import { definePass } from "../pass.ts";

export const eliminateDead = definePass({
  name: "eliminate-dead",
  role: "clean",
  summary: "remove ops that no output depends on",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: withoutDead,
});

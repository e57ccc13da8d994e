/** The messages of builds for WebAssembly. */
import { catalogue } from "../../../ir/diagnostic.ts";

interface UnknownName {
  readonly name: string;
  readonly near: readonly string[];
}

export const diagnose = catalogue({
  "op-without-kernel": {
    severity: "error",
    message: (p: { kind: string; type: string }) =>
      `${p.kind} on ${p.type} has no WebAssembly code, and a built network cannot run it otherwise`,
    help: "run such networks with `snnc run` and `snnc eval`, or change the model so that it does not need the op",
  },
  "input-over-time": {
    severity: "error",
    message: (p: { name: string }) =>
      `input "${p.name}" has a frame for each timestep, and a built network takes its inputs only once`,
    help: "run such networks with `snnc run` and `snnc eval`",
  },
  "probe-unknown": {
    severity: "error",
    message: (p: UnknownName) => `there is nothing named "${p.name}" to probe`,
    help: (p) => `known names: all, ${p.near.join(", ")}`,
  },
  "probe-not-a-layer": {
    severity: "error",
    message: (p: UnknownName) => `"${p.name}" is not a layer of neurons, so it has no potentials`,
    help: (p) =>
      p.near.length === 0 ? "the network has no neurons" : `layers: ${p.near.join(", ")}`,
  },
  "classes-count": {
    severity: "error",
    message: (p: { names: number; output: string; elements: number }) =>
      `there are ${p.names} names of classes, and output "${p.output}" has ${p.elements} elements`,
  },
  "loader-missing": {
    severity: "error",
    cause: "environment",
    message: (p: { file: string }) =>
      `the loader's file ${p.file} is missing from this installation`,
    help: "install snnc again",
  },
});

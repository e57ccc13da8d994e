/** The messages of builds in C. */
import { catalogue } from "../../ir/diagnostic.ts";

export const diagnose = catalogue({
  "c-needs-integers": {
    severity: "error",
    message: (p: { code: string }) =>
      p.code === "none"
        ? "the network was not converted, and programs in C are of spiking networks in integers"
        : "the network computes in floats, and programs in C compute in integers",
    help: (p: { code: string }) =>
      p.code === "none"
        ? "convert the model first: snnc convert MODEL --calib DATA --integer"
        : "convert the model again with --integer",
  },
  "c-no-form": {
    severity: "error",
    message: (p: { kind: string; name: string; why: string }) =>
      `${p.kind} (${p.name}) cannot be in a program in C: ${p.why}`,
    help: (p: { isOutput: boolean }) =>
      p.isOutput
        ? "build with --target 'c{output=sums}': the program gives the sums of the read-out, and what follows is left to you"
        : "leave it out of the model, or do it before the network's input",
  },
  "c-name-taken": {
    severity: "error",
    message: (p: { name: string }) =>
      `a program in C cannot be called "${p.name}": C has that word`,
    help: "choose another one: --target 'c{name=NAME}'",
  },
});

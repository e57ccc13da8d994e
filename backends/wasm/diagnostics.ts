/** The messages of the WebAssembly engine: what the machine or the browser does not give it. */
import { catalogue } from "../../ir/diagnostic.ts";

export const diagnose = catalogue({
  "webassembly-unavailable": {
    severity: "warning",
    cause: "environment",
    message: (p: { missing: string }) =>
      `${p.missing} is missing here, so the network runs on typed arrays, which is slower`,
    help: "a current Node, Deno or browser has it; results are the same except for rounding",
  },
  "no-shared-memory": {
    severity: "info",
    cause: "environment",
    message: (p: { threads: number }) =>
      `memory cannot be shared between threads here: one thread runs instead of ${p.threads}`,
    help: "browsers share memory with pages that are cross-origin isolated (COOP and COEP headers)",
  },
  "no-threads": {
    severity: "warning",
    cause: "environment",
    message: (p: { threads: number; reason: string }) =>
      `threads cannot be started (${p.reason}): one runs instead of ${p.threads}`,
    help: "in a browser, check that the worker's file is served next to the program's",
  },
  "fewer-threads": {
    severity: "info",
    cause: "environment",
    message: (p: { threads: number; wanted: number }) =>
      `there is memory for ${p.threads} of ${p.wanted} threads`,
  },
  "shorter-chunks": {
    severity: "info",
    cause: "environment",
    message: (p: { steps: number }) =>
      `there is little memory: timesteps run ${p.steps} at a time, which is slower`,
  },
  "network-exceeds-memory": {
    severity: "error",
    cause: "environment",
    message: (p: { megabytes: number }) =>
      `a run needs ${p.megabytes} MB of memory, which is not available`,
    help: "keep fewer values (--probe), or run on a machine with more memory; WebAssembly has 4 GB at most",
  },
  "sample-not-split": {
    severity: "info",
    message: (p: { kinds: readonly string[] }) =>
      `each thread takes whole samples, because ${p.kinds.join(", ")} cannot be split between threads`,
  },
});

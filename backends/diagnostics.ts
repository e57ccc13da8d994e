/** The messages about threads of any engine: a worker may end, and then its work is not done. */
import { catalogue } from "../ir/diagnostic.ts";

export const diagnose = catalogue({
  "worker-out-of-memory": {
    severity: "error",
    cause: "environment",
    message: (p: { reason: string }) => `a worker thread ran out of memory (${p.reason})`,
    help: "run with fewer --threads, or on a machine with more memory",
  },
  "worker-ended": {
    severity: "error",
    cause: "environment",
    message: (p: { reason: string }) =>
      `a worker thread ended before its work was done (${p.reason})`,
    help: "run again; with --threads 1 there are no workers",
  },
});

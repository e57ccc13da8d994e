/** The messages of the library's own steps: what running a network for a pass may bring to light. */
import { catalogue } from "../ir/diagnostic.ts";

export const diagnose = catalogue({
  "value-not-finite": {
    severity: "error",
    message: (p: { name: string; count: number; samples: number }) =>
      `${p.name} computes ${p.count} values that are NaN or infinite on ${p.samples} calibration samples`,
    help: "check the scale of the data against what the network was trained on (--preprocess)",
  },
});

/** What can go wrong only when a network runs: values that an op cannot take, whatever their type. */
import { catalogue } from "../diagnostic.ts";

export const diagnose = catalogue({
  "index-out-of-range": {
    severity: "error",
    message: (p: { kind: string; index: number; axis: number; extent: number }) =>
      `${p.kind} was given index ${p.index} for axis ${p.axis}, which has ${p.extent} elements`,
    help: "with n elements, an index may be from -n to n - 1",
  },
});

/** The soft-LIF activation, to learn with and to write as the operator SoftLif of domain snnc. */
import { type SoftLif, softLif, softLifSlope } from "../../ir/semantics/soft-lif.ts";
import { type Spelling, nodeOf } from "./model.ts";
import type { Activation } from "./network.ts";

export function softLifActivation(curve: SoftLif): Activation & Spelling {
  const { tauRc, tauRef, sigma, amplitude } = curve;
  const attributes = { tau_rc: tauRc, tau_ref: tauRef, sigma, amplitude };
  return {
    value: (current) => softLif(current, curve),
    slope: (current) => softLifSlope(current, curve),
    // At the threshold, where the curve is steepest.
    bias: 1,
    nodes: (input, output, l) => [
      nodeOf("SoftLif", { input: [input], output, name: `lif${l}` }, attributes, "snnc"),
    ],
  };
}

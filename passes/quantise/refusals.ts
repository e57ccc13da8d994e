/** Why an op is not made of integers, and what to convert with instead. */
import { fail } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { isEncoder } from "../../ir/op/known.ts";
import type { Op } from "../../ir/op/op.ts";
import { diagnose } from "../diagnostics.ts";

/** Ends the planning of one op; the others go on, so that all refusals are reported at once. */
export function refuse(op: Op, why: string, instead = "choose another code"): never {
  const kind = op.kind.replace(/^(ann|snn)\./, "");
  fail(diagnose("no-integer-form", op.loc, { kind, name: shortName(op.loc), why, instead }));
}

/** Refuses an op of a kind that has no integers, whatever it works on. */
export function refuseKind(op: Op): never {
  switch (op.kind) {
    case "snn.rehearsed-max-pool":
    case "snn.rehearsed-readout":
      refuse(op, "it belongs to neurons that rehearse, which are for floats", "leave out rehearse");
    case "snn.low-pass":
      refuse(
        op,
        "it smooths, and what is left of a value at each timestep is no whole number",
        "convert with soft-lif{synapse=0}, as --pipeline lif --integer does",
      );
    case "snn.input":
      refuse(op, "what comes from outside at each timestep is of floats");
    default:
      if (isEncoder(op)) refuse(op, "an encoder sends floats", "leave out encode-input");
      refuse(op, "it is neither linear nor a neuron");
  }
}

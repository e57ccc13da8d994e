/** Why an op is not made of integers, and what to convert with instead. */
import { type Diagnostic, fail } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { isEncoder, traitsOf } from "../../ir/op/known.ts";
import { type Op, type ValueId, isOp } from "../../ir/op/op.ts";
import { curveOf } from "../convert/curves/curves.ts";
import { diagnose } from "../diagnostics.ts";

/** An op that has no integer form, and what is said of it. */
export interface Refusal {
  readonly op: Op;
  readonly diagnostic: Diagnostic;
}

/** All refusals of a plan, each once: one op may stand in the way of several. */
export class Refusals {
  private readonly found = new Map<string, Refusal>();

  add(refusal: Refusal): void {
    this.found.set(`${refusal.op.result} ${refusal.diagnostic.message}`, refusal);
  }

  /** Refuses an op on values that were read out: what stands between is what has no integers. */
  refuse(op: Op, between: readonly Refusal[]): never {
    if (between.length === 0) refuse(op, "it works on values that were read out already");
    for (const each of between) this.add(each);
    fail();
  }

  all(): readonly Refusal[] {
    return [...this.found.values()];
  }
}

/**
 * Ends the planning of one op; the others go on, so that all refusals are reported at once. `instead` is what
 * to do so that it has integers, where anything helps.
 */
export function refuse(op: Op, why: string, instead: string | null = null): never {
  fail(diagnosed(op, why, instead));
}

function diagnosed(op: Op, why: string, instead: string | null): Diagnostic {
  const name = shortName(op.loc);
  return diagnose("no-integer-form", op.loc, { kind: kindOf(op), name, why, instead });
}

function kindOf(op: Op): string {
  return op.kind.replace(/^(ann|snn)\./, "");
}

/** The kind that a refusal is counted by, and what is said of all of them with the same reason. */
export function groupOf({ op, diagnostic }: Refusal): {
  readonly kind: string;
  readonly help: string;
} {
  const { message, help } = diagnostic;
  const ofAll = message.replace(` (${shortName(op.loc)})`, "");
  return { kind: kindOf(op), help: help === null ? ofAll : `${ofAll}; ${help}` };
}

type Makers = ReadonlyMap<ValueId, Op>;

/** Refuses an op of a kind that has no integers, whatever it works on. */
export function refuseKind(op: Op, module: Module, makers: Makers): never {
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
      refuse(op, "it is neither linear nor a neuron", neuronsInstead(op, module, makers));
  }
}

/** Whether the op makes floats of spikes. */
export function isDecoder(op: Op): boolean {
  return isOp(op, "snn.readout", "snn.accumulate");
}

/**
 * The ops that stand between a read-out and a value that is made of it again, those that are no linear maps: without
 * them there would be no read-out.
 */
export function standingBetween(
  value: ValueId,
  module: Module,
  makers: Makers,
): readonly Refusal[] {
  const found: Op[] = [];
  const seen = new Set<ValueId>();
  const visit = (at: ValueId): void => {
    const op = makers.get(at);
    if (op === undefined || seen.has(at) || isDecoder(op)) return;
    seen.add(at);
    op.inputs.forEach(visit);
    if (op.inputs.length > 0 && traitsOf(op).linear !== "all") found.push(op);
  };
  visit(value);
  const why = "it is computed on values that were read out, with neurons behind it";
  return found.map((op) => ({
    op,
    diagnostic: diagnosed(op, why, neuronsInstead(op, module, makers)),
  }));
}

/** How a function of one number gets neurons of its own, which have integers. */
function neuronsInstead(op: Op, module: Module, makers: Makers): string | null {
  return curveOf(op, module, makers) === null
    ? null
    : "train with ReLU or ReLU6 in its place, or fit neurons to it with convert-few-spikes{activations=fitted}";
}

/** Which synapses are to be fitted to which values, and which bias belongs to which neurons. */
import { known } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../ir/op.ts";
import { consumers, producers } from "../../../ir/walk.ts";

export type Synapse = OpOf<"ann.conv" | "ann.linear">;

/** A synapse on values over time, and what it should amount to. */
export interface FitSite {
  readonly synapse: Synapse;
  /** The value whose counterpart in the analogue network is the target: the synapse's, or a sum's. */
  readonly target: ValueId;
  /** The other term of that sum; null where there is none. */
  readonly extra: ValueId | null;
  /** Whether only neurons look at the target, so that what is negative does not matter. */
  readonly rectified: boolean;
}

/** The synapse on values over time that `op` is, with its target; null for any other op. */
export function fitSiteOf(module: Module, op: Op): FitSite | null {
  if (!isSynapse(op) || op.type.domain === "real") return null;
  if (op.kind === "ann.conv" && op.type.shape.length > 4) return null;
  const users = consumers(module).get(op.result) ?? [];
  const [only] = users;
  const isOutput = module.outputs.some(({ value }) => value === op.result);
  if (users.length === 1 && only !== undefined && !isOutput && isOp(only, "ann.add")) {
    const extra = otherTerm(only, op.result);
    // Of two synapses that meet in a sum the later one is fitted to it, when the other is there.
    const other = extra === null ? undefined : producers(module).get(extra);
    const later = module.ops.findIndex(({ result }) => result === op.result);
    const earlier = module.ops.findIndex(({ result }) => result === extra);
    const isWhole = other !== undefined && (!isSynapse(other) || earlier < later);
    const alike = other !== undefined && sameExtent(other, op);
    if (extra !== null && isWhole && alike) {
      const rectified = isRectified(module, only.result);
      return { synapse: op, target: only.result, extra, rectified };
    }
  }
  return { synapse: op, target: op.result, extra: null, rectified: isRectified(module, op.result) };
}

/** The synapse that a bias of the neurons' current can go into; null where there is none of its own. */
export function biasSlot(module: Module, current: ValueId): Synapse | null {
  const made = producers(module);
  const uses = consumers(module);
  const only = (value: ValueId): boolean =>
    uses.get(value)?.length === 1 && module.outputs.every((output) => output.value !== value);
  const find = (value: ValueId): Synapse | null => {
    if (!only(value)) return null;
    const op = known(made.get(value), `the op that makes %${value}`);
    if (isSynapse(op)) return op;
    if (isOp(op, "ann.add")) {
      for (const term of op.inputs) {
        const found = find(term);
        if (found !== null) return found;
      }
    }
    return isOp(op, "snn.max-pool", "ann.max-pool") ? find(known(op.inputs[0], "operand")) : null;
  };
  return find(current);
}

function isSynapse(op: Op): op is Synapse {
  return isOp(op, "ann.conv", "ann.linear");
}

function otherTerm(sum: Op, value: ValueId): ValueId | null {
  const [a, b] = sum.inputs;
  if (a === undefined || b === undefined || a === b) return null;
  return a === value ? b : a;
}

function sameExtent(a: Op, b: Op): boolean {
  return (
    a.type.shape.length === b.type.shape.length &&
    a.type.shape.every((extent, axis) => extent === b.type.shape[axis])
  );
}

/** Whether neurons alone use a value, through max-pools or not: they answer what is negative by silence. */
function isRectified(module: Module, value: ValueId): boolean {
  const users = consumers(module).get(value) ?? [];
  if (module.outputs.some((output) => output.value === value) || users.length === 0) return false;
  return users.every((user) => {
    if (isOp(user, "snn.max-pool")) return isRectified(module, user.result);
    return isOp(user, "snn.if") || (isOp(user, "snn.graded") && user.attrs.sign !== "free");
  });
}

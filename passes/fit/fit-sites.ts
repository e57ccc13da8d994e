/** Which synapses are to be fitted to which values. */
import type { Module } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { sameShape } from "../../ir/type.ts";
import { consumers, isOutput, producers } from "../../ir/analysis/walk.ts";

export type FittedSynapse = OpOf<"ann.conv" | "ann.linear">;

/** A synapse on values over time, and what it should amount to. */
export interface FitSite {
  readonly synapse: FittedSynapse;
  /** The value whose counterpart in the analogue network is the target: the synapse's, or a sum's. */
  readonly target: ValueId;
  /** The other term of that sum; null where there is none. */
  readonly extra: ValueId | null;
  /** Whether only neurons look at the target, so that what is negative does not matter. */
  readonly rectified: boolean;
}

/** The synapse on values over time that `op` is, with its target; null for any other op. */
export function fitSiteOf(module: Module, op: Op): FitSite | null {
  if (!isFitted(op) || op.type.domain === "real") return null;
  if (op.kind === "ann.conv" && op.type.shape.length > 4) return null;
  const users = consumers(module).get(op.result) ?? [];
  const [only] = users;
  const isSeen = isOutput(module, op.result);
  if (users.length === 1 && only !== undefined && !isSeen && isOp(only, "ann.add")) {
    const extra = otherTerm(only, op.result);
    // Of two synapses that meet in a sum the later one is fitted to it, when the other is there.
    const other = extra === null ? undefined : producers(module).get(extra);
    const later = module.ops.findIndex(({ result }) => result === op.result);
    const earlier = module.ops.findIndex(({ result }) => result === extra);
    const isWhole = other !== undefined && (!isFitted(other) || earlier < later);
    const alike = other !== undefined && sameExtent(other, op);
    if (extra !== null && isWhole && alike) {
      const rectified = isRectified(module, only.result);
      return { synapse: op, target: only.result, extra, rectified };
    }
  }
  return { synapse: op, target: op.result, extra: null, rectified: isRectified(module, op.result) };
}

/** Whether the op has weights that are fitted. */
function isFitted(op: Op): op is FittedSynapse {
  return isOp(op, "ann.conv", "ann.linear");
}

function otherTerm(sum: Op, value: ValueId): ValueId | null {
  const [a, b] = sum.inputs;
  if (a === undefined || b === undefined || a === b) return null;
  return a === value ? b : a;
}

function sameExtent(a: Op, b: Op): boolean {
  return sameShape(a.type.shape, b.type.shape);
}

/** Whether neurons alone use a value, through max-pools or not: they answer what is negative by silence. */
function isRectified(module: Module, value: ValueId): boolean {
  const uses = consumers(module);
  const open = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const users = uses.get(next) ?? [];
    if (isOutput(module, next) || users.length === 0) return false;
    for (const user of users) {
      if (isOp(user, "snn.max-pool")) open.push(user.result);
      else if (!isOp(user, "snn.if") && !(isOp(user, "snn.graded") && user.attrs.sign !== "free"))
        return false;
    }
  }
  return true;
}

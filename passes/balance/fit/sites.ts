/** Which synapses are to be fitted to which values, and which bias belongs to which neurons. */
import { known } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../ir/op.ts";
import { type Shape, sameShape } from "../../../ir/type.ts";
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

/**
 * The synapse that a bias of `shape`, one number per channel of the neurons' current, can go into; null
 * where there is none of its own, or of other channels.
 */
export function biasSlot(module: Module, current: ValueId, shape: Shape): Synapse | null {
  const made = producers(module);
  const uses = consumers(module);
  const only = (value: ValueId): boolean =>
    uses.get(value)?.length === 1 && module.outputs.every((output) => output.value !== value);
  const find = (value: ValueId): Synapse | null => {
    if (!only(value)) return null;
    const op = known(made.get(value), `the op that makes %${value}`);
    if (isSynapse(op)) return hasChannels(op, shape) ? op : null;
    if (isOp(op, "ann.add")) {
      for (const term of op.inputs) {
        // A term that the sum spreads out has other elements.
        const isWhole = sameExtent(known(made.get(term), `the op that makes %${term}`), op);
        const found = isWhole ? find(term) : null;
        if (found !== null) return found;
      }
    }
    return isOp(op, "snn.max-pool", "ann.max-pool") ? find(known(op.inputs[0], "operand")) : null;
  };
  return find(current);
}

/** Whether the bias of a synapse has a number for each of `shape`, along the same axis. */
function hasChannels(op: Synapse, shape: Shape): boolean {
  const axis = isOp(op, "ann.linear") ? op.type.shape.length - 1 : 1;
  return sameShape(
    shape,
    op.type.shape.map((extent, i) => (i === axis ? extent : 1)),
  );
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
  return sameShape(a.type.shape, b.type.shape);
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

/** Shortcuts that take some pixels of spikes and move their channels, as residual networks have them between stages. */
import { type Op, type OpOf, isOp } from "../../../ir/op/op.ts";
import { type Pair, pair } from "./grid.ts";
import type { Lowering } from "./lowering.ts";

export interface ShortcutWindow {
  /** The op whose operand the spikes are. */
  readonly from: Op;
  /** The first row and column that is taken, and the distance to the next. */
  readonly origin: Pair;
  readonly stride: Pair;
  /** By how many channels those that are taken move up. */
  readonly shift: number;
  /** The first channel that is taken, and how many; null for all. */
  readonly first: number;
  readonly channels: number | null;
}

/** What a slice, a pad, or a pad of a slice takes; null where it is more than that. */
export function shortcutWindow(
  lowering: Lowering,
  op: OpOf<"ann.pad" | "ann.slice">,
): ShortcutWindow | null {
  let starts: readonly number[] = [0, 0, 0, 0];
  let steps: readonly number[] = [1, 1, 1, 1];
  let shift = 0;
  let at: Op = op;
  if (isOp(at, "ann.pad")) {
    const { begin, end, mode, value } = at.attrs;
    const spatial = [0, ...begin.keys()].filter((axis) => axis !== 1);
    if (mode !== "constant" || value !== 0) return null;
    if (spatial.some((axis) => begin[axis] !== 0 || end[axis] !== 0)) return null;
    shift = begin[1] ?? 0;
    const producer = lowering.opOf(lowering.operandOf(at));
    if (isOp(producer, "ann.slice") && lowering.isPrivate(producer.result)) at = producer;
  }
  if (isOp(at, "ann.slice")) {
    ({ starts, steps } = at.attrs);
    if (steps.some((step) => step < 1) || steps[1] !== 1) return null;
    shift -= starts[1] ?? 0;
  }
  return {
    from: at,
    origin: pair(starts.slice(2), 0),
    stride: pair(steps.slice(2), 1),
    shift,
    first: starts[1] ?? 0,
    channels: isOp(at, "ann.slice") ? (at.attrs.sizes[1] ?? 0) : null,
  };
}

/**
 * The timesteps of a run as spans within which all that is read from tables stays the same, so that what
 * is proved of one timestep of a span is proved of each. Few spans, however long the run is.
 */
import { type Module, isFramed, opsOf, tensorAt } from "../module.ts";
import { type Op, isOp } from "../op/op.ts";
import type { Tensor } from "../tensor.ts";
import { isFloat } from "../type.ts";
import { type Interval, hullOf, rowIntervals } from "./interval.ts";

/** Timesteps, the first of a run being 1; `last` is Infinity where there is no end. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

const always: Span = { first: 1, last: Infinity };

/**
 * The spans of `module`, in order. One for all where what happens at a timestep depends on what comes back from
 * any earlier one, and in a framed code, whose values are sums of a frame.
 */
export function spansOf(module: Module): readonly Span[] {
  const comesBack = opsOf(module, "snn.previous").some(({ type }) => !isFloat(type.dtype));
  if (comesBack || isFramed(module.code)) return [always];
  const firsts = new Set([1]);
  for (const op of module.ops) {
    if (isFloat(op.type.dtype)) continue;
    // The second timestep is the first that has one before it.
    if (isOp(op, "snn.difference")) firsts.add(2);
    tableOf(op, module).forEach((row, i, rows) => {
      const before = rows[i - 1];
      if (before !== undefined && (row.low !== before.low || row.high !== before.high)) {
        firsts.add(i + 1);
      }
    });
  }
  const sorted = [...firsts].sort((a, b) => a - b);
  return sorted.map((first, i) => ({ first, last: (sorted[i + 1] ?? Infinity) - 1 }));
}

/** The intervals of the rows of an op's table over time; none where it has no such table. */
function tableOf(op: Op, module: Module): readonly Interval[] {
  const ref = isOp(op, "snn.graded")
    ? op.attrs.shares
    : isOp(op, "snn.temporal-bias")
      ? op.attrs.table
      : null;
  if (ref === null) return [];
  const table = tensorAt(module, ref);
  const rows = remembered.get(table) ?? rowIntervals(table);
  remembered.set(table, rows);
  return rows;
}

const remembered = new WeakMap<Tensor, readonly Interval[]>();

/** What an op's table over time holds within `span`: rows 1, 2, …, the last one from then on. */
export function tableWithin(op: Op, span: Span, module: Module): Interval {
  const rows = tableOf(op, module);
  const from = Math.min(span.first, rows.length) - 1;
  return hullOf(rows.slice(from, Math.max(from + 1, span.last)));
}

/**
 * What piles up over time, followed span by span: the state after `timesteps` more within span `i`. States only
 * move away from what fits.
 */
export interface Course<State> {
  readonly start: State;
  readonly advance: (state: State, i: number, timesteps: number) => State;
  readonly fits: (state: State) => boolean;
}

/** The state after a run of so many timesteps. */
export function stateAfter<State>(
  { start, advance }: Course<State>,
  spans: readonly Span[],
  timesteps: number,
): State {
  return spans.reduce((state, { first, last }, i) => {
    const count = Math.min(last, timesteps) - first + 1;
    return count > 0 ? advance(state, i, count) : state;
  }, start);
}

/** More than any 32-bit number that grows by 1 has room for. */
const endless = 2 ** 40;

/** The longest run whose states fit; Infinity where it has no end. */
export function longestRun<State>(course: Course<State>, spans: readonly Span[]): number {
  const { start, advance, fits } = course;
  let state = start;
  if (!fits(state)) return 0;
  for (const [i, { first, last }] of spans.entries()) {
    const length = Math.min(endless, last - first + 1);
    const next = advance(state, i, length);
    if (fits(next)) {
      state = next;
      continue;
    }
    let [fitting, beyond] = [0, length];
    while (beyond - fitting > 1) {
      const middle = Math.floor((fitting + beyond) / 2);
      if (fits(advance(state, i, middle))) fitting = middle;
      else beyond = middle;
    }
    return first - 1 + fitting;
  }
  return Infinity;
}

/**
 * How rounded clips meet rectifiers, clips and one another; beside its one user,
 * normalise-activations.ts. Every rule is exact: rounding is monotone, so it may change places with
 * clips at whole numbers of steps.
 */
import { isMove } from "../../ir/op/known.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { roundEven } from "../../ir/semantics/values/scalar.ts";
import { roundTo } from "../../ir/tensor.ts";
import type { Graph } from "../graph.ts";

type Staircase = OpOf<"ann.fake-quantize">;

interface Range {
  readonly min: number;
  readonly max: number;
}

/** `op` with what lies before it taken in, or as its operand where it does nothing; else null. */
export function simplifyStaircase(
  op: Op,
  rangeOf: (op: Op) => Range | null,
  graph: Graph,
  pass: string,
): ValueId | null {
  const [operand] = op.inputs;
  if (operand === undefined) return null;
  const before = graph.producer(operand);
  if (!isOp(op, "ann.fake-quantize")) return behindStaircase(op, before, rangeOf(op), graph, pass);
  if (isOnSteps(op, operand, graph)) return operand;
  const inner = rangeOf(before);
  if (inner === null) return null;
  // round(clip(x, a, b)/s) = clip(round(x/s), round(a/s), round(b/s))
  const into = (steps: number): number => Math.min(Math.max(steps, op.attrs.low), op.attrs.high);
  const low = into(stepsOf(op, inner.min));
  const high = into(stepsOf(op, inner.max));
  return replaced(op, before.inputs, low, high, op, graph, pass);
}

/** A clip of a staircase, as the staircase with closer bounds where they fall on its steps. */
function behindStaircase(
  op: Op,
  before: Op,
  outer: Range | null,
  graph: Graph,
  pass: string,
): ValueId | null {
  if (outer === null || !isOp(before, "ann.fake-quantize")) return null;
  const { step, low, high } = before.attrs;
  const from = outer.min <= step * low ? low : outer.min / step;
  const to = outer.max >= step * high ? high : outer.max / step;
  if (from === low && to === high) return before.result;
  if (!isWhole(from) || !isWhole(to)) return null;
  const into = (steps: number): number => Math.min(Math.max(steps, from), to);
  return replaced(before, before.inputs, into(low), into(high), op, graph, pass);
}

function replaced(
  { attrs }: Staircase,
  inputs: readonly ValueId[],
  low: number,
  high: number,
  op: Op,
  graph: Graph,
  pass: string,
): ValueId {
  // Adding zero takes the sign off −0.
  const bounds = { ...attrs, low: low + 0, high: high + 0 };
  return graph.builder.add("ann.fake-quantize", inputs, bounds, graph.loc(pass, op), op.result);
}

/** Whether each element of `value` is on a step of `op` within its bounds already. */
function isOnSteps(op: Staircase, value: ValueId, graph: Graph, budget = { ops: 64 }): boolean {
  if (--budget.ops < 0) return false;
  const { step, low, high, rounding } = op.attrs;
  // Floors of quotients that should be whole may fall a step short.
  if (rounding !== "nearest") return false;
  const from = graph.producer(value);
  if (isOp(from, "ann.fake-quantize")) {
    return from.attrs.step === step && from.attrs.low >= low && from.attrs.high <= high;
  }
  if (isOp(from, "ann.pad") && from.attrs.value !== 0) return false;
  if (isOp(from, "ann.pad") && !(low <= 0 && high >= 0)) return false;
  const moves = isMove(from) || isOp(from, "ann.max-pool", "ann.identity");
  return moves && from.inputs.every((input) => isOnSteps(op, input, graph, budget));
}

/** Where a bound falls: the whole number of steps that the op makes of it. */
function stepsOf({ attrs, type }: Staircase, bound: number): number {
  if (!Number.isFinite(bound)) return bound;
  const { dtype } = type;
  const quotient = roundTo(dtype, roundTo(dtype, bound) / roundTo(dtype, attrs.step));
  switch (attrs.rounding) {
    case "nearest":
      return roundEven(quotient);
    case "floor":
      return Math.floor(quotient);
    case "ceil":
      return Math.ceil(quotient);
  }
}

function isWhole(steps: number): boolean {
  return Number.isInteger(steps) || !Number.isFinite(steps);
}

/**
 * Accumulators: what currents are added to. A neuron's potential is one, so are running sums and read-outs;
 * they are kept from timestep to timestep, and what comes once is added before the first one. In a
 * framed code all of a frame is added at once, and nothing is kept.
 */
import { known } from "../../../ir/diagnostic.ts";
import { isWeighted } from "../../../ir/op/known.ts";
import { shortName } from "../../../ir/loc.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { elementCount } from "../../../ir/type.ts";
import type { Code } from "../text/code.ts";
import type { CType } from "../text/types.ts";
import type { Lowering } from "./lowering.ts";
import type { Parameter } from "./parameters.ts";
import type { PartBuilder } from "./part.ts";
import { Sum, assigned, isFirstOnly } from "./sums.ts";
import { type Held, type View, filling, memoryOrder, orderOf, viewOf } from "./views.ts";

export interface Accumulator {
  readonly held: Held;
  readonly view: View;
  /** Code of what comes at this timestep, as far as it is added in memory. */
  readonly code: Code;
  /** What is left to be added element by element, by whoever goes over the accumulator. */
  readonly rest: Sum;
  readonly about: readonly string[];
}

/** How an accumulator begins, and what it is called. */
export interface Beginning {
  readonly name: string;
  readonly type: CType;
  readonly what: string;
  /** What is there before anything comes, its memory in `order`. */
  start(order: readonly number[]): Parameter;
}

/** An accumulator of what comes at each timestep as the operand of `op`, which `part` is of. */
export function accumulate(
  lowering: Lowering,
  part: PartBuilder,
  op: Op,
  beginning: Beginning,
): Accumulator {
  const value = lowering.operandOf(op);
  const { shape } = lowering.opOf(value).type;
  const order = orderFor(lowering, value);
  const { isFramed } = lowering;
  const kind = isFramed ? "scratch" : "kept";
  const { name, type, what } = beginning;
  const held = filling(lowering.array(kind, name, type, elementCount(shape), what), shape, order);
  const view = known(viewOf(held), "a view of an accumulator");
  const start = beginning.start(order);
  const first = isFramed ? part : lowering.part();
  for (const each of [part, first]) each.uses(view);
  if (typeof start !== "number") first.uses(start);
  const once = new Sum(lowering, first, view, name, "begin");
  const rest = new Sum(lowering, part, view, name, isFramed ? "begin" : "step");
  for (const increment of incrementsOf(lowering, value)) {
    const isOnce = isFirstOnly(lowering, increment.value);
    const comes = isOnce ? lowering.operandOf(lowering.opOf(increment.value)) : increment.value;
    (isFramed || isOnce ? once : rest).add(comes, increment.sign, increment.repeats);
  }
  const begin = assigned(view, once, start);
  if (isFramed) return { held, view, code: begin, rest, about: once.about };
  first.add(begin);
  const own = shortName(op.loc);
  lowering.emit(
    `begin_${own}`,
    "begin",
    [`${own} before the first timestep.`, ...once.about],
    first,
  );
  return {
    held,
    view,
    code: [rest.before, rest.synapses],
    rest,
    about: [...once.about, ...rest.about],
  };
}

interface Increment {
  readonly value: ValueId;
  readonly sign: 1 | -1;
  readonly repeats: number;
}

/** What a value is the sum of, where something of it comes once; the value as a whole elsewhere. */
function incrementsOf(lowering: Lowering, value: ValueId, sign: 1 | -1 = 1): readonly Increment[] {
  const op = lowering.opOf(value);
  const whole = { value, sign, repeats: 1 };
  if (!lowering.isReadOnce(value) || !isOp(op, "ann.add", "ann.sub")) return [whole];
  const parts = op.inputs.flatMap((each, i): readonly Increment[] => {
    const own = isOp(op, "ann.sub") && i === 1 ? opposite(sign) : sign;
    const repeats = lowering.repeatsOf(each, op);
    return repeats === 1
      ? incrementsOf(lowering, each, own)
      : [{ value: each, sign: own, repeats }];
  });
  return parts.some((part) => isFirstOnly(lowering, part.value)) ? parts : [whole];
}

function opposite(sign: 1 | -1): 1 | -1 {
  return sign === 1 ? -1 : 1;
}

/** An op's value in an array of its own: whatever it sums up. Null where it sums nothing up. */
export function materialiseSum(lowering: Lowering, op: Op): Held | null {
  const part = lowering.part();
  const phase = lowering.phaseOf(op.result);
  const held = lowering.scratchFor(op, "current", orderFor(lowering, op.result));
  const view = known(viewOf(held), "a view of a current");
  part.uses(view);
  const name = shortName(op.loc);
  const sum = new Sum(lowering, part, view, name, phase);
  if (!sum.addMade(op, 1)) return null;
  part.add(assigned(view, sum));
  lowering.emit(name, phase, sum.about.length > 0 ? sum.about : [`${name}: a sum.`], part);
  return held;
}

/** The order in memory that suits whatever makes a value. */
export function orderFor(lowering: Lowering, value: ValueId): readonly number[] {
  const op = lowering.opOf(value);
  const { shape } = op.type;
  if (isOp(op, "ann.linear")) return shape.map((_, axis) => axis);
  if (isWeighted(op) || isOp(op, "ann.max-pool", "snn.max-pool")) return memoryOrder(shape);
  const there = lowering.viewIfThere(value);
  if (there !== null) return orderOf(there);
  const [operand] = op.inputs;
  const isSame = operand !== undefined && lowering.opOf(operand).type.shape.length === shape.length;
  return isSame && !isMoveLike(op) ? orderFor(lowering, operand) : memoryOrder(shape);
}

function isMoveLike(op: Op): boolean {
  return isOp(op, "ann.transpose", "ann.reshape", "ann.resize", "ann.constant");
}

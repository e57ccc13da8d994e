/** What comes in: the network's floats, made integers here, or the integers that they become. */
import { known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { tensorAt } from "../../../ir/module.ts";
import { type OpOf, isOp } from "../../../ir/op/op.ts";
import { dtypeLimits } from "../../../ir/semantics/values/scalar.ts";
import { float } from "../text/code.ts";
import { nestOver } from "../text/nest.ts";
import { type CType, typeOf } from "../text/types.ts";
import type { Lowering } from "./lowering.ts";
import { type Held, filling, memoryOrder, viewOf } from "./views.ts";

export type Encoder = OpOf<"ann.quantize-linear">;

/** The step that an encoder counts in, and the number that stands for 0; null where they go by channel. */
export function scaleOfEncoder(
  lowering: Pick<Lowering, "module" | "opOf">,
  op: Encoder,
): { readonly unit: number; readonly zero: number } | null {
  const [, unit, zero] = op.inputs.map((value) => {
    const maker = lowering.opOf(value);
    if (!isOp(maker, "ann.constant")) return null;
    const { data } = tensorAt(lowering.module, maker.attrs.value);
    return data.length === 1 ? (data[0] ?? null) : null;
  });
  return typeof unit === "number" && typeof zero === "number" ? { unit, zero } : null;
}

export function lowerInput(lowering: Lowering, op: OpOf<"ann.input">): Held {
  const array = lowering.give(op, known(typeOf(op.type.dtype), "a type of an input"));
  return filling(
    array,
    op.type.shape,
    op.type.shape.map((_, axis) => axis),
  );
}

/** The integers of an encoder, channels last where it is an image. */
export function lowerEncoder(lowering: Lowering, op: Encoder): Held {
  const { shape } = op.type;
  const type = known(typeOf(op.type.dtype), "a type of an encoder");
  const rowMajor = shape.map((_, axis) => axis);
  if (lowering.options.input === "integers") {
    const given = filling(lowering.give(op, type), shape, rowMajor);
    const order = memoryOrder(shape);
    const channels = shape.length >= 3 ? (shape[1] ?? 1) : 1;
    // What lies as it is to lie is read where the caller has it.
    if (channels === 1) return given;
    return converted(lowering, op, given, type, (x) => x, order);
  }
  const { unit, zero } = known(scaleOfEncoder(lowering, op), "an encoder of one step");
  const [low, high] = dtypeLimits(op.attrs.to);
  lowering.helpers.add("encoded");
  const encode = (x: string): string =>
    `(${type})encoded(${x} / ${float(unit)}, ${zero}, ${low}, ${high})`;
  const from = lowering.valueOf(lowering.operandOf(op));
  return converted(lowering, op, from, type, encode, memoryOrder(shape));
}

function converted(
  lowering: Lowering,
  op: Encoder,
  from: Held,
  type: CType,
  convert: (x: string) => string,
  order: readonly number[],
): Held {
  const { shape } = op.type;
  const source =
    viewOf(from) ?? known(viewOf(lowering.copyOf(lowering.operandOf(op), from, order)), "a view");
  const name = lowering.names.claim(`${shortName(op.loc)}_integers`);
  const array = lowering.array("scratch", name, type, from.places.length, "the input in integers");
  const held = filling(array, shape, order);
  const target = known(viewOf(held), "a view of integers");
  const part = lowering.part();
  part.uses(source, target);
  const nest = nestOver([target, source]);
  part.add(nest.around(`${nest.at(target)} = ${convert(nest.at(source))};`));
  lowering.emit(
    `${shortName(op.loc)}_in`,
    "begin",
    [`${shortName(op.loc)}: the input as integers.`],
    part,
  );
  return held;
}

/** The few ops on floats that stand before integers begin and behind the read-out: in double precision, rounded once. */
import { known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { tensorAt } from "../../../ir/module.ts";
import { type Op, type OpOf, isOp } from "../../../ir/op/op.ts";
import { float, loop, scaled, sumOf } from "../text/code.ts";
import { type Nest, nestOver } from "../text/nest.ts";
import type { Lowering } from "./lowering.ts";
import { spread } from "./parameters.ts";
import { type Held, type View, broadcast, orderOf, viewOf } from "./views.ts";

/** Kinds with floats that programs have. */
const kinds = [
  ...(["ann.affine", "ann.add", "ann.sub", "ann.mul", "ann.div", "ann.neg", "ann.relu"] as const),
  ...(["ann.clip", "ann.leaky-relu", "ann.sigmoid", "ann.cast", "ann.softmax"] as const),
] as const;

export type FloatOp = OpOf<(typeof kinds)[number]>;

/** An op that a program can compute on floats; null for another. */
export function floatOpOf(op: Op): FloatOp | null {
  return isOp(op, ...kinds) && op.type.dtype === "f32" ? op : null;
}

export function lowerFloats(lowering: Lowering, op: FloatOp): Held {
  const operands = op.inputs.map((value) => {
    const held = broadcast(lowering.valueOf(value), op.type.shape);
    return viewOf(held) ?? known(viewOf(lowering.copyOf(value, held, rowMajor(held))), "a view");
  });
  const first = known(operands[0], "an operand");
  const held = lowering.scratchFor(op, "value", orderOf(first));
  const view = known(viewOf(held), "a view of floats");
  const part = lowering.part();
  part.uses(view, ...operands);
  const parameters: View[] = [];
  const constant = (data: Float64Array, what: string): ((nest: Nest) => string) => {
    const [only = 0] = data;
    if (data.every((each) => each === only)) return () => float(only);
    const array = lowering.constant(
      `${shortName(op.loc)}_${what}`,
      "float",
      ordered(op, data, view),
      what,
    );
    const of: View = { ...view, array };
    parameters.push(of);
    part.uses(of);
    return (nest) => nest.at(of);
  };
  if (isOp(op, "ann.softmax")) part.add(softmax(lowering, op, first, view));
  else {
    const term = termOf(lowering, op, constant);
    const nest = nestOver([view, ...operands, ...parameters]);
    const [x = "", y = ""] = operands.map((operand) => nest.at(operand));
    part.add(nest.around(`${nest.at(view)} = (float)(${term(nest, x, y)});`));
  }
  const about = [`${shortName(op.loc)}: ${op.kind.replace("ann.", "")} on floats.`];
  lowering.emit(`${shortName(op.loc)}_floats`, lowering.phaseOf(op.result), about, part);
  return held;
}

function rowMajor({ shape }: Held): readonly number[] {
  return shape.map((_, axis) => axis);
}

/** Numbers, row-major, in the order of a view's memory. */
function ordered(
  { type: { shape } }: Op,
  data: Float64Array,
  { array, strides, offset }: View,
): Float64Array {
  const inMemory = new Float64Array(array.length);
  const held = broadcastPlaces(shape, strides, offset);
  data.forEach((number, i) => (inMemory[held[i] ?? 0] = number));
  return inMemory;
}

function broadcastPlaces(
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): Int32Array {
  let places = Int32Array.of(offset);
  shape.forEach((extent, axis) => {
    const step = strides[axis] ?? 0;
    places = Int32Array.from({ length: places.length * extent }, (_, i) => {
      const [outer, inner] = [Math.floor(i / extent), i % extent];
      return (places[outer] ?? 0) + inner * step;
    });
  });
  return places;
}

type Term = (nest: Nest, x: string, y: string) => string;

/** An element of the result, in double precision. */
function termOf(
  lowering: Lowering,
  op: Exclude<FloatOp, { kind: "ann.softmax" }>,
  constant: (data: Float64Array, what: string) => (nest: Nest) => string,
): Term {
  switch (op.kind) {
    case "ann.affine": {
      const { shape } = op.type;
      const scale = constant(spread(tensorAt(lowering.module, op.attrs.scale), shape), "scale");
      const shift = constant(spread(tensorAt(lowering.module, op.attrs.shift), shape), "shift");
      return (nest, x) => `(double)${x} * ${scale(nest)} + ${shift(nest)}`;
    }
    case "ann.add":
      return (_, x, y) => `(double)${x} + ${y}`;
    case "ann.sub":
      return (_, x, y) => `(double)${x} - ${y}`;
    case "ann.mul":
      return (_, x, y) => `(double)${x} * ${y}`;
    case "ann.div":
      return (_, x, y) => `(double)${x} / ${y}`;
    case "ann.neg":
      return (_, x) => `-${x}`;
    case "ann.cast":
      return (_, x) => x;
    case "ann.relu":
      return (_, x) => `${x} < 0.0f ? 0.0f : ${x}`;
    case "ann.clip": {
      const [low, high] = [float(op.attrs.min), float(op.attrs.max)];
      return (_, x) => `${x} > ${high} ? ${high} : ${x} < ${low} ? ${low} : ${x}`;
    }
    case "ann.leaky-relu": {
      const alpha = float(op.attrs.alpha);
      return (_, x) => `${x} < 0.0f ? (double)${x} * ${alpha} : ${x}`;
    }
    case "ann.sigmoid":
      lowering.helpers.add("exponential");
      return (_, x) => `1.0 / (1.0 + exponential(-(double)${x}))`;
  }
}

/** exp(x − the largest), divided by the sum of these along the axis. */
function softmax(
  lowering: Lowering,
  op: OpOf<"ann.softmax">,
  x: View,
  y: View,
): ReturnType<Nest["around"]> {
  lowering.helpers.add("exponential");
  const { axis } = op.attrs;
  const extent = op.type.shape[axis] ?? 1;
  const without = (view: View): View => ({
    ...view,
    shape: view.shape.map((size, at) => (at === axis ? 1 : size)),
  });
  const [from, to] = [without(x), without(y)];
  const nest = nestOver([to, from]);
  const at = (view: View, outer: View): string =>
    `${view.array.name}[${sumOf([nest.index(outer), scaled("k", view.strides[axis] ?? 0)])}]`;
  return nest.around([
    `double most = ${from.array.name}[${nest.index(from)}];`,
    loop("k", extent, `if (${at(x, from)} > most) most = ${at(x, from)};`),
    "double sum = 0.0;",
    loop("k", extent, `sum += exponential(${at(x, from)} - most);`),
    loop("k", extent, `${at(y, to)} = (float)(exponential(${at(x, from)} - most) / sum);`),
  ]);
}

/** A layer of neurons as a part of the program: what drives it, then one loop in which they fire. */
import { known } from "../../../../ir/diagnostic.ts";
import { shortName } from "../../../../ir/loc.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { TensorRef } from "../../../../ir/tensor.ts";
import { tensorAt } from "../../../../ir/module.ts";
import { stridedIndices } from "../../../../ir/semantics/semantics.ts";
import { type Code, integer } from "../../text/code.ts";
import { type Nest, nestOver } from "../../text/nest.ts";
import type { Lowering } from "../lowering.ts";
import { spread, spreadRows } from "../parameters.ts";
import type { PartBuilder } from "../part.ts";
import { type Held, type View, filling, orderOf, viewOf } from "../views.ts";
import type { IntegerNeuron } from "./drive.ts";

/** What writing the loop of a layer needs to know. */
export interface Layer {
  readonly lowering: Lowering;
  readonly op: IntegerNeuron;
  readonly part: PartBuilder;
  /** Names of constants begin with this. */
  readonly name: string;
  readonly order: readonly number[];
  /** Views beside those of the drive that the loop goes over. */
  readonly views: View[];
}

/** A parameter of the layer as text for an element: a number, or the element of an array. */
export type PerNeuron = (nest: Nest) => string;

export function perNeuron(layer: Layer, ref: TensorRef, what: string): PerNeuron {
  const { lowering, op, name, order } = layer;
  const numbers = spread(tensorAt(lowering.module, ref), op.type.shape);
  const found = lowering.parameter(`${name}_${what}`, numbers, op.type.shape, order, what);
  if (typeof found === "number") return () => integer(found);
  layer.views.push(found);
  layer.part.uses(found);
  return (nest) => nest.at(found);
}

/** A table of rows as text for an element of the row whose index is said. */
export interface PerRow {
  readonly rows: number;
  /** Whether rows differ at all. */
  readonly varies: boolean;
  readonly at: (nest: Nest, row: string) => string;
}

export function perRow(layer: Layer, ref: TensorRef, what: string): PerRow {
  const { lowering, op, name, order } = layer;
  const { shape } = op.type;
  const { rows, data } = spreadRows(tensorAt(lowering.module, ref), shape);
  const orders = [0, ...order.map((axis) => axis + 1)];
  const named = `${name}_${what}`;
  const found = lowering.parameter(named, data, [rows, ...shape], orders, what);
  if (typeof found === "number") return { rows, varies: false, at: () => integer(found) };
  const [perRowStep = 0, ...strides] = found.strides;
  const view: View = { ...found, shape, strides };
  layer.views.push(view);
  layer.part.uses(view);
  return {
    rows,
    varies: perRowStep !== 0,
    at: (nest, row) => {
      const index = nest.index(view);
      if (perRowStep === 0) return `${view.array.name}[${index}]`;
      const start = perRowStep === 1 ? row : `${row} * ${perRowStep}`;
      return `${view.array.name}[${index === "0" ? start : `${start} + ${index}`}]`;
    },
  };
}

/** An array that is kept beside the potentials: what was sent, how long a neuron is silent. */
export function keptBeside(layer: Layer, what: string, type: "int32_t" | "int16_t"): View {
  const { lowering, op, name, order } = layer;
  const own = lowering.names.claim(`${name}_${what}`);
  const array = lowering.array("kept", own, type, elementCount(op.type.shape), what);
  const view = known(viewOf(filling(array, op.type.shape, order)), "a view");
  layer.views.push(view);
  layer.part.uses(view);
  const part = lowering.part();
  part.uses(view);
  const nest = nestOver([view]);
  part.add(nest.around(`${nest.at(view)} = 0;`));
  const label = shortName(op.loc);
  lowering.emit(`begin_${label}_${what}`, "begin", [`${label}: ${what}.`], part);
  return view;
}

/** The array of what the layer sends, and a view of it that the loop goes over. */
export function sentBy(layer: Layer): { readonly held: Held; readonly view: View } {
  const { lowering, op, order } = layer;
  const held = lowering.scratchFor(op, "spikes", order);
  const view = known(viewOf(held), "a view of spikes");
  layer.views.push(view);
  layer.part.uses(view);
  return { held, view };
}

/** The loop over all neurons; `body` writes what one does, and tells spike and potential by their names. */
export function firing(
  layer: Layer,
  driven: readonly View[],
  potential: View,
  body: (nest: Nest) => readonly Code[],
  told_: { readonly spike: string; readonly potential: string },
): Code {
  const nest = nestOver([...driven, ...layer.views]);
  const { lowering, op } = layer;
  const number = lowering.layerNumber(op);
  const { shape, strides } = potential;
  lowering.watched.set(op.result, { places: stridedIndices(shape, strides) });
  const watch = `OBSERVE(${number}, ${nest.index(potential)}, ${told_.spike}, ${told_.potential});`;
  return nest.around([...body(nest), watch]);
}

export function layerOf(
  lowering: Lowering,
  op: IntegerNeuron,
  part: PartBuilder,
  potential: View,
): Layer {
  return { lowering, op, part, name: shortName(op.loc), order: orderOf(potential), views: [] };
}

/** Moves: the same elements at other places. Nothing is copied but where elements of several arrays meet. */
import { known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { type Op, type OpOf, isOp } from "../../../ir/op/op.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { tensor } from "../../../ir/tensor.ts";
import { nestOver } from "../text/nest.ts";
import type { Lowering } from "./lowering.ts";
import { type Held, orderOf, partOf, viewOf } from "./views.ts";

/** A value whose elements are those of one operand, or of the zeros that it is padded with. */
export function lowerMove(lowering: Lowering, op: Op): Held {
  if (isOp(op, "ann.concat") && op.inputs.length > 1) return joined(lowering, op);
  const held = lowering.valueOf(lowering.operandOf(op));
  const { shape } = op.type;
  const places = tensor("f64", held.shape, Float64Array.from(held.places));
  const others = op.inputs.slice(1).map((value) => constantOf(lowering, value));
  const moved = evaluate(onPlaces(op), [places, ...others], lowering.tensors);
  return { array: held.array, shape, places: Int32Array.from(moved.data) };
}

/** The op on places instead of values; a place of −1 is a zero that it pads with. */
function onPlaces(op: Op): Op {
  const type = { ...op.type, dtype: "f64" } as const;
  return isOp(op, "ann.pad") ? { ...op, type, attrs: { ...op.attrs, value: -1 } } : { ...op, type };
}

function constantOf(lowering: Lowering, value: Op["result"]): ReturnType<Lowering["tensors"]> {
  const op = lowering.opOf(value);
  return lowering.tensors(known(isOp(op, "ann.constant") ? op.attrs.value : null, "a constant"));
}

/** Values behind one another in an array of their own. */
function joined(lowering: Lowering, op: OpOf<"ann.concat">): Held {
  const parts = op.inputs.map((value) => {
    const held = lowering.valueOf(value);
    return (
      viewOf(held) ??
      known(
        viewOf(
          lowering.copyOf(
            value,
            held,
            held.shape.map((_, a) => a),
          ),
        ),
        "a view",
      )
    );
  });
  const first = known(parts[0], "a part");
  const held = lowering.scratchFor(op, "joined", orderOf(first));
  const target = known(viewOf(held), "a view of what is joined");
  const part = lowering.part();
  part.uses(target, ...parts);
  let from = 0;
  for (const view of parts) {
    const start = view.shape.map((_, axis) => (axis === op.attrs.axis ? from : 0));
    const into = partOf(target, { start, view });
    const nest = nestOver([into, view]);
    part.add(nest.around(`${nest.at(into)} = (${held.array.type})${nest.at(view)};`));
    from += view.shape[op.attrs.axis] ?? 0;
  }
  lowering.emit(
    shortName(op.loc),
    lowering.phaseOf(op.result),
    [`${shortName(op.loc)}: values joined.`],
    part,
  );
  return held;
}

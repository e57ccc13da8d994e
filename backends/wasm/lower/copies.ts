/** Copies of values in other layouts, for kernels that need theirs. */
import { type GridView } from "../kernels/neurons/population-form.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { elementCount } from "../../../ir/type.ts";
import { elementwise } from "../kernels/nest.ts";
import { type View, rowMajor } from "../memory/view.ts";
import { gridViewOf } from "./grid.ts";
import type { Room } from "./layout.ts";
import type { Lowering } from "./lowering.ts";

/** The operand with zeros around it where windows reach over; copied where it lies too tight. */
export function withRoom(lowering: Lowering, value: ValueId, room: Room): View {
  const view = lowering.dense(value);
  if (lowering.hasRoom(view, room)) return view;
  const steps = lowering.stepsOf(value);
  const name = `%${value} padded`;
  const target = lowering.imagePlace(
    name,
    view.element,
    view.shape,
    room,
    steps,
    lowering.phaseOf(value),
  );
  copyInto(lowering, value, view, target, steps);
  return target;
}

/** The value row-major without gaps. */
export function compact(lowering: Lowering, value: ValueId, view: View): View {
  const steps = lowering.stepsOf(value);
  const count = elementCount(view.shape);
  const buffer = lowering.buffer("scratch", `%${value} compact`, 4 * count * steps);
  const target = rowMajor(buffer, view.element, view.shape, steps > 1 ? count : 0);
  copyInto(lowering, value, view, target, steps);
  return target;
}

/** Copies element by element between layouts. */
export function copyInto(
  lowering: Lowering,
  value: ValueId,
  from: View,
  to: View,
  steps: number,
): void {
  lowering.emit({
    name: `%${value} copy`,
    phase: lowering.phaseOf(value),
    reads: [from.buffer],
    writes: [to.buffer],
    emit(code) {
      elementwise(code, to, [from], steps, (_, [x]) => known(x, "an operand").get());
    },
  });
}

/** A view by pixel of a value in memory; copied to such a layout where it lies otherwise. */
export function gridViewFor(
  lowering: Lowering,
  value: ValueId,
  image: boolean,
  view = lowering.dense(value),
): GridView {
  const ready = gridViewOf(view, image);
  if (ready !== null) return ready;
  const { shape } = view;
  const steps = lowering.stepsOf(value);
  const room = { before: shape.slice(2).map(() => 0), after: shape.slice(2).map(() => 0) };
  const phase = lowering.phaseOf(value);
  const target = image
    ? lowering.imagePlace(`%${value} by pixel`, view.element, shape, room, steps, phase)
    : rowMajorPlace(lowering, value, view);
  copyInto(lowering, value, view, target, steps);
  return known(gridViewOf(target, image), "a copy by pixel");
}

function rowMajorPlace(lowering: Lowering, value: ValueId, view: View): View {
  const count = elementCount(view.shape);
  const steps = lowering.stepsOf(value);
  const buffer = lowering.buffer("scratch", `%${value} by pixel`, 4 * count * steps);
  const strides: number[] = [];
  view.shape.reduceRight((stride, extent) => {
    strides.unshift(stride);
    return stride * extent;
  }, 1);
  return { ...view, buffer, offset: 0, strides, lead: steps > 1 ? count : 0 };
}

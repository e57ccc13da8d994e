/** Products of two values, with batch axes that broadcast. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import { type ProductAxis, multiply } from "../../kernels/synapses/matmul.ts";
import { mergedAxes } from "../../kernels/nest.ts";
import { type View, broadcastView, rowMajor, withAxes } from "../../memory/view.ts";
import { elementCount } from "../../../../ir/type.ts";
import { type Lowering, elementOf } from "../lowering.ts";
import { compact, copyInto } from "../copies.ts";

export function lowerMatmul(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "ann.matmul")) return null;
  const [a, b] = [lowering.operandOf(op, 0), lowering.operandOf(op, 1)];
  const types = [op, lowering.opOf(a), lowering.opOf(b)].map(({ type }) => type.dtype);
  const [dtype] = types;
  if (types.some((each) => each !== dtype) || (dtype !== "f32" && dtype !== "i32")) return null;
  const left = matrix(lowering.dense(a), "row");
  let right = matrix(lowering.dense(b), "column");
  // Columns must be neighbours: one copy is cheaper than a gather for each row.
  if (right.strides.at(-1) !== 1) right = matrix(compact(lowering, b, lowering.dense(b)), "column");
  const [rows = 1, inner = 1] = left.shape.slice(-2);
  const columns = right.shape.at(-1) ?? 1;
  const steps = lowering.stepsOf(op.result);
  const batch = op.type.shape.slice(
    0,
    op.type.shape.length -
      (lowering.opOf(a).type.shape.length === 1 ? 0 : 1) -
      (lowering.opOf(b).type.shape.length === 1 ? 0 : 1),
  );
  const placed = lowering.place(op.result);
  const shape = [...batch, rows, columns];
  const ownStrides = [
    ...placed.strides.slice(0, batch.length),
    lowering.opOf(a).type.shape.length === 1 ? 0 : (placed.strides[batch.length] ?? 0),
    lowering.opOf(b).type.shape.length === 1 ? 1 : (placed.strides.at(-1) ?? 0),
  ];
  const direct = withAxes(placed, shape, ownStrides);
  const fits = columns === 1 || ownStrides.at(-1) === 1;
  const count = elementCount(shape);
  const element = known(elementOf(op.type.dtype), "an element type");
  const output = fits
    ? direct
    : rowMajor(
        lowering.buffer("scratch", `%${op.result} rows`, 4 * count * steps),
        element,
        shape,
        steps > 1 ? count : 0,
      );
  const views = [
    output,
    broadcastView(left, [...batch, rows, inner]),
    broadcastView(right, [...batch, inner, columns]),
  ];
  const axes = batchAxes(views, batch.length, steps);
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: [left.buffer, right.buffer],
    writes: [output.buffer],
    emit(code) {
      multiply(code, {
        left,
        right,
        output,
        batch: axes,
        rows,
        inner,
        columns,
        outputRow: output.strides.at(-2) ?? 0,
        leftRow: left.strides.at(-2) ?? 0,
        leftInner: left.strides.at(-1) ?? 0,
        rightInner: right.strides.at(-2) ?? 0,
      });
    },
  });
  if (!fits) copyInto(lowering, op.result, output, direct, steps);
  return placed;
}

/** A vector as one row, or as one column. */
function matrix(view: View, vector: "row" | "column"): View {
  const [extent = 1] = view.shape;
  const [stride = 0] = view.strides;
  if (view.shape.length > 1) return view;
  return vector === "row"
    ? withAxes(view, [1, extent], [0, stride])
    : withAxes(view, [extent, 1], [stride, 1]);
}

/** Time, and the axes before the last two. */
function batchAxes(views: readonly View[], count: number, steps: number): readonly ProductAxis[] {
  const [output] = views;
  const axes = Array.from({ length: count }, (_, axis) => ({
    extent: output?.shape[axis] ?? 1,
    strides: views.map((view) => view.strides[axis] ?? 0),
  }));
  const time = { extent: steps, strides: views.map((view) => view.lead) };
  return mergedAxes(axes, steps > 1 ? [time] : []).map(({ extent, strides: [y, a, b] }) => ({
    extent,
    strides: [y ?? 0, a ?? 0, b ?? 0],
  }));
}

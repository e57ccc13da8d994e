/** Ops that pick elements along axes by a table that is known beforehand. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../../ir/op/op.ts";
import { resizeTaps } from "../../../../ir/semantics/values/resize.ts";
import { paddedCoordinate } from "../../../../ir/semantics/values/shape.ts";
import { elementCount } from "../../../../ir/type.ts";
import { type Tap, gather, tapTable, tapsForEach } from "../../kernels/gather.ts";
import { type View, reshapeView, rowMajor, withAxes } from "../../memory/view.ts";
import { type Lowering, elementOf } from "../lowering.ts";
import { scratchLike } from "../scratch.ts";
import { copyInto } from "../copies.ts";

/** For each element of the result along an axis, what it is made of. */
type AxisTable = readonly (readonly Tap[])[];

export function lowerGather(lowering: Lowering, op: Op): View | null {
  if (elementOf(op.type.dtype) === null) return null;
  if (isOp(op, "ann.resize")) {
    if (op.type.dtype !== "f32") return null;
    return lowerTables(lowering, op, resizeTables(lowering, op));
  }
  if (isOp(op, "ann.tile")) {
    const { shape } = lowering.opOf(lowering.operandOf(op)).type;
    const tables = op.type.shape.map((count, axis) =>
      picks(count, (k) => k % (shape[axis] ?? 1), shape[axis] ?? 1),
    );
    return lowerTables(lowering, op, tables);
  }
  if (isOp(op, "ann.pad")) {
    const { begin, mode } = op.attrs;
    if (mode === "constant") return null;
    const { shape } = lowering.opOf(lowering.operandOf(op)).type;
    const tables = op.type.shape.map((count, axis) => {
      const extent = shape[axis] ?? 1;
      const pick = (k: number): number => paddedCoordinate(k - (begin[axis] ?? 0), extent, mode);
      return picks(count, pick, extent);
    });
    return lowerTables(lowering, op, tables);
  }
  // Backwards; other slices are views.
  if (isOp(op, "ann.slice") && op.attrs.steps.some((step) => step < 0)) {
    const { starts, steps } = op.attrs;
    const { shape } = lowering.opOf(lowering.operandOf(op)).type;
    const tables = op.type.shape.map((count, axis) =>
      picks(count, (k) => (starts[axis] ?? 0) + k * (steps[axis] ?? 1), shape[axis] ?? 1),
    );
    return lowerTables(lowering, op, tables);
  }
  if (isOp(op, "ann.gather")) return lowerIndexed(lowering, op);
  return null;
}

/** One element each; null where that is the axis as it was. */
function picks(count: number, pick: (k: number) => number, extent: number): AxisTable | null {
  const indices = Array.from({ length: count }, (_, k) => pick(k));
  if (count === extent && indices.every((index, k) => index === k)) return null;
  return indices.map((index) => [{ index, weight: 1 }]);
}

/** Null where some element lies outside the region of interest, which has no taps. */
function resizeTables(
  lowering: Lowering,
  op: OpOf<"ann.resize">,
): readonly (AxisTable | null)[] | null {
  const { shape } = lowering.opOf(lowering.operandOf(op)).type;
  const tables: (AxisTable | null)[] = [];
  for (const axis of shape.keys()) {
    const table = resizeTaps(op.attrs, shape, axis);
    if (table === "identity") tables.push(null);
    else {
      const taps: (readonly Tap[])[] = [];
      for (const list of table) {
        if (list === null) return null;
        taps.push(list);
      }
      tables.push(taps);
    }
  }
  return tables;
}

/** Applies the tables of all axes, one after the other. */
function lowerTables(
  lowering: Lowering,
  op: Op,
  tables: readonly (AxisTable | null)[] | null,
): View | null {
  if (tables === null) return null;
  const value = lowering.operandOf(op);
  const input = lowering.dense(value);
  const work = tables.flatMap((table, axis) => (table === null ? [] : [{ table, axis }]));
  if (work.length === 0) return input;
  const output = lowering.place(op.result);
  const steps = lowering.stepsOf(op.result);
  // Where the axis shrinks first, less is left to do for the others.
  work.sort((a, b) => growth(a.axis) - growth(b.axis));
  let view = input;
  work.forEach(({ table, axis }, i) => {
    const shape = view.shape.map((extent, each) => (each === axis ? table.length : extent));
    const isLast = i === work.length - 1;
    const name = `%${op.result} along ${axis}`;
    const to = isLast ? output : scratchLike(lowering, name, input.element, shape, output, steps);
    emitGather(lowering, op, view, to, axis, table);
    view = to;
  });
  return output;

  function growth(axis: number): number {
    return (op.type.shape[axis] ?? 1) / (input.shape[axis] ?? 1);
  }
}

function emitGather(
  lowering: Lowering,
  op: Op,
  input: View,
  output: View,
  axis: number,
  taps: AxisTable,
): void {
  const stride = input.strides[axis] ?? 0;
  const name = `%${op.result} taps ${axis}`;
  const table = lowering.constant(name, () => tapTable(taps, stride));
  const tapsEach = tapsForEach(taps);
  const weighted = taps.some((list) => list.length !== 1 || list[0]?.weight !== 1);
  const steps = lowering.stepsOf(op.result);
  lowering.emit({
    name: `%${op.result} ${op.kind} ${axis}`,
    phase: lowering.phaseOf(op.result),
    reads: [input.buffer, table],
    writes: [output.buffer],
    emit(code) {
      gather(code, { input, output, axis, steps, table, tapsEach, weighted });
    },
  });
}

/** Slices of data by constant indices that are all inside it. */
function lowerIndexed(lowering: Lowering, op: OpOf<"ann.gather">): View | null {
  const [data, chosen] = [lowering.operandOf(op, 0), lowering.operandOf(op, 1)];
  const { axis } = op.attrs;
  const { shape } = lowering.opOf(data).type;
  const extent = shape[axis] ?? 1;
  const indices = constantIndices(lowering, chosen)?.map((i) => (i < 0 ? i + extent : i));
  if (indices?.every((index) => index >= 0 && index < extent) !== true) return null;
  const input = lowering.dense(data);
  const [only] = indices;
  if (only !== undefined && lowering.opOf(chosen).type.shape.length === 0) {
    const strides = input.strides.toSpliced(axis, 1);
    return withAxes(input, op.type.shape, strides, only * (input.strides[axis] ?? 0));
  }
  const flat = shape.with(axis, indices.length);
  const placed = lowering.place(op.result);
  const steps = lowering.stepsOf(op.result);
  const count = elementCount(flat);
  const direct = reshapeView(placed, flat);
  const output =
    direct ??
    rowMajor(
      lowering.buffer("scratch", `%${op.result} picked`, 4 * count * steps),
      placed.element,
      flat,
      steps > 1 ? count : 0,
    );
  const taps = indices.map((index) => [{ index, weight: 1 }]);
  emitGather(lowering, op, input, output, axis, taps);
  if (direct === null) {
    const shaped = known(reshapeView(output, op.type.shape), "what was picked");
    copyInto(lowering, op.result, shaped, placed, steps);
  }
  return placed;
}

function constantIndices(lowering: Lowering, value: ValueId): readonly number[] | null {
  const op = lowering.opOf(value);
  return isOp(op, "ann.constant") ? [...lowering.tensor(op.attrs.value).data] : null;
}

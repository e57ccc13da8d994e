/** Einstein sums as reductions of products over views with an axis for each label. */
import { invariant, known } from "../../../../ir/diagnostic.ts";
import { parseEinsum } from "../../../../ir/analysis/einsum.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import { stridesOf } from "../../../../ir/type.ts";
import { type View, withAxes } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";
import { emitReduction } from "./reductions.ts";
import { compact } from "../copies.ts";

export function lowerEinsum(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "ann.einsum")) return null;
  const types = op.inputs.map((value) => lowering.opOf(value).type);
  if ([op.type, ...types].some(({ dtype }) => dtype !== "f32")) return null;
  const parsed = parseEinsum(
    op.attrs.equation,
    types.map(({ shape }) => shape),
  );
  if (!parsed.ok) invariant(false, parsed.reason);
  const { extents, strides, outputRank } = parsed.value;
  const operands = op.inputs.map((value, i): View => {
    const view = lowering.dense(value);
    const own = stridesOf(view.shape);
    // Labels have the strides of operands that are row-major.
    const isPlain = own.every(
      (stride, axis) => view.shape[axis] === 1 || stride === view.strides[axis],
    );
    const plain = isPlain ? view : compact(lowering, value, view);
    return withAxes(plain, extents, known(strides[i], "strides of an operand"));
  });
  const placed = lowering.place(op.result);
  const summed = extents.slice(outputRank);
  const output = withAxes(
    placed,
    [...extents.slice(0, outputRank), ...summed.map(() => 1)],
    [...placed.strides, ...summed.map(() => 0)],
  );
  const axes = summed.map((_, i) => outputRank + i);
  emitReduction(lowering, op, output, operands, axes, {
    kind: "sum",
    term: ({ wasm: { f32x4 } }, locals) =>
      locals.map((local) => local.get()).reduce((a, b) => f32x4.mul(a, b)),
  });
  return placed;
}

/**
 * Sequences whose length is known: lists of values at import, nothing in the module. Positions and
 * the sizes of parts must be constants.
 */
import { type NodeResult, type OnnxOperator, operator } from "../operator.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import type { NodeContext } from "../context.ts";

/** Position `at` in a list of `length`, counted from the end where negative. */
function position(node: NodeContext, at: number, length: number): number {
  const counted = at < 0 ? at + length : at;
  if (counted < 0 || counted >= length) node.invalid(`position ${at} of ${length}`);
  return counted;
}

/** SequenceAt (11). */
function SequenceAt(node: NodeContext): ValueId {
  const items = node.sequence(0);
  const at = position(node, node.scalar(1, "position"), items.length);
  return items[at] ?? node.invalid(`position ${at} of ${items.length}`);
}

/** SequenceInsert (11): at the end, or before a position. */
function SequenceInsert(node: NodeContext): NodeResult {
  const items = node.sequence(0);
  const at = node.has(2) ? node.scalar(2, "position") : items.length;
  // The length itself is a position here.
  const index = position(node, at < 0 ? at - 1 : at, items.length + 1);
  return [{ sequence: items.toSpliced(index, 0, node.value(1)) }];
}

/** SequenceErase (11): the last, or the one at a position. */
function SequenceErase(node: NodeContext): NodeResult {
  const items = node.sequence(0);
  const at = node.has(1) ? node.scalar(1, "position") : -1;
  return [{ sequence: items.toSpliced(position(node, at, items.length), 1) }];
}

/** SplitToSequence (11, 24): parts along an axis; parts of 1 lose it unless keepdims. */
function SplitToSequence(node: NodeContext): NodeResult {
  const x = node.value(0);
  const { shape } = node.type(x);
  const axis = node.axis(node.attributes.int("axis", 0), shape.length);
  const extent = shape[axis] ?? 0;
  const keepDims = node.attributes.bool("keepdims", true);
  const given = node.has(1) ? node.constant(1, "split") : null;
  let sizes: readonly number[];
  if (given !== null && given.shape.length > 0) sizes = [...given.data];
  else {
    const size = given?.data[0] ?? 1;
    if (!(size >= 1)) node.invalid(`its split is ${size}`);
    const parts = Math.ceil(extent / size);
    node.spend(parts);
    sizes = Array.from({ length: parts }, (_, i) => Math.min(size, extent - i * size));
  }
  if (sizes.reduce((a, b) => a + b, 0) !== extent) {
    node.invalid(`axis ${axis} of extent ${extent} does not split into [${sizes.join(", ")}]`);
  }
  let start = 0;
  const items = sizes.map((size) => {
    const part = node.add("ann.slice", [x], {
      starts: shape.map((_, a) => (a === axis ? start : 0)),
      sizes: shape.map((n, a) => (a === axis ? size : n)),
      steps: shape.map(() => 1),
    });
    start += size;
    if (given !== null || keepDims) return part;
    return node.add("ann.reshape", [part], { shape: shape.filter((_, a) => a !== axis) });
  });
  return [{ sequence: items }];
}

/** ConcatFromSequence (11): along an axis, or a new one. */
function ConcatFromSequence(node: NodeContext): ValueId {
  const items = node.sequence(0);
  const [first] = items;
  if (first === undefined) return node.invalid("its sequence is empty");
  const rank = node.shape(first).length;
  const given = node.attributes.int("axis", 0);
  if (!node.attributes.bool("new_axis", false)) {
    return node.add("ann.concat", items, { axis: node.axis(given, rank) });
  }
  const axis = node.axis(given, rank + 1);
  const rows = items.map((item) => {
    return node.add("ann.reshape", [item], { shape: node.shape(item).toSpliced(axis, 0, 1) });
  });
  return node.add("ann.concat", rows, { axis });
}

export const sequenceOperators: readonly OnnxOperator[] = [
  operator("ConcatFromSequence", [11], 1, ConcatFromSequence),
  operator("SequenceAt", [11], 2, SequenceAt),
  operator("SequenceConstruct", [11], [1, Infinity], (node) => [{ sequence: node.values() }]),
  operator("SequenceEmpty", [11], 0, (node) => {
    node.attributes.ignore("dtype");
    return [{ sequence: [] }];
  }),
  operator("SequenceErase", [11], [1, 2], SequenceErase),
  operator("SequenceInsert", [11], [2, 3], SequenceInsert),
  operator("SequenceLength", [11], 1, (node) => node.number("i64", node.sequence(0).length)),
  operator("SplitToSequence", [11], [1, 2], SplitToSequence),
];

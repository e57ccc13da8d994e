/** Operators that move elements without computing: reshapes, transposes, joins, cuts, repeats. */
import { type OnnxOperator, operator } from "../operator.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { broadcastShapes, elementCount } from "../../../ir/type.ts";
import type { NodeContext } from "../context.ts";
import { unbatched } from "./rebatch.ts";

/**
 * Reshape (1 by attribute; 5 by input; 13; 14 allowzero; 19, 21). 0 keeps an extent, -1 is what
 * is left.
 */
function Reshape(node: NodeContext): ValueId {
  const x = node.value(0);
  const { shape } = node.type(x);
  const count = elementCount(shape);
  if (node.opset < 5) node.attributes.ignore("consumed_inputs");
  const given = node.opset < 5 ? (node.attributes.ints("shape") ?? []) : node.ints(1, "shape");
  const allowZero = node.attributes.bool("allowzero", false);
  let target = given.map((extent, axis) => {
    if (extent !== 0 || allowZero) return extent;
    return shape[axis] ?? node.invalid(`its shape keeps axis ${axis}, which the input lacks`);
  });
  const fixed = target.filter((extent) => extent !== -1);
  const hasFree = fixed.length < target.length;
  if (target.some((extent) => extent < -1) || fixed.length < target.length - 1) {
    node.invalid(`its shape is [${given.join(", ")}]`);
  }
  target = unbatched(node, "the target of Reshape", target, (batch, axis) => {
    if (node.isConstant(0)) return false;
    const kept = elementCount(fixed);
    // Behind the first axis only what would not fit otherwise is taken for the batch.
    if (hasFree) return axis === 0 || count % kept !== 0;
    return kept === batch * count;
  });
  if (hasFree) {
    const others = elementCount(target.filter((extent) => extent !== -1));
    if (others === 0 || count % others !== 0) {
      node.invalid(`[${shape.join(", ")}] does not divide into [${given.join(", ")}]`);
    }
    target = target.map((extent) => (extent === -1 ? count / others : extent));
  }
  return node.add("ann.reshape", [x], { shape: target });
}

/** Flatten (1, 9, 11, 13, 21, 23): to a matrix, split before `axis`. */
function Flatten(node: NodeContext): ValueId {
  const x = node.value(0);
  const { shape } = node.type(x);
  const axis = node.axis(node.attributes.int("axis", 1), shape.length, true);
  return node.add("ann.reshape", [x], {
    shape: [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))],
  });
}

/** Axes of Squeeze and Unsqueeze: an attribute before 13, an input from then on. */
function axesArgument(node: NodeContext): readonly number[] | null {
  if (node.opset < 13) return node.attributes.ints("axes");
  return node.has(1) ? node.ints(1, "axes") : null;
}

/** Squeeze (1, 11, 13, 21, 23). */
function Squeeze(node: NodeContext): ValueId {
  const x = node.value(0);
  const { shape } = node.type(x);
  const given = axesArgument(node);
  const axes =
    given === null
      ? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []))
      : node.axes(given, shape.length);
  for (const axis of axes) {
    if (shape[axis] !== 1) node.invalid(`axis ${axis} of [${shape.join(", ")}] is not 1`);
  }
  return node.add("ann.reshape", [x], { shape: shape.filter((_, axis) => !axes.includes(axis)) });
}

/** Unsqueeze (1, 11, 13, 21, 23): axes count in the result. */
function Unsqueeze(node: NodeContext): ValueId {
  const x = node.value(0);
  const given = axesArgument(node) ?? node.invalid("its axes are missing");
  const { shape } = node.type(x);
  const rank = shape.length + given.length;
  const axes = node.axes(given, rank);
  const rest = [...shape];
  const target = Array.from({ length: rank }, (_, axis) => {
    return axes.includes(axis) ? 1 : (rest.shift() ?? 1);
  });
  return node.add("ann.reshape", [x], { shape: target });
}

/** Transpose (1, 13, 21, 23): axes reversed unless said otherwise. */
function Transpose(node: NodeContext): ValueId {
  const x = node.value(0);
  const rank = node.shape(x).length;
  const perm = node.attributes.ints("perm");
  return node.add("ann.transpose", [x], {
    perm: perm ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
  });
}

/** Concat (1 along axis 1 by default; 4, 11, 13). */
function Concat(node: NodeContext): ValueId {
  const values = node.values();
  const [first] = values;
  const rank = first === undefined ? 0 : node.shape(first).length;
  if (node.opset >= 4 && !node.attributes.has("axis")) node.invalid("its axis is missing");
  const axis = node.axis(node.attributes.int("axis", 1), rank);
  return node.add("ann.concat", values, { axis });
}

/** Split (1, 2, 11 by attribute; 13 by input; 18 num_outputs): one slice for each output. */
function Split(node: NodeContext): readonly ValueId[] {
  const x = node.value(0);
  const { shape } = node.type(x);
  const axis = node.axis(node.attributes.int("axis", 0), shape.length);
  const extent = shape[axis] ?? 0;
  const declared = node.attributes.ints("split");
  const asked = node.attributes.int("num_outputs", node.outputCount);
  if (asked < 1) node.invalid(`its num_outputs is ${asked}`);
  const parts = Math.min(asked, node.outputCount);
  let sizes: readonly number[];
  if (node.has(1)) sizes = node.ints(1, "split");
  else if (declared !== null) sizes = declared;
  else {
    // From opset 18 the last part may be smaller.
    const part = Math.ceil(extent / asked);
    if (node.opset < 18 && extent % asked !== 0) {
      node.invalid(`axis ${axis} of extent ${extent} does not split into ${asked} equal parts`);
    }
    sizes = Array.from({ length: parts }, (_, i) => {
      return Math.max(0, Math.min(part, extent - i * part));
    });
  }
  if (sizes.some((size) => size < 0) || sizes.reduce((a, b) => a + b, 0) !== extent) {
    node.invalid(`axis ${axis} of extent ${extent} does not split into [${sizes.join(", ")}]`);
  }
  if (sizes.length < node.outputCount) {
    node.invalid(`it has ${node.outputCount} outputs for ${sizes.length} parts`);
  }
  let start = 0;
  return sizes.slice(0, node.outputCount).map((size) => {
    const part = node.add("ann.slice", [x], {
      starts: shape.map((_, a) => (a === axis ? start : 0)),
      sizes: shape.map((n, a) => (a === axis ? size : n)),
      steps: shape.map(() => 1),
    });
    start += size;
    return part;
  });
}

/**
 * Slice (1 by attributes; 10 by inputs with steps; 11, 13). Starts and ends count from the end
 * where negative and are clamped to the extent; INT64_MAX and the like mean "to the end".
 */
function Slice(node: NodeContext): ValueId {
  const x = node.value(0);
  const { shape } = node.type(x);
  const rank = shape.length;
  const byInput = node.opset >= 10;
  const list = (index: number, name: string): readonly number[] | null => {
    if (!byInput) return node.attributes.ints(name);
    return node.has(index) ? node.ints(index, name) : null;
  };
  const starts = list(1, "starts") ?? node.invalid("its starts are missing");
  const ends = list(2, "ends") ?? node.invalid("its ends are missing");
  const axesGiven = list(3, "axes") ?? starts.map((_, i) => i);
  const steps = byInput ? (list(4, "steps") ?? starts.map(() => 1)) : starts.map(() => 1);
  if ([ends, axesGiven, steps].some((other) => other.length !== starts.length)) {
    node.invalid("its starts, ends, axes and steps have different lengths");
  }
  const out = { starts: shape.map(() => 0), sizes: [...shape], steps: shape.map(() => 1) };
  axesGiven.forEach((axisGiven, i) => {
    const axis = node.axis(axisGiven, rank);
    const extent = shape[axis] ?? 0;
    const step = steps[i] ?? 1;
    if (step === 0) node.invalid(`its step along axis ${axis} is 0`);
    const counted = (at: number): number => (at < 0 ? at + extent : at);
    const clamp = (at: number, least: number, most: number): number =>
      Math.min(Math.max(at, least), most);
    const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1];
    const start = clamp(counted(starts[i] ?? 0), step > 0 ? 0 : Math.min(0, high), high);
    const end = clamp(counted(ends[i] ?? 0), low, high);
    const size = Math.max(0, Math.ceil((end - start) / step));
    out.starts[axis] = size === 0 ? 0 : start;
    out.sizes[axis] = size;
    // With one element the step does not matter, and INT64_MAX is no step.
    out.steps[axis] = size <= 1 ? 1 : step;
  });
  return node.add("ann.slice", [x], out);
}

/** Expand (8, 13): to the shape that both broadcast to. */
function Expand(node: NodeContext): ValueId {
  const x = node.value(0);
  const { shape } = node.type(x);
  const given = node.ints(1, "shape");
  const wanted = unbatched(node, "the shape of Expand", given, (_, axis) => axis === 0);
  if (wanted.some((extent) => extent < 0)) node.invalid(`its shape is [${given.join(", ")}]`);
  const target = broadcastShapes(shape, wanted);
  if (target === null) {
    return node.invalid(`[${shape.join(", ")}] does not broadcast to [${wanted.join(", ")}]`);
  }
  node.checkSize(target);
  return node.add("ann.expand", [x], { shape: target });
}

/** Tile (1 by tiles along an axis; 6, 13 by repeats of each axis). */
function Tile(node: NodeContext): ValueId {
  const x = node.value(0);
  const { shape } = node.type(x);
  let repeats: readonly number[];
  if (node.opset < 6) {
    const tiles = node.scalar(1, "tiles");
    const axis = node.axis(node.scalar(2, "axis"), shape.length);
    repeats = shape.map((_, a) => (a === axis ? tiles : 1));
  } else {
    repeats = node.ints(1, "repeats");
  }
  node.checkSize(shape.map((extent, axis) => extent * (repeats[axis] ?? 1)));
  return node.add("ann.tile", [x], { repeats });
}

/** Shape (1, 13, 15 start and end, 19, 21, 23): known here, always. */
function Shape(node: NodeContext): ValueId {
  const { shape } = node.inputType(0);
  const rank = shape.length;
  const at = (index: number): number => {
    return Math.min(Math.max(index < 0 ? index + rank : index, 0), rank);
  };
  const start = at(node.attributes.int("start", 0));
  const end = at(node.attributes.int("end", rank));
  const part = shape.slice(start, end);
  return node.literal(tensorOf("i64", [part.length], part));
}

/** Size (1, 13, 19, 21, 23). */
function Size(node: NodeContext): ValueId {
  return node.number("i64", elementCount(node.inputType(0).shape));
}

/** DepthToSpace (1; 11 mode; 13), as reshape, transpose, reshape. */
function DepthToSpace(node: NodeContext): ValueId {
  const x = node.value(0);
  const [n, c, h, w] = imageShape(node, x);
  const b = blockSize(node);
  const mode = node.oneOf("mode", node.attributes.string("mode", "DCR"), ["DCR", "CRD"]);
  if (c % (b * b) !== 0) node.invalid(`${c} channels do not divide into blocks of ${b} × ${b}`);
  const depth = c / (b * b);
  const split = mode === "DCR" ? [n, b, b, depth, h, w] : [n, depth, b, b, h, w];
  const perm = mode === "DCR" ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  const blocks = node.add("ann.reshape", [x], { shape: split });
  const moved = node.add("ann.transpose", [blocks], { perm });
  return node.add("ann.reshape", [moved], { shape: [n, depth, h * b, w * b] });
}

/** SpaceToDepth (1, 13). */
function SpaceToDepth(node: NodeContext): ValueId {
  const x = node.value(0);
  const [n, c, h, w] = imageShape(node, x);
  const b = blockSize(node);
  if (h % b !== 0 || w % b !== 0) node.invalid(`${h} × ${w} does not divide into blocks of ${b}`);
  const split = [n, c, h / b, b, w / b, b];
  const blocks = node.add("ann.reshape", [x], { shape: split });
  const moved = node.add("ann.transpose", [blocks], { perm: [0, 3, 5, 1, 2, 4] });
  return node.add("ann.reshape", [moved], { shape: [n, c * b * b, h / b, w / b] });
}

function imageShape(node: NodeContext, x: ValueId): readonly [number, number, number, number] {
  const [n, c, h, w, ...more] = node.shape(x);
  if (n === undefined || c === undefined || h === undefined || w === undefined || more.length > 0) {
    return node.invalid(`its input has ${node.shape(x).length} axes, not 4`);
  }
  return [n, c, h, w];
}

function blockSize(node: NodeContext): number {
  const size = node.attributes.int("blocksize", 0);
  return size >= 1 ? size : node.invalid(`its blocksize is ${size}`);
}

/** Trilu (14). */
function Trilu(node: NodeContext): ValueId {
  return node.add("ann.trilu", [node.value(0)], {
    upper: node.attributes.bool("upper", true),
    diagonal: node.has(1) ? node.scalar(1, "k") : 0,
  });
}

/** Identity (1, 13, 14, 16, 19, 21, 23). */
function Identity(node: NodeContext): ValueId {
  return node.add("ann.identity", [node.value(0)], {});
}

export const shapeOperators: readonly OnnxOperator[] = [
  operator("Concat", [1, 4, 11, 13], [1, Infinity], Concat),
  operator("DepthToSpace", [1, 11, 13], 1, DepthToSpace),
  operator("Expand", [8, 13], 2, Expand),
  operator("Flatten", [1, 9, 11, 13, 21], 1, Flatten),
  operator("Identity", [1, 13, 14, 16, 19, 21], 1, Identity),
  operator("Reshape", [1, 5, 13, 14, 19, 21], [1, 2], Reshape),
  operator("Shape", [1, 13, 15, 19, 21], 1, Shape),
  operator("Size", [1, 13, 19, 21], 1, Size),
  operator("Slice", [1, 10, 11, 13], [1, 5], Slice),
  operator("SpaceToDepth", [1, 13], 1, SpaceToDepth),
  operator("Split", [1, 2, 11, 13, 18], [1, 2], Split),
  operator("Squeeze", [1, 11, 13, 21], [1, 2], Squeeze),
  operator("Tile", [1, 6, 13], [2, 3], Tile),
  operator("Transpose", [1, 13, 21], 1, Transpose),
  operator("Trilu", [14], [1, 2], Trilu),
  operator("Unsqueeze", [1, 11, 13, 21], [1, 2], Unsqueeze),
];

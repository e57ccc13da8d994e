/**
 * Which values lie with their channels last, and how much room of zeros they need around them. A
 * value is an image where a convolution or pool makes or reads it, or where it meets one in an
 * elementwise op; everything else is row-major. Decided once per module, before anything is placed.
 */
import { type Module, tensorAt } from "../../../ir/module.ts";
import { type Op, type OpKind, type OpOf, type ValueId, isOp } from "../../../ir/op/op.ts";
import { known } from "../../../ir/diagnostic.ts";
import { sameShape } from "../../../ir/type.ts";

/** Elements of zero before and after each spatial axis. */
export interface Room {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface Layouts {
  readonly images: ReadonlySet<ValueId>;
  /** What the windows over a value need around it. */
  readonly rooms: ReadonlyMap<ValueId, Room>;
}

/** Ops whose operand and result are images. */
const imageKinds = [
  "ann.conv",
  "ann.conv-transpose",
  "ann.average-pool",
  "ann.max-pool",
  "snn.max-pool",
  "snn.rehearsed-max-pool",
] as const satisfies readonly OpKind[];

type Windowed = OpOf<"ann.conv" | "ann.average-pool" | "snn.max-pool">;

export function layoutsOf(module: Module): Layouts {
  const ops = new Map(module.ops.map((op) => [op.result, op]));
  const typeOf = (value: ValueId): Op["type"] => known(ops.get(value), `%${value}`).type;
  const images = new Set<ValueId>();
  const rooms = new Map<ValueId, Room>();
  const isImage = (value: ValueId): boolean => {
    const { shape } = typeOf(value);
    return (shape.length === 3 || shape.length === 4) && shape[0] === 1;
  };
  const add = (value: ValueId): void => {
    if (isImage(value)) images.add(value);
  };
  for (const op of module.ops) {
    const [operand] = op.inputs;
    if (operand === undefined) continue;
    if (isOp(op, ...imageKinds)) {
      add(operand);
      add(op.result);
    }
    if (isOp(op, "ann.conv", "ann.average-pool", "snn.max-pool")) {
      const need = roomOf(module, op, typeOf(operand).shape);
      const have = rooms.get(operand);
      rooms.set(operand, have === undefined ? need : larger(have, need));
    }
  }
  // Neighbours of the same shape lie alike; forwards and back until nothing changes.
  const bothWays = [...module.ops, ...module.ops.toReversed()];
  for (let before = -1; before !== images.size;) {
    before = images.size;
    for (const op of bothWays) {
      if (isOp(op, "ann.linear", "ann.matmul", "ann.reshape", "ann.transpose")) continue;
      const alike = [
        op.result,
        ...op.inputs.filter((v) => sameShape(typeOf(v).shape, op.type.shape)),
      ];
      if (alike.some((value) => images.has(value))) alike.forEach(add);
    }
  }
  return { images, rooms };
}

/** The room that a window needs around its operand of `shape`. */
export function roomOf(module: Module, op: Windowed, shape: readonly number[]): Room {
  const kernel = isOp(op, "ann.conv")
    ? tensorAt(module, op.attrs.weight).shape.slice(2)
    : op.attrs.kernel;
  const { strides, dilations, padsBegin } = op.attrs;
  const before = kernel.map((_, axis) => Math.max(0, padsBegin[axis] ?? 0));
  const even = isOp(op, "ann.conv") && takesTiles(module, op);
  const after = kernel.map((extent, axis) => {
    const count = op.type.shape[axis + 2] ?? 1;
    const windows = even ? 2 * Math.ceil(count / 2) : count;
    const last = (windows - 1) * (strides[axis] ?? 1) + (extent - 1) * (dilations[axis] ?? 1);
    return Math.max(0, last - (padsBegin[axis] ?? 0) - ((shape[axis + 2] ?? 1) - 1));
  });
  return { before, after };
}

/** Whether a convolution is done by Winograd's tiles of 2 × 2 outputs. */
export function takesTiles(module: Module, op: OpOf<"ann.conv">): boolean {
  const [outputs = 0, inputs = 0, ...kernel] = tensorAt(module, op.attrs.weight).shape;
  const { strides, dilations, groups } = op.attrs;
  return (
    op.type.dtype === "f32" &&
    groups === 1 &&
    kernel.length === 2 &&
    kernel.every((extent) => extent === 3) &&
    [...strides, ...dilations].every((n) => n === 1) &&
    inputs % 4 === 0 &&
    outputs % 4 === 0 &&
    inputs >= 8 &&
    outputs >= 8
  );
}

function larger(a: Room, b: Room): Room {
  const most = (x: readonly number[], y: readonly number[]): number[] =>
    x.map((value, axis) => Math.max(value, y[axis] ?? 0));
  return { before: most(a.before, b.before), after: most(a.after, b.after) };
}

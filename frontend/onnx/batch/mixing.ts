/**
 * Whether samples of a batch meet. A model with a fixed batch of N is a program for one sample only
 * where each of the N is computed by itself, alike; a softmax over the batch, a product that sums over
 * it, or rows that are told apart by their number are not. Looks at types alone: the module with the
 * batch beside the one without, op by op.
 */
import { known } from "../../../ir/diagnostic.ts";
import { type Module, tensorAt } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import type { Shape } from "../../../ir/type.ts";

/**
 * The first op of `whole` in which samples meet, where `one` is the same model for a single sample; null
 * where there is none, and where the two modules are too different to be compared.
 */
export function opThatMixes(whole: Module, one: Module): Op | null {
  if (whole.ops.length !== one.ops.length) return null;
  /** Along which axes each value of `whole` has several samples. */
  const batchOf = new Map<ValueId, readonly number[]>();
  const shapeOf = new Map<ValueId, Shape>();
  for (const [i, op] of whole.ops.entries()) {
    const other = known(one.ops[i], "an op");
    if (op.kind !== other.kind || op.type.shape.length !== other.type.shape.length) return null;
    const batch = differing(op.type.shape, other.type.shape);
    batchOf.set(op.result, batch);
    shapeOf.set(op.result, op.type.shape);
    if (op.kind === "ann.constant" && other.kind === "ann.constant") {
      const [all, single] = [tensorAt(whole, op.attrs.value), tensorAt(one, other.attrs.value)];
      if (!repeats(all, single)) return op;
      continue;
    }
    if (batch.length > 1) return op;
    for (const [index, input] of op.inputs.entries()) {
      const axes = batchOf.get(input) ?? [];
      if (axes.length === 0) continue;
      if (batch.length === 0) return op;
      const meets = axesThatMeet(op, index, (value) => shapeOf.get(value) ?? []);
      if (axes.some(meets)) return op;
    }
  }
  return null;
}

/**
 * Whether samples may meet in a module for one sample whose batch comes first: false where axis 0 stays
 * where it is and no op works along it. So most models need not be imported for two samples to see.
 */
export function mayMix(one: Module): boolean {
  const shapes = new Map(one.ops.map((op) => [op.result, op.type.shape]));
  const shapeOf = (value: ValueId): Shape => shapes.get(value) ?? [];
  const movesFirst = (op: Op): boolean =>
    isOp(op, "ann.transpose") ? op.attrs.perm[0] !== 0 : op.type.shape[0] !== 1;
  return one.ops.some((op) => {
    if (op.kind === "ann.constant") return false;
    if ("axes" in op.attrs && op.attrs.axes.includes(0)) return true;
    return movesFirst(op) || op.inputs.some((_, index) => axesThatMeet(op, index, shapeOf)(0));
  });
}

function differing(a: Shape, b: Shape): readonly number[] {
  return a.flatMap((extent, axis) => (extent === b[axis] ? [] : [axis]));
}

/** Whether `all` holds `one` over and over along the axes in which it is larger. */
function repeats(all: Tensor, one: Tensor): boolean {
  if (all.data.length === one.data.length) {
    return all.data.every((value, i) => Object.is(value, one.data[i]));
  }
  const strides = one.shape.map((_, axis) => one.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return all.data.every((value, i) => {
    let rest = i;
    let at = 0;
    for (let axis = all.shape.length - 1; axis >= 0; axis--) {
      const extent = all.shape[axis] ?? 1;
      at += ((rest % extent) % (one.shape[axis] ?? 1)) * (strides[axis] ?? 1);
      rest = Math.floor(rest / extent);
    }
    return Object.is(value, one.data[at]);
  });
}

/** Along which axes of its operand `index` an op brings elements together, or tells them apart. */
function axesThatMeet(
  op: Op,
  index: number,
  shapeOf: (value: ValueId) => Shape,
): (axis: number) => boolean {
  const shape = shapeOf(op.inputs[index] ?? op.result);
  const rank = shape.length;
  const none = (): boolean => false;
  switch (op.kind) {
    case "ann.softmax":
    case "ann.log-softmax":
    case "ann.hardmax":
    case "ann.argmax":
    case "ann.argmin":
    case "ann.cumsum":
    case "ann.concat":
    case "ann.gather-elements":
    case "ann.scatter-elements": {
      const { axis } = op.attrs;
      return (a) => a === axis;
    }
    case "ann.gather": {
      const { axis } = op.attrs;
      return index === 0 ? (a) => a === axis : none;
    }
    case "ann.gather-nd":
    case "ann.scatter-nd": {
      const depth = shapeOf(op.inputs[1] ?? op.result).at(-1) ?? 0;
      const first = op.kind === "ann.gather-nd" ? op.attrs.batchDims : 0;
      return index === 0 ? (a) => a >= first && a < first + depth : none;
    }
    case "ann.layernorm": {
      const { axis } = op.attrs;
      return (a) => a >= axis;
    }
    case "ann.matmul": {
      const summed = index === 0 ? rank - 1 : Math.max(0, rank - 2);
      return (a) => a === summed;
    }
    case "ann.einsum": {
      const [left = "", result] = op.attrs.equation.replace(/\s/g, "").split("->");
      const terms = left.split(",");
      const term = terms[index] ?? "";
      // Without a result, letters that occur once are kept.
      const isKept = (letter: string): boolean =>
        result?.includes(letter) ?? terms.filter((each) => each.includes(letter)).length === 1;
      return (a) => !term.includes(".") && !isKept(term[a] ?? "");
    }
    case "ann.linear":
      return (a) => a === rank - 1;
    case "ann.conv":
    case "ann.conv-transpose":
    case "ann.groupnorm":
    case "ann.lrn":
      return (a) => a >= 1;
    case "ann.max-pool":
    case "ann.average-pool":
      return (a) => a >= 2;
    case "ann.trilu":
      return (a) => a >= rank - 2;
    case "ann.slice": {
      const { sizes, steps } = op.attrs;
      return (a) => sizes[a] !== shape[a] || steps[a] !== 1;
    }
    case "ann.pad": {
      const { begin, end } = op.attrs;
      return (a) => begin[a] !== 0 || end[a] !== 0;
    }
    case "ann.resize": {
      const { sizes } = op.attrs;
      return (a) => sizes[a] !== shape[a];
    }
    case "ann.tile": {
      const { repeats: times } = op.attrs;
      return (a) => times[a] !== 1;
    }
    // Reductions take their axes away or leave them with 1, so their results have no batch any more.
    default:
      return none;
  }
}

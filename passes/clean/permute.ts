/**
 * Arithmetic of permutations, and ops rewritten for an operand whose axes come in another order.
 * The transpose convention is ONNX's: result axis a is operand axis perm[a]. Says what
 * can be done; sink-transposes.ts does it.
 */
import type { Builder } from "../../ir/build.ts";
import type { Op, OpAttrs } from "../../ir/op/op.ts";
import { allocate, type Tensor, tensor, type TensorRef } from "../../ir/tensor.ts";
import { type Shape, elementCount, stridesOf } from "../../ir/type.ts";

/** The permutation that undoes `perm`. */
function inverse(perm: readonly number[]): number[] {
  const undone = new Array<number>(perm.length).fill(0);
  perm.forEach((from, axis) => {
    undone[from] = axis;
  });
  return undone;
}

/** Lists one entry per result axis; gives the same entries per operand axis. */
function backwards<T>(list: readonly T[], perm: readonly number[]): T[] {
  return inverse(perm).flatMap((axis) => list.slice(axis, axis + 1));
}

/** Element order of a transpose: element k of the result is element order[k] of the operand. */
export function transposeOrder(shape: Shape, perm: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  const extents = perm.map((from) => shape[from] ?? 1);
  const order = new Int32Array(elementCount(shape));
  const index = new Array<number>(perm.length).fill(0);
  for (let k = 0; k < order.length; k++) {
    let at = 0;
    for (let axis = 0; axis < perm.length; axis++) {
      at += (index[axis] ?? 0) * (strides[perm[axis] ?? 0] ?? 0);
    }
    order[k] = at;
    for (let axis = perm.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if (index[axis] !== extents[axis]) break;
      index[axis] = 0;
    }
  }
  return order;
}

/** The tensor with its axes in the order of `perm`. */
export function transposeTensor(held: Tensor, perm: readonly number[]): Tensor {
  const data = allocate(held.dtype, held.data.length);
  transposeOrder(held.shape, perm).forEach((from, k) => {
    data[k] = held.data[from] ?? 0;
  });
  return tensor(
    held.dtype,
    perm.map((from) => held.shape[from] ?? 1),
    data,
  );
}

/** A tensor that broadcasts to a value, for the value before it was transposed by `perm`. */
export function untransposed(held: Tensor, perm: readonly number[]): Tensor {
  const missing = new Array<number>(perm.length - held.shape.length).fill(1);
  return transposeTensor({ ...held, shape: [...missing, ...held.shape] }, inverse(perm));
}

/** The same function of operands before their transpose. */
export interface Sunk {
  /** Attributes of the op's own kind. */
  readonly attrs: OpAttrs[Op["kind"]];
  /** The transpose that the result then needs. */
  readonly perm: readonly number[];
}

/** What becomes of `op` when the transpose by `perm` of all its operands moves behind it. */
export function sink(op: Op, perm: readonly number[], builder: Builder): Sunk | null {
  const same = (attrs: OpAttrs[Op["kind"]]): Sunk => ({ attrs, perm });
  const axisOf = (axis: number): number => perm[axis] ?? axis;
  const store = (ref: TensorRef): TensorRef =>
    builder.tensor(ref, untransposed(builder.tensorAt(ref), perm));
  switch (op.kind) {
    case "ann.identity":
      return same(op.attrs);
    case "ann.concat":
      return same({ axis: axisOf(op.attrs.axis) });
    case "ann.softmax":
    case "ann.log-softmax":
      return same({ axis: axisOf(op.attrs.axis) });
    case "ann.pad": {
      const { begin, end, mode, value } = op.attrs;
      return same({ begin: backwards(begin, perm), end: backwards(end, perm), mode, value });
    }
    case "ann.slice": {
      const { starts, sizes, steps } = op.attrs;
      return same({
        starts: backwards(starts, perm),
        sizes: backwards(sizes, perm),
        steps: backwards(steps, perm),
      });
    }
    case "ann.tile":
      return same({ repeats: backwards(op.attrs.repeats, perm) });
    case "ann.affine":
      return same({ scale: store(op.attrs.scale), shift: store(op.attrs.shift) });
    case "ann.prelu":
      return same({ slope: store(op.attrs.slope) });
    case "ann.batchnorm":
      return perm[1] === 1 ? same(op.attrs) : null;
    case "ann.linear":
      return perm.at(-1) === perm.length - 1 ? same(op.attrs) : null;
    case "ann.max-pool":
    case "ann.average-pool":
      return sinkPool(op, perm);
    case "ann.reduce-max":
    case "ann.reduce-mean":
    case "ann.reduce-min":
    case "ann.reduce-sum": {
      const { axes, keepDims } = op.attrs;
      const before = axes.map(axisOf).sort((a, b) => a - b);
      const kept = perm.filter((_, axis) => !axes.includes(axis));
      const rest = [...kept].sort((a, b) => a - b);
      return {
        attrs: { axes: before, keepDims },
        perm: keepDims ? perm : kept.map((axis) => rest.indexOf(axis)),
      };
    }
    default:
      return null;
  }
}

/** Pools look at axes from 2 on: a transpose among these permutes the window's attributes. */
function sinkPool(
  op: Extract<Op, { kind: "ann.max-pool" | "ann.average-pool" }>,
  perm: readonly number[],
): Sunk | null {
  if (perm[0] !== 0 || perm[1] !== 1) return null;
  const spatial = perm.slice(2).map((axis) => axis - 2);
  const { attrs } = op;
  return {
    attrs: {
      ...attrs,
      kernel: backwards(attrs.kernel, spatial),
      strides: backwards(attrs.strides, spatial),
      padsBegin: backwards(attrs.padsBegin, spatial),
      padsEnd: backwards(attrs.padsEnd, spatial),
      dilations: backwards(attrs.dilations, spatial),
    },
    perm,
  };
}

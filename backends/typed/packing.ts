/**
 * Weights in the order in which kernels read them. A packed copy is as large as the weights, so
 * threads that run the same module hold one between them, and are not sent the originals at all.
 */
import { tensorRefsOf } from "../../ir/op/table.ts";
import type { Module } from "../../ir/module.ts";
import type { Op, ValueId } from "../../ir/op/op.ts";
import { type Tensor, type TensorRef, allocate } from "../../ir/tensor.ts";

/** A packed copy, and what it was made from. */
export interface Packed {
  readonly ref: TensorRef;
  readonly data: Float32Array;
}

/** The packed copies of a module's weights, by the op that reads them; plain data. */
export type PackedWeights = ReadonlyMap<ValueId, Packed>;

/** Where kernels get their packed weights from. */
export interface Packing {
  readonly weights: PackedWeights;
  /** The copy that `op` reads of `ref`, of `length` elements, filled by `fill` unless it is there. */
  pack(op: Op, ref: TensorRef, length: number, fill: (into: Float32Array) => void): Float32Array;
}

/** Starts from the copies that are there; new ones can be sent to other threads where `shared`. */
export function createPacking(ready: PackedWeights = new Map(), shared = false): Packing {
  const weights = new Map(ready);
  return {
    weights,
    pack(op, ref, length, fill) {
      const known = weights.get(op.result);
      if (known !== undefined) return known.data;
      const data = shared
        ? new Float32Array(new SharedArrayBuffer(4 * length))
        : new Float32Array(length);
      fill(data);
      weights.set(op.result, { ref, data });
      return data;
    },
  };
}

/**
 * The module without the elements of the tensors of which kernels read packed copies only: shapes
 * stay. It cannot be run without those copies.
 */
export function withoutPacked(module: Module, weights: PackedWeights): Module {
  const read = new Set<TensorRef>();
  for (const op of module.ops) {
    const packed = weights.get(op.result)?.ref;
    for (const { ref } of tensorRefsOf(op)) if (ref !== packed) read.add(ref);
  }
  const tensors = new Map<TensorRef, Tensor>();
  for (const [ref, value] of module.tensors) {
    tensors.set(ref, read.has(ref) ? value : { ...value, data: allocate(value.dtype, 0) });
  }
  return { ...module, tensors };
}

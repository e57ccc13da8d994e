/** What samples ought to give: class numbers, labels, class maps or values, in one form for all tasks. */
import type { Tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";

/** Class numbers one by one, or an array [N, …]. */
export type Targets = Int32Array | Tensor;

export interface TargetSet {
  readonly count: number;
  /** Of one sample, without extents of 1: [] for a number each. */
  readonly shape: Shape;
  /** Elements of one sample. */
  readonly size: number;
  readonly data: ArrayLike<number>;
}

export function targetSetOf(targets: Targets): TargetSet {
  if (targets instanceof Int32Array) {
    return { count: targets.length, shape: [], size: 1, data: targets };
  }
  const [count = 1, ...rest] = targets.shape;
  const shape = rest.filter((extent) => extent !== 1);
  return { count, shape, size: elementCount(shape), data: targets.data };
}

/** The first `count` of them. */
export function firstTargets(targets: Targets, count: number): Targets {
  if (targets instanceof Int32Array) return targets.slice(0, count);
  const [, ...rest] = targets.shape;
  const data = targets.data.subarray(0, count * elementCount(rest));
  return { ...targets, shape: [count, ...rest], data };
}

/** Whether every value is one of `values`. */
export function holdOnly({ data }: TargetSet, ...values: readonly number[]): boolean {
  return indexOfOther(data, (value) => values.includes(value)) === null;
}

/** Whole numbers, of which negative ones mark what does not count. */
export function holdWholeNumbers({ data }: TargetSet): boolean {
  return indexOfOther(data, Number.isInteger) === null;
}

/** Whether all are whole numbers, from 0. */
export function areClassNumbers({ data }: TargetSet): boolean {
  return indexOfOther(data, (value) => Number.isInteger(value) && value >= 0) === null;
}

export function areFinite({ data }: TargetSet): boolean {
  return indexOfOther(data, Number.isFinite) === null;
}

/** Whether each row of `classes` holds one 1 and else 0; rows follow each other in memory. */
export function areOneHot(targets: TargetSet, classes: number): boolean {
  if (classes < 2 || !holdOnly(targets, 0, 1)) return false;
  for (let row = 0; row + classes <= targets.data.length; row += classes) {
    let ones = 0;
    for (let k = 0; k < classes; k++) ones += targets.data[row + k] ?? 0;
    if (ones !== 1) return false;
  }
  return true;
}

function indexOfOther(data: ArrayLike<number>, allowed: (value: number) => boolean): number | null {
  for (let i = 0; i < data.length; i++) if (!allowed(data[i] ?? NaN)) return i;
  return null;
}

/**
 * Affine maps as numbers: read from an op, composed, seen in another shape or along one axis, and
 * put back into an op. In double precision throughout; `stored` rounds once.
 */
import { broadcastIndices } from "../../ir/semantics/semantics.ts";
import type { Op, ValueId } from "../../ir/op/op.ts";
import { type Tensor, roundTo, tensor, tensorOf } from "../../ir/tensor.ts";
import { type DType, type Shape, elementCount, sameShape } from "../../ir/type.ts";
import { largestFoldedConstant } from "../clean/fold-constants.ts";
import type { Graph } from "../graph.ts";

/** y = x · scale + shift; both of type f64 and broadcast to x. */
export interface Affine {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

/** The elements in double precision. */
export function wide(held: Tensor): Tensor {
  return tensor("f64", held.shape, Float64Array.from(held.data));
}

/** The same values rounded once into `dtype`. */
function stored(held: Tensor, dtype: DType): Tensor {
  return tensorOf(dtype, held.shape, held.data);
}

/** `held` written out to `shape`, to which it broadcasts. */
export function spread(held: Tensor, shape: Shape): Tensor {
  const data = new Float64Array(elementCount(shape));
  broadcastIndices(held.shape, shape).forEach((from, i) => {
    data[i] = held.data[from] ?? 0;
  });
  return tensor("f64", shape, data);
}

/**
 * The values of `held` along `axis` of the `shape` that it broadcasts to, one per index; null where
 * they differ along another axis.
 */
export function alongAxis(held: Tensor, shape: Shape, axis: number): Float64Array | null {
  const own = axis - (shape.length - held.shape.length);
  const extent = held.shape[own] ?? 1;
  const inner = own < 0 ? elementCount(held.shape) : elementCount(held.shape.slice(own + 1));
  const values = new Float64Array(extent);
  for (let i = 0; i < held.data.length; i++) {
    const channel = Math.floor(i / inner) % extent;
    const value = held.data[i] ?? 0;
    if (i === channel * inner) values[channel] = value;
    else if (values[channel] !== value) return null;
  }
  const wanted = shape[axis] ?? 1;
  return extent === wanted ? values : new Float64Array(wanted).fill(values[0] ?? 0);
}

/** True when `dtype` can hold every number of the map: an op's tensors must be finite. */
export function fits({ scale, shift }: Affine, dtype: DType): boolean {
  const isHeld = (value: number): boolean => Number.isFinite(roundTo(dtype, value));
  return scale.data.every(isHeld) && shift.data.every(isHeld);
}

export const one = tensor("f64", [], Float64Array.of(1));

/** The map that an `ann.affine` op is; null for any other op. */
export function affineOf(op: Op, graph: Graph): Affine | null {
  if (op.kind !== "ann.affine") return null;
  const { scale, shift } = op.attrs;
  return { scale: wide(graph.builder.tensorAt(scale)), shift: wide(graph.builder.tensorAt(shift)) };
}

/** Adds `affine` of `x` in the place of `op`. */
export function addAffine(
  x: ValueId,
  { scale, shift }: Affine,
  op: Op,
  graph: Graph,
  pass: string,
): ValueId {
  const { dtype } = op.type;
  const { builder } = graph;
  const attrs = {
    scale: builder.tensor("scale", stored(scale, dtype)),
    shift: builder.tensor("shift", stored(shift, dtype)),
  };
  return builder.add("ann.affine", [x], attrs, graph.loc(pass, op), op.result);
}

/** The map written out over one shape, as the map of the same elements in another shape. */
export function reshaped(
  affine: Affine,
  from: readonly number[],
  to: readonly number[],
): Affine | null {
  if (elementCount(from) > largestFoldedConstant) return null;
  const over = (held: Tensor) => ({ ...spread(held, from), shape: to });
  return { scale: over(affine.scale), shift: over(affine.shift) };
}

/** One affine map for two: s₂·(s₁·x + t₁) + t₂ = (s₁·s₂)·x + (s₂·t₁ + t₂). */
export function composed(first: Affine, second: Affine): Affine {
  const zero = tensor("f64", [], Float64Array.of(0));
  return {
    scale: combine(first.scale, second.scale, zero, (a, b) => a * b),
    shift: combine(first.shift, second.scale, second.shift, (a, b, c) => a * b + c),
  };
}

function combine(
  a: Tensor,
  b: Tensor,
  c: Tensor,
  f: (a: number, b: number, c: number) => number,
): Tensor {
  const shape = widest(widest(a.shape, b.shape), c.shape);
  const [x, y, z] = [spread(a, shape).data, spread(b, shape).data, spread(c, shape).data];
  return tensor(
    "f64",
    shape,
    Float64Array.from(x, (value, i) => f(value, y[i] ?? 0, z[i] ?? 0)),
  );
}

/** The shape that both broadcast to; both fit one value, so there is one. */
function widest(a: readonly number[], b: readonly number[]): readonly number[] {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const at = (shape: readonly number[], axis: number): number =>
    shape[axis - (rank - shape.length)] ?? 1;
  return Array.from({ length: rank }, (_, axis) => Math.max(at(a, axis), at(b, axis)));
}

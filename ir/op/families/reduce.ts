/**
 * Specs of the ops that fold axes into one value, and of the running sum. Sums and means are
 * linear, so they are synapses and work over time as well; the rest needs real values.
 */
import { type Failure, no, ok } from "../../diagnostic.ts";
import type { ReduceName } from "../op.ts";
import type { Exactness, OpSpec, SpecTable } from "../spec.ts";
import { type ResultSign, mixed } from "../traits.ts";
import { type DType, type Shape, real } from "../../type.ts";
import { operandType, requireAxis, requireReal } from "./check.ts";
import { type DTypeSet, sumDomain, requireDType } from "./rules.ts";

type ReduceAxesKind = `ann.reduce-${ReduceName}`;
export type ReduceKind = ReduceAxesKind | "ann.argmax" | "ann.argmin" | "ann.cumsum";

/** The shape that is left of `shape` when `axes` are folded. */
function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  if (keepDims) return shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return shape.filter((_extent, axis) => !axes.includes(axis));
}

function requireSortedAxes(
  kind: ReduceAxesKind,
  axes: readonly number[],
  shape: Shape,
): Failure | null {
  for (const [i, axis] of axes.entries()) {
    const problem = requireAxis(kind, shape, axis);
    if (problem !== null) return problem;
    if (i > 0 && axis <= (axes[i - 1] ?? -1)) {
      return no(`${kind} needs its axes sorted and without repeats, not [${axes.join(", ")}]`);
    }
  }
  return null;
}

function reduce(
  kind: ReduceAxesKind,
  summary: string,
  sign: ResultSign<ReduceAxesKind>,
  options: { linear?: boolean; exactness?: Exactness; set?: DTypeSet | "any" } = {},
): OpSpec<ReduceAxesKind> {
  return {
    summary,
    arity: 1,
    exactness: options.exactness ?? "rounding",
    traits: { ...mixed, sign, linear: options.linear === true ? "all" : "none" },
    attributes: { axes: "ints", keepDims: "bool" },
    infer: ({ axes, keepDims }, inputs) => {
      const x = operandType(inputs, 0);
      const set = options.set ?? "number";
      return (
        (options.linear === true ? null : requireReal(kind, inputs)) ??
        (set === "any" ? null : requireDType(kind, "its operand", x.dtype, set)) ??
        requireSortedAxes(kind, axes, x.shape) ??
        ok({
          domain: sumDomain(inputs),
          dtype: x.dtype,
          shape: reducedShape(x.shape, axes, keepDims),
        })
      );
    },
  };
}

function arg(kind: "ann.argmax" | "ann.argmin", summary: string): OpSpec<typeof kind> {
  const dtype: DType = "i64";
  return {
    summary,
    arity: 1,
    exactness: "exact",
    traits: { ...mixed, sign: "not-negative" },
    attributes: { axis: "int", keepDims: "bool", selectLast: "bool" },
    infer: ({ axis, keepDims }, inputs) => {
      const x = operandType(inputs, 0);
      const problem =
        requireReal(kind, inputs) ??
        requireDType(kind, "its operand", x.dtype, "number") ??
        requireAxis(kind, x.shape, axis);
      if (problem !== null) return problem;
      if (x.shape[axis] === 0) return no(`${kind} over axis ${axis}, which has no elements`);
      return ok(real(dtype, reducedShape(x.shape, [axis], keepDims)));
    },
  };
}

export const reduceSpecs: SpecTable<ReduceKind> = {
  "ann.reduce-l1": reduce("ann.reduce-l1", "Sum of absolute values over axes", "not-negative"),
  "ann.reduce-l2": reduce(
    "ann.reduce-l2",
    "Square root of the sum of squares over axes",
    "not-negative",
  ),
  "ann.reduce-log-sum": reduce("ann.reduce-log-sum", "Logarithm of the sum over axes", "any"),
  "ann.reduce-log-sum-exp": reduce(
    "ann.reduce-log-sum-exp",
    "Logarithm of the sum of exponentials over axes",
    "any",
  ),
  "ann.reduce-max": reduce("ann.reduce-max", "Largest value over axes", "kept", {
    exactness: "exact",
    set: "any",
  }),
  "ann.reduce-mean": reduce("ann.reduce-mean", "Mean over axes", "kept", { linear: true }),
  "ann.reduce-min": reduce("ann.reduce-min", "Smallest value over axes", "kept", {
    exactness: "exact",
    set: "any",
  }),
  "ann.reduce-prod": reduce("ann.reduce-prod", "Product over axes", "kept"),
  "ann.reduce-sum": reduce("ann.reduce-sum", "Sum over axes", "kept", { linear: true }),
  "ann.reduce-sum-square": reduce(
    "ann.reduce-sum-square",
    "Sum of squares over axes",
    "not-negative",
  ),
  "ann.argmax": arg("ann.argmax", "Index of the largest value along an axis"),
  "ann.argmin": arg("ann.argmin", "Index of the smallest value along an axis"),
  "ann.cumsum": {
    summary: "Running sum along an axis",
    arity: 1,
    exactness: "rounding",
    traits: { ...mixed, sign: "kept" },
    attributes: { axis: "int", exclusive: "bool", reverse: "bool" },
    infer: ({ axis }, inputs) => {
      const x = operandType(inputs, 0);
      return (
        requireReal("ann.cumsum", inputs) ??
        requireDType("ann.cumsum", "its operand", x.dtype, "number") ??
        requireAxis("ann.cumsum", x.shape, axis) ??
        ok(x)
      );
    },
  },
};

/**
 * Specs of the ops that pick elements by index or by condition, or write them there. Picking by
 * real indices moves elements, so what is picked from may be a current or a spike train; indices,
 * conditions and everything written must be real.
 */
import { type Failure, no, ok } from "../../diagnostic.ts";
import type { OpKind } from "../op.ts";
import type { SpecTable } from "../spec.ts";
import { mixed, pick, uniform } from "../traits.ts";
import { type Shape, type Type, broadcastShapes, real, sameShape } from "../../type.ts";
import { format, operandType, requireAxis, requireReal, requireSameDType } from "./check.ts";
import { requireDType } from "./rules.ts";

export type SelectKind =
  | "ann.gather"
  | "ann.gather-elements"
  | "ann.gather-nd"
  | "ann.scatter-elements"
  | "ann.scatter-nd"
  | "ann.where"
  | "ann.one-hot";

const reductions = ["none", "add", "mul", "max", "min"] as const;

function needsIndices(kind: OpKind, indices: Type): Failure | null {
  return (
    requireReal(kind, [indices], "an index cannot vary over time") ??
    requireDType(kind, "its indices", indices.dtype, "integer")
  );
}

/** Same rank, and no index beyond the data off the axis that the indices are for. */
function needsIndexShape(kind: OpKind, data: Shape, indices: Shape, axis: number): Failure | null {
  const problem = requireAxis(kind, data, axis);
  if (problem !== null) return problem;
  const fits =
    indices.length === data.length &&
    indices.every((extent, a) => a === axis || extent <= (data[a] ?? 0));
  if (fits) return null;
  return no(
    `${kind}: indices of shape ${format(indices)} do not fit data of shape ` +
      `${format(data)} off axis ${axis}`,
  );
}

/** The length of each index tuple, which must address axes that the data has. */
function tupleLength(kind: OpKind, data: Shape, indices: Shape, batchDims: number) {
  const length = indices.at(-1);
  if (length !== undefined && batchDims < indices.length && length <= data.length - batchDims) {
    return ok(length);
  }
  return no(
    `${kind}: indices of shape ${format(indices)} address more axes than data of shape ` +
      `${format(data)} has`,
  );
}

function needsUpdates(kind: OpKind, wanted: Shape, updates: Type): Failure | null {
  if (sameShape(wanted, updates.shape)) return null;
  return no(`${kind} needs updates of shape ${format(wanted)}, not ${format(updates.shape)}`);
}

export const selectSpecs: SpecTable<SelectKind> = {
  "ann.gather": {
    summary: "Slices of data along an axis, by index",
    arity: 2,
    exactness: "exact",
    traits: pick,
    attributes: { axis: "int" },
    infer: ({ axis }, inputs) => {
      const data = operandType(inputs, 0);
      const indices = operandType(inputs, 1);
      const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
      return (
        needsIndices("ann.gather", indices) ??
        requireAxis("ann.gather", data.shape, axis) ??
        ok({ ...data, shape })
      );
    },
  },
  "ann.gather-elements": {
    summary: "Elements of data, each by its index along an axis",
    arity: 2,
    exactness: "exact",
    traits: pick,
    attributes: { axis: "int" },
    infer: ({ axis }, inputs) => {
      const data = operandType(inputs, 0);
      const indices = operandType(inputs, 1);
      return (
        needsIndices("ann.gather-elements", indices) ??
        needsIndexShape("ann.gather-elements", data.shape, indices.shape, axis) ??
        ok({ ...data, shape: indices.shape })
      );
    },
  },
  "ann.gather-nd": {
    summary: "Slices of data by tuples of indices",
    arity: 2,
    exactness: "exact",
    traits: pick,
    attributes: { batchDims: "int" },
    infer: ({ batchDims }, inputs) => {
      const data = operandType(inputs, 0);
      const indices = operandType(inputs, 1);
      const length = tupleLength("ann.gather-nd", data.shape, indices.shape, batchDims);
      if (!length.ok) return length;
      if (!sameShape(data.shape.slice(0, batchDims), indices.shape.slice(0, batchDims))) {
        return no(
          `ann.gather-nd: the first ${batchDims} axes of ${format(data.shape)} and ` +
            `${format(indices.shape)} differ`,
        );
      }
      const shape = [...indices.shape.slice(0, -1), ...data.shape.slice(batchDims + length.value)];
      return needsIndices("ann.gather-nd", indices) ?? ok({ ...data, shape });
    },
  },
  "ann.scatter-elements": {
    summary: "Data with elements replaced or combined, each at its index along an axis",
    arity: 3,
    exactness: "rounding",
    traits: mixed,
    attributes: { axis: "int", reduction: { oneOf: reductions } },
    infer: ({ axis }, inputs) => {
      const kind = "ann.scatter-elements";
      const data = operandType(inputs, 0);
      const indices = operandType(inputs, 1);
      const updates = operandType(inputs, 2);
      return (
        requireReal(kind, inputs) ??
        needsIndices(kind, indices) ??
        needsIndexShape(kind, data.shape, indices.shape, axis) ??
        needsUpdates(kind, indices.shape, updates) ??
        requireSameDType(kind, [data.dtype, updates.dtype]) ??
        ok(data)
      );
    },
  },
  "ann.scatter-nd": {
    summary: "Data with slices replaced or combined, each at its tuple of indices",
    arity: 3,
    exactness: "rounding",
    traits: mixed,
    attributes: { reduction: { oneOf: reductions } },
    infer: (_attrs, inputs) => {
      const kind = "ann.scatter-nd";
      const data = operandType(inputs, 0);
      const indices = operandType(inputs, 1);
      const updates = operandType(inputs, 2);
      const length = tupleLength(kind, data.shape, indices.shape, 0);
      if (!length.ok) return length;
      const wanted = [...indices.shape.slice(0, -1), ...data.shape.slice(length.value)];
      return (
        requireReal(kind, inputs) ??
        needsIndices(kind, indices) ??
        needsUpdates(kind, wanted, updates) ??
        requireSameDType(kind, [data.dtype, updates.dtype]) ??
        ok(data)
      );
    },
  },
  "ann.where": {
    summary: "x where the condition holds, y elsewhere",
    arity: 3,
    exactness: "exact",
    traits: { ...uniform, sign: (_attrs, [, a, b]) => a === true && b === true },
    attributes: {},
    infer: (_attrs, inputs) => {
      const condition = operandType(inputs, 0);
      const x = operandType(inputs, 1);
      const y = operandType(inputs, 2);
      const problem =
        requireReal("ann.where", inputs) ??
        requireDType("ann.where", "its condition", condition.dtype, "bool") ??
        requireSameDType("ann.where", [x.dtype, y.dtype]);
      if (problem !== null) return problem;
      const values = broadcastShapes(x.shape, y.shape);
      const shape = values === null ? null : broadcastShapes(condition.shape, values);
      if (shape !== null) return ok(real(x.dtype, shape));
      const shapes = inputs.map((type) => format(type.shape)).join(", ");
      return no(`ann.where: shapes ${shapes} do not broadcast`);
    },
  },
  "ann.one-hot": {
    summary: "A new axis that is on at the index and off elsewhere",
    arity: 2,
    exactness: "exact",
    traits: mixed,
    attributes: { axis: "int", depth: "int" },
    infer: ({ axis, depth }, inputs) => {
      const indices = operandType(inputs, 0);
      const values = operandType(inputs, 1);
      const problem =
        requireReal("ann.one-hot", inputs) ??
        requireDType("ann.one-hot", "its indices", indices.dtype, "number") ??
        requireAxis("ann.one-hot", [...indices.shape, 0], axis);
      if (problem !== null) return problem;
      if (!sameShape(values.shape, [2])) {
        return no(`ann.one-hot needs values of shape [2], not ${format(values.shape)}`);
      }
      if (!Number.isInteger(depth) || depth < 0) {
        return no(`ann.one-hot cannot have a depth of ${depth}`);
      }
      return ok(real(values.dtype, indices.shape.toSpliced(axis, 0, depth)));
    },
  },
};

/** Products of values summed over axes: matrix products and Einstein sums. */
import { type Result, no, ok } from "../../diagnostic.ts";
import { parseEinsum } from "../../analysis/einsum.ts";
import type { SpecTable } from "../spec.ts";
import { mixed } from "../traits.ts";
import { type Domain, type Shape, type Type, broadcastShapes } from "../../type.ts";
import { format, operandType, requireOneOverTime, requireRank, requireSameDType } from "./check.ts";

export type ContractionKind = "ann.matmul" | "ann.einsum";

export const contractionSpecs: SpecTable<ContractionKind> = {
  "ann.matmul": {
    summary: "matrix product of two values, with NumPy's rules for vectors and batches",
    arity: 2,
    exactness: "rounding",
    traits: { ...mixed, linear: "one", weights: "operand", channels: "last" },
    attributes: {},
    infer: (_attrs, inputs) => {
      const a = operandType(inputs, 0);
      const b = operandType(inputs, 1);
      const wrong = checkProduct("ann.matmul", inputs) ?? requireRank("ann.matmul", a.shape, 1);
      if (wrong !== null) return wrong;
      const short = requireRank("ann.matmul", b.shape, 1);
      if (short !== null) return short;
      const shape = matmulShape(a.shape, b.shape);
      return shape.ok
        ? ok({ domain: productDomain(inputs), dtype: a.dtype, shape: shape.value })
        : shape;
    },
  },
  "ann.einsum": {
    summary: "Einstein sum over labelled axes of any number of values",
    arity: { atLeast: 1 },
    exactness: "rounding",
    traits: { ...mixed, channels: "second" },
    attributes: { equation: "string" },
    infer: (attrs, inputs) => {
      const wrong = checkProduct("ann.einsum", inputs);
      if (wrong !== null) return wrong;
      const shapes = inputs.map((type) => type.shape);
      const sum = parseEinsum(attrs.equation, shapes);
      if (!sum.ok) return sum;
      const shape = sum.value.extents.slice(0, sum.value.outputRank);
      return ok({ domain: productDomain(inputs), dtype: operandType(inputs, 0).dtype, shape });
    },
  },
};

function checkProduct(kind: string, inputs: readonly Type[]): ReturnType<typeof requireSameDType> {
  if (inputs.some((type) => type.dtype === "bool"))
    return no(`${kind} works on numbers, not on bool`);
  return (
    requireSameDType(
      kind,
      inputs.map((type) => type.dtype),
    ) ?? requireOneOverTime(kind, inputs)
  );
}

function productDomain(inputs: readonly Type[]): Domain {
  return inputs.every((type) => type.domain === "real") ? "real" : "current";
}

/** A vector on the left is a row, on the right a column; the axis so added is left out again. */
function matmulShape(a: Shape, b: Shape): Result<Shape> {
  const row = a.length === 1;
  const column = b.length === 1;
  const left = row ? [1, ...a] : a;
  const right = column ? [...b, 1] : b;
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
  if (batch === null) {
    return no(`the batch axes of ${format(a)} and ${format(b)} do not broadcast`);
  }
  if (left.at(-1) !== right.at(-2)) {
    return no(`the product of ${format(a)} and ${format(b)} sums over axes of different extents`);
  }
  return ok([...batch, ...(row ? [] : [left.at(-2) ?? 0]), ...(column ? [] : [right.at(-1) ?? 0])]);
}

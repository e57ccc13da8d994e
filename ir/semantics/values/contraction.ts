/**
 * What products of values compute: both kinds are Einstein sums. Floats are summed in double
 * precision; integers of up to 32 bits wrap at every step, as in C; 64-bit ones are exact to 2^53.
 */
import { invariant } from "../../diagnostic.ts";
import { type Einsum, parseEinsum } from "../../analysis/einsum.ts";
import type { Op } from "../../op/op.ts";
import type { ContractionKind } from "../../op/families/contraction.ts";
import type { Tensor } from "../../tensor.ts";
import { type DType, elementCount } from "../../type.ts";
import { type SemanticsTable, doubles, operand, resultOf, stridedIndices } from "../semantics.ts";

export const contractionSemantics: SemanticsTable<ContractionKind> = {
  "ann.matmul": (op, inputs) => {
    const row = operand(inputs, 0).shape.length === 1;
    const column = operand(inputs, 1).shape.length === 1;
    // The ellipses are the batch axes; a vector has none and one axis only.
    const [a, b] = [row ? "k" : "...ik", column ? "k" : "...kj"];
    return contract(op, `${a},${b}->...${row ? "" : "i"}${column ? "" : "j"}`, inputs);
  },
  "ann.einsum": (op, inputs) => contract(op, op.attrs.equation, inputs),
};

function contract(op: Pick<Op, "type">, equation: string, inputs: readonly Tensor[]): Tensor {
  const parsed = parseEinsum(
    equation,
    inputs.map((t) => t.shape),
  );
  if (!parsed.ok) invariant(false, parsed.reason);
  return resultOf(op, sumOfProducts(parsed.value, inputs.map(doubles), op.type.dtype));
}

/** Σ over the summed labels of the product of one element per operand, for each result element. */
function sumOfProducts(sum: Einsum, operands: readonly Float64Array[], dtype: DType): Float64Array {
  const summed = sum.extents.slice(sum.outputRank);
  const out = new Float64Array(elementCount(sum.extents.slice(0, sum.outputRank)));
  const bases = sum.strides.map((s) => stridedIndices(sum.extents.slice(0, sum.outputRank), s));
  const steps = sum.strides.map((s) => stridedIndices(summed, s.slice(sum.outputRank)));
  const terms = elementCount(summed);
  const wraps = wrapping.has(dtype);

  for (let i = 0; i < out.length; i++) {
    let total = 0;
    for (let k = 0; k < terms; k++) {
      let product = 1;
      for (let n = 0; n < operands.length; n++) {
        const value = operands[n]?.[(bases[n]?.[i] ?? 0) + (steps[n]?.[k] ?? 0)] ?? 0;
        product = wraps ? Math.imul(product, value) : product * value;
      }
      total = wraps ? (total + product) | 0 : total + product;
    }
    out[i] = total;
  }
  return out;
}

/** Integers that a multiplication modulo 2^32 is right for; rounding into the dtype does the rest. */
const wrapping: ReadonlySet<DType> = new Set(["i8", "i16", "i32", "u8", "u16", "u32"]);

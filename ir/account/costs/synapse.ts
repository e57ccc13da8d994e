/**
 * What synapses, products of values and max-pools cost where what comes in is not a spike. What spikes
 * cause there is counted as it happens.
 */
import { known } from "../../diagnostic.ts";
import { parseEinsum } from "../../analysis/einsum.ts";
import type { OpOf, PoolAttrs } from "../../op/op.ts";
import { outDegrees } from "../../semantics/connections.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { ContractionKind } from "../../op/families/contraction.ts";
import type { PoolKind } from "../../op/families/pool.ts";
import type { SynapseKind } from "../../op/families/synapse.ts";
import { type Shape, type Type, elementCount } from "../../type.ts";
import { connectionRows, windowsOf } from "../../analysis/window.ts";
import { type Operations, noOperations } from "../operations.ts";
import { type CostTable, sum, times } from "./rule.ts";

type Weighted = OpOf<"ann.conv" | "ann.conv-transpose" | "ann.linear">;

/** Each operand element meets the weights of its connections, and each result element its bias. */
function weighted(op: Weighted, operands: readonly Type[], tensors: TensorLookup): Operations {
  const biased = op.attrs.bias === null ? 0 : elementCount(op.type.shape);
  return sum(
    times(connections(op, operands, tensors), { multiplyAccumulates: 1 }),
    times(biased, { additions: 1 }),
  );
}

function connections(
  op: Weighted | OpOf<"ann.average-pool">,
  operands: readonly Type[],
  tensors: TensorLookup,
): number {
  const { shape } = known(operands[0], "an operand");
  return known(outDegrees(op, shape, tensors) ?? undefined, `the connections of ${op.kind}`).reduce(
    (all, each) => all + each,
    0,
  );
}

const weightedRule =
  "one multiply-accumulate for each connection within bounds, one addition for each element with a bias";

export const synapseCosts: CostTable<SynapseKind> = {
  "ann.conv": { rule: weightedRule, count: weighted },
  "ann.conv-transpose": { rule: weightedRule, count: weighted },
  "ann.linear": { rule: weightedRule, count: weighted },
  "ann.affine": {
    rule: "one multiplication unless every scale is 1, one addition unless every shift is 0",
    count: ({ type, attrs }, _operands, tensors) =>
      times(elementCount(type.shape), {
        multiplications: Number(!tensors(attrs.scale).data.every((x) => x === 1)),
        additions: Number(!tensors(attrs.shift).data.every((x) => x === 0)),
      }),
  },
  "ann.average-pool": {
    rule: "one multiply-accumulate for each tap within bounds: what a window divides by is a weight",
    count: (op, operands, tensors) =>
      times(connections(op, operands, tensors), { multiplyAccumulates: 1 }),
  },
};

export const contractionCosts: CostTable<ContractionKind> = {
  "ann.matmul": {
    rule: "one multiply-accumulate for each product",
    count: ({ type }, operands) => {
      const inner = known(operands[0], "an operand").shape.at(-1) ?? 1;
      return times(elementCount(type.shape) * inner, { multiplyAccumulates: 1 });
    },
  },
  "ann.einsum": {
    rule: "for each product of two one multiply-accumulate, or a multiplication where each sum has one term; one multiplication for each further operand; of one operand one addition for each summand, where sums have more than one",
    count: ({ attrs }, operands) => {
      const parsed = parseEinsum(
        attrs.equation,
        operands.map(({ shape }) => shape),
      );
      if (!parsed.ok) return noOperations;
      const { extents, outputRank } = parsed.value;
      const terms = elementCount(extents);
      const sums = elementCount(extents.slice(outputRank)) > 1;
      const factors = operands.length;
      if (factors === 1) return times(sums ? terms : 0, { additions: 1 });
      return times(terms, {
        multiplications: factors - (sums ? 2 : 1),
        multiplyAccumulates: Number(sums),
      });
    },
  },
};

/** Taps of all windows that meet an element of the operand. */
export function tapsWithinBounds(attrs: PoolAttrs, shape: Shape, outShape: Shape): number {
  const windows = windowsOf(attrs, attrs.kernel, shape.length);
  const rows = connectionRows(shape.slice(2), outShape.slice(2), windows);
  const taps = rows.reduce((all, { count }) => all + count, 0);
  return taps * elementCount(shape.slice(0, 2));
}

export const poolCosts: CostTable<PoolKind> = {
  "ann.max-pool": {
    rule: "one comparison for each tap within bounds",
    count: ({ attrs, type }, operands) =>
      times(tapsWithinBounds(attrs, known(operands[0], "an operand").shape, type.shape), {
        comparisons: 1,
      }),
  },
};

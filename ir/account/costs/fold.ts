/** What reductions and normalisations cost, as `ir/semantics/values/reduce.ts` and `norm.ts` compute them. */
import { known } from "../../diagnostic.ts";
import type { NormKind } from "../../op/families/norm.ts";
import type { ReduceKind } from "../../op/families/reduce.ts";
import { type Type, elementCount } from "../../type.ts";
import type { Operations } from "../operations.ts";
import { type CostTable, operandElements, perElement, sum, times } from "./rule.ts";

/** So much for each element that is folded, and so much for each result. */
function folding(
  rule: string,
  each: Partial<Operations>,
  after: Partial<Operations> = {},
): {
  readonly rule: string;
  count(op: { readonly type: Type }, operands: readonly Type[]): Operations;
} {
  return {
    rule,
    count: ({ type }, operands) =>
      sum(times(operandElements(operands), each), times(elementCount(type.shape), after)),
  };
}

const compared = folding("one comparison for each element of the operand", { comparisons: 1 });

export const reduceCosts: CostTable<ReduceKind> = {
  "ann.reduce-l1": folding("one comparison and one addition for each element of the operand", {
    comparisons: 1,
    additions: 1,
  }),
  "ann.reduce-l2": folding(
    "one multiply-accumulate for each element of the operand, one function for each result",
    { multiplyAccumulates: 1 },
    { functions: 1 },
  ),
  "ann.reduce-log-sum": folding(
    "one addition for each element of the operand, one function for each result",
    { additions: 1 },
    { functions: 1 },
  ),
  "ann.reduce-log-sum-exp": folding(
    "one comparison, two additions, one function for each element of the operand, one function and one addition for each result",
    { comparisons: 1, additions: 2, functions: 1 },
    { functions: 1, additions: 1 },
  ),
  "ann.reduce-max": compared,
  "ann.reduce-mean": folding(
    "one multiply-accumulate for each element of the operand: what a mean divides by is a weight",
    { multiplyAccumulates: 1 },
  ),
  "ann.reduce-min": compared,
  "ann.reduce-prod": folding("one multiplication for each element of the operand", {
    multiplications: 1,
  }),
  "ann.reduce-sum": folding("one addition for each element of the operand", { additions: 1 }),
  "ann.reduce-sum-square": folding("one multiply-accumulate for each element of the operand", {
    multiplyAccumulates: 1,
  }),
  "ann.argmax": compared,
  "ann.argmin": compared,
  "ann.cumsum": perElement("one addition", { additions: 1 }),
};

/**
 * (x − mean) / √(variance + epsilon) in so many runs: the differences are made once and used for the
 * variance and the result.
 */
function standardising(elements: number, runs: number): Operations {
  return sum(
    times(elements, { additions: 2, multiplyAccumulates: 1, divisions: 1 }),
    times(runs, { divisions: 2, additions: 1, functions: 1 }),
  );
}

const standardised =
  "two additions (mean, difference), one multiply-accumulate (variance), one division; for each set that is normalised together two divisions, one addition, one function (root)";

export const normCosts: CostTable<NormKind> = {
  "ann.batchnorm": perElement(
    "one multiplication, one addition: its parameters are constants, and so a scale and a shift",
    { multiplications: 1, additions: 1 },
  ),
  "ann.layernorm": {
    rule: `${standardised}; one multiplication with a scale, one addition with a bias`,
    count: ({ type, attrs }) => {
      const elements = elementCount(type.shape);
      return sum(
        standardising(elements, elementCount(type.shape.slice(0, attrs.axis))),
        times(elements, {
          multiplications: Number(attrs.scale !== null),
          additions: Number(attrs.bias !== null),
        }),
      );
    },
  },
  "ann.groupnorm": {
    rule: `${standardised}; one multiplication, one addition`,
    count: ({ type, attrs }) => {
      const elements = elementCount(type.shape);
      return sum(
        standardising(elements, (type.shape[0] ?? 1) * attrs.groups),
        times(elements, { multiplications: 1, additions: 1 }),
      );
    },
  },
  "ann.lrn": {
    rule: "one multiply-accumulate for each channel of the window within bounds, one multiplication, one addition, one function (power), one division",
    count: ({ type, attrs }) => {
      const elements = elementCount(type.shape);
      const channels = known(type.shape[1], "channels");
      const [before, after] = [Math.floor((attrs.size - 1) / 2), Math.ceil((attrs.size - 1) / 2)];
      let met = 0;
      for (let c = 0; c < channels; c++) {
        met += Math.min(channels - 1, c + after) - Math.max(0, c - before) + 1;
      }
      return sum(
        times(elementCount(type.shape.toSpliced(1, 1)) * met, { multiplyAccumulates: 1 }),
        times(elements, { multiplications: 1, additions: 1, functions: 1, divisions: 1 }),
      );
    },
  },
  "ann.softmax": perElement(
    "one comparison (maximum), two additions (difference, sum), one function (exp), one division",
    { comparisons: 1, additions: 2, functions: 1, divisions: 1 },
  ),
  "ann.log-softmax": {
    rule: "one comparison, three additions, one function (exp); one function (log) for each line along the axis",
    count: ({ type, attrs }) => {
      const elements = elementCount(type.shape);
      const lines = elementCount(type.shape.toSpliced(attrs.axis, 1));
      return sum(
        times(elements, { comparisons: 1, additions: 3, functions: 1 }),
        times(lines, { functions: 1 }),
      );
    },
  },
  "ann.hardmax": perElement("one comparison", { comparisons: 1 }),
};

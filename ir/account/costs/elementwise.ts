/**
 * What elementwise ops cost. Formulas are counted as `ir/semantics/values/elementwise.ts` has them: a choice
 * costs its comparison and the dearer of its sides; a change of sign is nothing, as it goes along with
 * the next operation; what only guards against overflow or NaN is nothing.
 */
import type { OpOf } from "../../op/op.ts";
import type { ElementwiseKind } from "../../op/families/elementwise.ts";
import { elementCount } from "../../type.ts";
import { type CostTable, nothing, perElement, times } from "./rule.ts";

const comparison = perElement("one comparison", { comparisons: 1 });
const aFunction = perElement("one function", { functions: 1 });
const addition = perElement("one addition", { additions: 1 });
const division = perElement("one division", { divisions: 1 });
const exponentialBelow0 = perElement("one comparison, one function, one multiplication", {
  comparisons: 1,
  functions: 1,
  multiplications: 1,
});
const multiplicationBelow0 = perElement("one comparison, one multiplication", {
  comparisons: 1,
  multiplications: 1,
});

/** How many of two bounds there are: an infinite one is compared with by nobody. */
function bounds(...limits: readonly number[]): number {
  return limits.filter((limit) => Number.isFinite(limit)).length;
}

export const elementwiseCosts: CostTable<ElementwiseKind> = {
  "ann.abs": comparison,
  "ann.acos": aFunction,
  "ann.acosh": aFunction,
  "ann.asin": aFunction,
  "ann.asinh": aFunction,
  "ann.atan": aFunction,
  "ann.atanh": aFunction,
  "ann.ceil": comparison,
  "ann.cos": aFunction,
  "ann.cosh": aFunction,
  "ann.erf": aFunction,
  "ann.exp": aFunction,
  "ann.floor": comparison,
  "ann.hard-swish": perElement("two multiplications, one addition, two comparisons", {
    multiplications: 2,
    additions: 1,
    comparisons: 2,
  }),
  "ann.identity": nothing,
  "ann.is-nan": comparison,
  "ann.log": aFunction,
  "ann.mish": perElement("softplus, one function (tanh), one multiplication", {
    comparisons: 2,
    additions: 1,
    functions: 3,
    multiplications: 1,
  }),
  "ann.neg": nothing,
  "ann.not": comparison,
  "ann.reciprocal": division,
  "ann.relu": comparison,
  "ann.round": comparison,
  "ann.sigmoid": perElement("one function, one addition, one division", {
    functions: 1,
    additions: 1,
    divisions: 1,
  }),
  "ann.sign": perElement("two comparisons", { comparisons: 2 }),
  "ann.sin": aFunction,
  "ann.sinh": aFunction,
  "ann.softplus": perElement(
    "two comparisons (maximum, magnitude), two functions (exp, log1p), one addition",
    { comparisons: 2, functions: 2, additions: 1 },
  ),
  "ann.softsign": perElement("one comparison (magnitude), one addition, one division", {
    comparisons: 1,
    additions: 1,
    divisions: 1,
  }),
  "ann.sqrt": aFunction,
  "ann.tan": aFunction,
  "ann.tanh": aFunction,

  "ann.add": addition,
  "ann.and": comparison,
  "ann.div": division,
  "ann.equal": comparison,
  "ann.greater": comparison,
  "ann.greater-or-equal": comparison,
  "ann.less": comparison,
  "ann.less-or-equal": comparison,
  "ann.max": comparison,
  "ann.min": comparison,
  "ann.mul": perElement("one multiplication", { multiplications: 1 }),
  "ann.or": comparison,
  "ann.pow": aFunction,
  "ann.sub": addition,
  "ann.xor": comparison,
  "ann.mod": {
    rule: "one division; of floored division one comparison and one addition more",
    count: ({ type, attrs }) =>
      times(elementCount(type.shape), {
        divisions: 1,
        ...(attrs.truncate ? {} : { comparisons: 1, additions: 1 }),
      }),
  },

  "ann.clip": {
    rule: "one comparison for each bound that is finite",
    count: ({ type, attrs }) =>
      times(elementCount(type.shape), { comparisons: bounds(attrs.min, attrs.max) }),
  },
  "ann.leaky-relu": multiplicationBelow0,
  "ann.prelu": multiplicationBelow0,
  "ann.elu": exponentialBelow0,
  "ann.celu": perElement(
    "two comparisons, one division, one function, one multiplication, one addition",
    { comparisons: 2, divisions: 1, functions: 1, multiplications: 1, additions: 1 },
  ),
  "ann.selu": perElement("one comparison, one function, two multiplications", {
    comparisons: 1,
    functions: 1,
    multiplications: 2,
  }),
  "ann.hard-sigmoid": perElement("one multiplication, one addition, two comparisons", {
    multiplications: 1,
    additions: 1,
    comparisons: 2,
  }),
  "ann.thresholded-relu": comparison,
  "ann.shrink": perElement("two comparisons, one addition", { comparisons: 2, additions: 1 }),
  "ann.swish": perElement("two multiplications, one function, one addition, one division", {
    multiplications: 2,
    functions: 1,
    additions: 1,
    divisions: 1,
  }),
  "ann.gelu": {
    rule: "with erf: three multiplications, one function; with tanh: six multiplications, two additions, one function",
    count: ({ type, attrs }: OpOf<"ann.gelu">) =>
      times(
        elementCount(type.shape),
        attrs.approximate === "tanh"
          ? { multiplications: 6, additions: 2, functions: 1 }
          : { multiplications: 3, functions: 1 },
      ),
  },
  "ann.soft-lif": perElement(
    "softplus, one function (log1p), three divisions, two multiplications, two additions",
    { comparisons: 2, additions: 3, functions: 3, divisions: 3, multiplications: 2 },
  ),
  "ann.fake-quantize": {
    rule: "one division, one comparison (rounding), one for each bound that is finite, one multiplication",
    count: ({ type, attrs }) =>
      times(elementCount(type.shape), {
        divisions: 1,
        comparisons: 1 + bounds(attrs.low, attrs.high),
        multiplications: 1,
      }),
  },
  "ann.is-inf": {
    rule: "one comparison for each sign that is asked for",
    count: ({ type, attrs }) =>
      times(elementCount(type.shape), {
        comparisons: Number(attrs.negative) + Number(attrs.positive),
      }),
  },
  "ann.cast": nothing,
  "ann.quantize-linear": perElement(
    "one division, three comparisons (rounding, two bounds), one addition",
    { divisions: 1, comparisons: 3, additions: 1 },
  ),
  "ann.dequantize-linear": perElement("one addition, one multiplication", {
    additions: 1,
    multiplications: 1,
  }),
};

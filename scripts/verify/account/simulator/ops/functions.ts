/**
 * Functions of one number, with what each costs.
 */
import { toEven } from "../numbers.ts";
import type { Cost } from "../operation.ts";
import { refuse } from "../refusal.ts";
import type { Attributes } from "../types.ts";

export interface Unary {
  readonly of: (attributes: Attributes) => (x: number) => number;
  readonly cost: (attributes: Attributes) => Cost;
}

const plain = (f: (x: number) => number, cost: Cost): Unary => ({ of: () => f, cost: () => cost });

const bounds = (...limits: readonly number[]): number => limits.filter(Number.isFinite).length;
/** min(max(x, low), high), which keeps NaN. */
export const clip = (x: number, low: number, high: number): number =>
  Math.min(Math.max(x, low), high);
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
const mish = (x: number): number => x * Math.tanh(softplus(x));
const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

const oneFunction = { functions: 1 };
const oneComparison = { comparisons: 1 };

export const unaries: Readonly<Record<string, Unary>> = {
  "ann.neg": plain((x) => -x, {}),
  "ann.abs": plain(Math.abs, oneComparison),
  "ann.relu": plain((x) => Math.max(x, 0), oneComparison),
  "ann.ceil": plain(Math.ceil, oneComparison),
  "ann.floor": plain(Math.floor, oneComparison),
  "ann.round": plain(toEven, oneComparison),
  "ann.sign": plain(Math.sign, { comparisons: 2 }),
  "ann.exp": plain(Math.exp, oneFunction),
  "ann.log": plain(Math.log, oneFunction),
  "ann.sqrt": plain(Math.sqrt, oneFunction),
  "ann.sin": plain(Math.sin, oneFunction),
  "ann.cos": plain(Math.cos, oneFunction),
  "ann.tanh": plain(Math.tanh, oneFunction),
  "ann.tan": plain(Math.tan, oneFunction),
  "ann.asin": plain(Math.asin, oneFunction),
  "ann.acos": plain(Math.acos, oneFunction),
  "ann.atan": plain(Math.atan, oneFunction),
  "ann.sinh": plain(Math.sinh, oneFunction),
  "ann.cosh": plain(Math.cosh, oneFunction),
  "ann.asinh": plain(Math.asinh, oneFunction),
  "ann.atanh": plain(Math.atanh, oneFunction),
  "ann.is-nan": plain((x) => (Number.isNaN(x) ? 1 : 0), oneComparison),
  "ann.not": plain((x) => (x === 0 ? 1 : 0), oneComparison),
  "ann.mish": plain(mish, { comparisons: 2, functions: 3, additions: 1, multiplications: 1 }),
  "ann.reciprocal": plain((x) => 1 / x, { divisions: 1 }),
  "ann.sigmoid": plain(sigmoid, { functions: 1, additions: 1, divisions: 1 }),
  "ann.softplus": plain(softplus, { comparisons: 2, functions: 2, additions: 1 }),
  "ann.softsign": plain((x) => x / (1 + Math.abs(x)), {
    comparisons: 1,
    additions: 1,
    divisions: 1,
  }),
  "ann.hard-swish": plain((x) => x * clip(x / 6 + 0.5, 0, 1), {
    ...{ multiplications: 2, additions: 1, comparisons: 2 },
  }),
  "ann.clip": {
    of: (a) => (x) => clip(x, a.number("min"), a.number("max")),
    cost: (a) => ({ comparisons: bounds(a.number("min"), a.number("max")) }),
  },
  "ann.leaky-relu": {
    of: (a) => (x) => (x >= 0 ? x : a.number("alpha") * x),
    cost: () => ({ comparisons: 1, multiplications: 1 }),
  },
  "ann.hard-sigmoid": {
    of: (a) => (x) => clip(a.number("alpha") * x + a.number("beta"), 0, 1),
    cost: () => ({ multiplications: 1, additions: 1, comparisons: 2 }),
  },
  "ann.thresholded-relu": {
    of: (a) => (x) => (x > a.number("alpha") ? x : 0),
    cost: () => oneComparison,
  },
  "ann.gelu": {
    of: (a) =>
      a.text("approximate") === "tanh" ? geluTanh : refuse("ann.gelu with erf is not known here."),
    cost: () => ({ multiplications: 6, additions: 2, functions: 1 }),
  },
  "ann.elu": {
    of: (a) => (x) => (x >= 0 ? x : a.number("alpha") * (Math.exp(x) - 1)),
    cost: () => ({ comparisons: 1, functions: 1, multiplications: 1 }),
  },
  "ann.celu": {
    of: (a) => (x) => {
      const alpha = a.number("alpha");
      return Math.max(0, x) + Math.min(0, alpha * (Math.exp(x / alpha) - 1));
    },
    cost: () => ({ comparisons: 2, divisions: 1, functions: 1, multiplications: 1, additions: 1 }),
  },
  "ann.selu": {
    of: (a) => (x) => a.number("gamma") * (x > 0 ? x : a.number("alpha") * (Math.exp(x) - 1)),
    cost: () => ({ comparisons: 1, functions: 1, multiplications: 2 }),
  },
  "ann.shrink": {
    of: (a) => (x) => {
      const [bias, lambda] = [a.number("bias"), a.number("lambda")];
      if (x < -lambda) return x + bias;
      return x > lambda ? x - bias : 0;
    },
    cost: () => ({ comparisons: 2, additions: 1 }),
  },
  "ann.is-inf": {
    of: (a) => (x) =>
      (x === Infinity && a.flag("positive")) || (x === -Infinity && a.flag("negative")) ? 1 : 0,
    cost: (a) => ({ comparisons: Number(a.flag("positive")) + Number(a.flag("negative")) }),
  },
  "ann.soft-lif": {
    of: (a) => (x) => {
      const sigma = a.number("sigma");
      const above = sigma * softplus((x - 1) / sigma);
      return (
        a.number("amplitude") / (a.number("tauRef") + a.number("tauRc") * Math.log1p(1 / above))
      );
    },
    cost: () => ({
      ...{ comparisons: 2, functions: 3, additions: 3, divisions: 3, multiplications: 2 },
    }),
  },
};

/**
 * Specs of functions of one value, activations with parameters included. All but the sign change
 * and the identity are nonlinear, so they work on real values alone: over time, the activations
 * among them become neurons.
 */
import { no, ok } from "../../diagnostic.ts";
import type { UnaryName } from "../op.ts";
import type { AttrKind, Exactness, OpSpec, SpecTable } from "../spec.ts";
import { type Traits, move, placed, uniform } from "../traits.ts";
import { type DType, real } from "../../type.ts";
import { operandType, requireReal, requireSameDType } from "./check.ts";
import { type DTypeSet, requireBroadcastTo, requireDType, sumDomain } from "./rules.ts";

export type UnaryKind = `ann.${UnaryName}`;
export type ActivationKind =
  | "ann.clip"
  | "ann.leaky-relu"
  | "ann.prelu"
  | "ann.elu"
  | "ann.celu"
  | "ann.selu"
  | "ann.hard-sigmoid"
  | "ann.thresholded-relu"
  | "ann.shrink"
  | "ann.swish"
  | "ann.gelu"
  | "ann.soft-lif"
  | "ann.fake-quantize"
  | "ann.is-inf";

const increasing = { ...uniform, monotone: true } as const;
const notNegative = { ...uniform, sign: "not-negative" } as const;
const rectifier = { ...uniform, monotone: true, sign: "not-negative" } as const;
/** Activations in place of a rectifier, rising all along or not. */
const curve = { ...uniform, isCurve: true } as const;
const rising = { ...curve, monotone: true } as const;

const becomesNeuron = "a conversion pass turns activations into neurons";

/** A function of one real value, whose operand may have any element type of `set`. */
function map<K extends UnaryKind | ActivationKind>(
  kind: K,
  summary: string,
  set: DTypeSet,
  exactness: Exactness,
  traits: Traits<K>,
  attributes: OpSpec<K>["attributes"],
  options: { result?: DType; why?: string } = {},
): OpSpec<K> {
  return {
    summary,
    arity: 1,
    exactness,
    traits,
    attributes,
    infer: (_attrs, inputs) => {
      const x = operandType(inputs, 0);
      return (
        requireReal(kind, inputs, options.why) ??
        requireDType(kind, "its operand", x.dtype, set) ??
        ok(real(options.result ?? x.dtype, x.shape))
      );
    },
  };
}

function unary<K extends UnaryKind>(
  kind: K,
  summary: string,
  set: DTypeSet,
  exactness: Exactness,
  traits: Traits<UnaryKind>,
  options: { result?: DType; why?: string } = {},
): OpSpec<UnaryKind> {
  return map<UnaryKind>(kind, summary, set, exactness, traits, {}, options);
}

function activation<K extends ActivationKind>(
  kind: K,
  summary: string,
  set: DTypeSet,
  exactness: Exactness,
  traits: Traits<K>,
  attributes: OpSpec<K>["attributes"],
): OpSpec<K> {
  return map(kind, summary, set, exactness, traits, attributes, { why: becomesNeuron });
}

export const unarySpecs: SpecTable<UnaryKind> = {
  "ann.abs": unary("ann.abs", "Absolute value", "number", "exact", {
    ...notNegative,
    isCurve: true,
  }),
  "ann.acos": unary("ann.acos", "Arc cosine", "float", "rounding", notNegative),
  "ann.acosh": unary("ann.acosh", "Inverse hyperbolic cosine", "float", "rounding", notNegative),
  "ann.asin": unary("ann.asin", "Arc sine", "float", "rounding", uniform),
  "ann.asinh": unary("ann.asinh", "Inverse hyperbolic sine", "float", "rounding", increasing),
  "ann.atan": unary("ann.atan", "Arc tangent", "float", "rounding", increasing),
  "ann.atanh": unary("ann.atanh", "Inverse hyperbolic tangent", "float", "rounding", uniform),
  "ann.ceil": unary("ann.ceil", "Smallest integer not below x", "float", "exact", increasing),
  "ann.cos": unary("ann.cos", "Cosine", "float", "rounding", uniform),
  "ann.cosh": unary("ann.cosh", "Hyperbolic cosine", "float", "rounding", notNegative),
  "ann.erf": unary("ann.erf", "Error function", "number", "rounding", increasing),
  "ann.exp": unary("ann.exp", "Exponential", "float", "rounding", rectifier),
  "ann.floor": unary("ann.floor", "Largest integer not above x", "float", "exact", increasing),
  "ann.hard-swish": unary(
    "ann.hard-swish",
    "x · clip(x / 6 + 1/2, 0, 1)",
    "float",
    "rounding",
    curve,
    {
      why: becomesNeuron,
    },
  ),
  "ann.identity": {
    summary: "The operand itself",
    arity: 1,
    exactness: "exact",
    traits: move,
    attributes: {},
    infer: (_attrs, inputs) => ok(operandType(inputs, 0)),
  },
  "ann.is-nan": unary("ann.is-nan", "True where x is not a number", "float", "exact", uniform, {
    result: "bool",
  }),
  "ann.log": unary("ann.log", "Natural logarithm", "float", "rounding", uniform),
  "ann.mish": unary("ann.mish", "x · tanh(softplus(x))", "float", "rounding", curve, {
    why: becomesNeuron,
  }),
  "ann.neg": {
    summary: "−x",
    arity: 1,
    exactness: "exact",
    traits: { ...uniform, linear: "all", carriesWords: true },
    attributes: {},
    infer: (_attrs, inputs) => {
      const x = operandType(inputs, 0);
      return (
        requireDType("ann.neg", "its operand", x.dtype, "number") ??
        ok({ ...x, domain: sumDomain(inputs) })
      );
    },
  },
  "ann.not": unary("ann.not", "Logical negation", "bool", "exact", uniform),
  "ann.reciprocal": unary("ann.reciprocal", "1 / x", "float", "rounding", uniform),
  "ann.relu": unary("ann.relu", "max(x, 0)", "number", "exact", rectifier, { why: becomesNeuron }),
  "ann.round": unary("ann.round", "Nearest integer, ties to even", "float", "exact", increasing),
  "ann.sigmoid": unary(
    "ann.sigmoid",
    "1 / (1 + exp(−x))",
    "float",
    "rounding",
    { ...rectifier, isCurve: true },
    {
      why: becomesNeuron,
    },
  ),
  "ann.sign": unary("ann.sign", "−1, 0 or 1", "number", "exact", increasing),
  "ann.sin": unary("ann.sin", "Sine", "float", "rounding", uniform),
  "ann.sinh": unary("ann.sinh", "Hyperbolic sine", "float", "rounding", increasing),
  "ann.softplus": unary(
    "ann.softplus",
    "log(1 + exp(x))",
    "float",
    "rounding",
    { ...rectifier, isCurve: true },
    {
      why: becomesNeuron,
    },
  ),
  "ann.softsign": unary("ann.softsign", "x / (1 + |x|)", "float", "rounding", rising, {
    why: becomesNeuron,
  }),
  "ann.sqrt": unary("ann.sqrt", "Square root", "float", "rounding", notNegative),
  "ann.tan": unary("ann.tan", "Tangent", "float", "rounding", uniform),
  "ann.tanh": unary("ann.tanh", "Hyperbolic tangent", "float", "rounding", rising, {
    why: becomesNeuron,
  }),
};

const alpha: Readonly<Record<"alpha", AttrKind>> = { alpha: "float" };

export const activationSpecs: SpecTable<ActivationKind> = {
  "ann.clip": activation(
    "ann.clip",
    "min(max(x, min), max)",
    "number",
    "exact",
    {
      ...rising,
      sign: ({ min, max }) => min >= 0 && max >= 0,
    },
    {
      min: "float",
      max: "float",
    },
  ),
  "ann.leaky-relu": activation(
    "ann.leaky-relu",
    "x where x ≥ 0, alpha · x elsewhere",
    "float",
    "rounding",
    { ...curve, monotone: ({ alpha }) => alpha >= 0, sign: ({ alpha }) => alpha <= 0 },
    alpha,
  ),
  "ann.prelu": {
    summary: "x where x ≥ 0, slope · x elsewhere",
    arity: 1,
    exactness: "rounding",
    traits: { ...placed, isCurve: true },
    attributes: { slope: "tensor" },
    infer: ({ slope }, inputs, tensors) => {
      const x = operandType(inputs, 0);
      const given = tensors(slope);
      return (
        requireReal("ann.prelu", inputs, becomesNeuron) ??
        requireDType("ann.prelu", "its operand", x.dtype, "number") ??
        requireSameDType("ann.prelu", [x.dtype, given.dtype]) ??
        requireBroadcastTo("ann.prelu", "a slope", given.shape, x.shape) ??
        ok(x)
      );
    },
  },
  "ann.elu": activation(
    "ann.elu",
    "x where x ≥ 0, alpha · (exp(x) − 1) elsewhere",
    "float",
    "rounding",
    { ...curve, monotone: ({ alpha }) => alpha >= 0, sign: ({ alpha }) => alpha <= 0 },
    alpha,
  ),
  "ann.celu": activation(
    "ann.celu",
    "x where x ≥ 0, alpha · (exp(x / alpha) − 1) elsewhere",
    "float",
    "rounding",
    { ...curve, monotone: ({ alpha }) => alpha !== 0 },
    alpha,
  ),
  "ann.selu": activation(
    "ann.selu",
    "gamma · (x where x > 0, alpha · (exp(x) − 1) elsewhere)",
    "float",
    "rounding",
    {
      ...curve,
      monotone: ({ alpha, gamma }) => alpha >= 0 && gamma >= 0,
      sign: ({ alpha, gamma }) => alpha <= 0 && gamma >= 0,
    },
    { alpha: "float", gamma: "float" },
  ),
  "ann.hard-sigmoid": activation(
    "ann.hard-sigmoid",
    "clip(alpha · x + beta, 0, 1)",
    "float",
    "rounding",
    {
      ...curve,
      monotone: ({ alpha }) => alpha >= 0,
      sign: "not-negative",
    },
    { alpha: "float", beta: "float" },
  ),
  "ann.thresholded-relu": activation(
    "ann.thresholded-relu",
    "x where x > alpha, 0 elsewhere",
    "float",
    "exact",
    {
      ...uniform,
      monotone: ({ alpha }) => alpha >= 0,
      sign: ({ alpha }) => alpha >= 0,
    },
    alpha,
  ),
  "ann.shrink": activation(
    "ann.shrink",
    "x + bias where x < −lambda, x − bias where x > lambda, 0 elsewhere",
    "number",
    "rounding",
    { ...uniform, monotone: ({ bias, lambda }) => lambda >= 0 && bias <= lambda },
    { bias: "float", lambda: "float" },
  ),
  "ann.swish": activation(
    "ann.swish",
    "x · sigmoid(alpha · x)",
    "float",
    "rounding",
    { ...curve, since: 2 },
    alpha,
  ),
  "ann.gelu": activation(
    "ann.gelu",
    "x · Φ(x), Φ the normal distribution",
    "float",
    "rounding",
    curve,
    {
      approximate: { oneOf: ["none", "tanh"] },
    },
  ),
  "ann.soft-lif": {
    summary: "amplitude / (tauRef + tauRc · log(1 + 1/ρ)), ρ = sigma · log(1 + exp((x − 1)/sigma))",
    arity: 1,
    exactness: "rounding",
    traits: rectifier,
    attributes: { tauRc: "float", tauRef: "float", sigma: "float", amplitude: "float" },
    infer: ({ tauRc, tauRef, sigma, amplitude }, inputs) => {
      const x = operandType(inputs, 0);
      const positive = { tauRc, sigma, amplitude };
      for (const [name, value] of Object.entries(positive)) {
        if (!(value > 0 && value < Infinity)) return no(`its ${name} of ${value} is not positive`);
      }
      if (!(tauRef >= 0 && tauRef < Infinity)) return no(`its tauRef of ${tauRef} is negative`);
      return (
        requireReal("ann.soft-lif", inputs, becomesNeuron) ??
        requireDType("ann.soft-lif", "its operand", x.dtype, "float") ??
        ok(x)
      );
    },
  },
  "ann.fake-quantize": {
    summary: "step · clip(⌊x / step⌉, low, high)",
    arity: 1,
    exactness: "exact",
    traits: { ...uniform, monotone: true, sign: ({ low }) => low >= 0 },
    attributes: {
      step: "float",
      low: "float",
      high: "float",
      rounding: { oneOf: ["nearest", "floor", "ceil"] },
    },
    infer: ({ step, low, high }, inputs) => {
      const x = operandType(inputs, 0);
      if (!(step > 0 && step < Infinity)) return no(`its step of ${step} is not positive`);
      for (const bound of [low, high]) {
        if (Number.isFinite(bound) && !Number.isInteger(bound)) {
          return no(`its bound of ${bound} steps is not a whole number`);
        }
      }
      if (!(low <= high && low < Infinity && high > -Infinity)) {
        return no(`its bounds of ${low} and ${high} steps hold no number between them`);
      }
      return (
        requireReal("ann.fake-quantize", inputs, becomesNeuron) ??
        requireDType("ann.fake-quantize", "its operand", x.dtype, "float") ??
        ok(x)
      );
    },
  },
  "ann.is-inf": map(
    "ann.is-inf",
    "True where x is infinite, of the signs asked for",
    "float",
    "exact",
    uniform,
    { negative: "bool", positive: "bool" },
    { result: "bool" },
  ),
};

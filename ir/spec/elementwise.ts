/**
 * Specs of the ops that treat each element by itself: functions of one value, of two with
 * broadcasting, activations with parameters, and changes of element type.
 *
 * Only sums, differences, signs and products with a real value make sense on a current; everything
 * else is nonlinear in time and works on real values alone.
 */
import { type Failure, no, ok } from "../diagnostic.ts";
import type { BinaryName, OpKind, UnaryName } from "../op.ts";
import type { AttrKind, Exactness, OpSpec, SpecTable } from "./op-spec.ts";
import { type DType, type Domain, type Type, broadcastShapes, real } from "../type.ts";
import { format, operandType, requireAxis, requireReal, requireSameDType } from "./check.ts";
import {
  type DTypeSet,
  sumDomain,
  requireBroadcastTo,
  requireDType,
  quantizedDTypes,
} from "./rules.ts";

export type UnaryKind = `ann.${UnaryName}`;
export type BinaryKind = `ann.${BinaryName}`;
type ActivationKind =
  | "ann.clip"
  | "ann.leaky-relu"
  | "ann.prelu"
  | "ann.elu"
  | "ann.celu"
  | "ann.selu"
  | "ann.hard-sigmoid"
  | "ann.thresholded-relu"
  | "ann.shrink"
  | "ann.gelu"
  | "ann.is-inf";
export type ElementwiseKind =
  | UnaryKind
  | BinaryKind
  | ActivationKind
  | "ann.mod"
  | "ann.cast"
  | "ann.quantize-linear"
  | "ann.dequantize-linear";

const becomesNeuron = "a conversion pass turns activations into neurons";

/** A function of one real value, whose operand may have any element type of `set`. */
function map<K extends UnaryKind | ActivationKind>(
  kind: K,
  summary: string,
  set: DTypeSet,
  exactness: Exactness,
  attributes: OpSpec<K>["attributes"],
  options: { result?: DType; why?: string } = {},
): OpSpec<K> {
  return {
    summary,
    arity: 1,
    exactness,
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
  options: { result?: DType; why?: string } = {},
): OpSpec<UnaryKind> {
  return map<UnaryKind>(kind, summary, set, exactness, {}, options);
}

function activation<K extends ActivationKind>(
  kind: K,
  summary: string,
  set: DTypeSet,
  exactness: Exactness,
  attributes: OpSpec<K>["attributes"],
): OpSpec<K> {
  return map(kind, summary, set, exactness, attributes, { why: becomesNeuron });
}

/** Which domains two operands may have, and which the result has. */
type DomainRule = (kind: BinaryKind, a: Type, b: Type) => Failure | Domain;

const realOnly: DomainRule = (kind, a, b) => requireReal(kind, [a, b]) ?? "real";

const sum: DomainRule = (_kind, a, b) => sumDomain([a, b]);

const product: DomainRule = (kind, a, b) =>
  a.domain !== "real" && b.domain !== "real"
    ? no(`${kind} of ${a.domain} and ${b.domain}: one of the two factors must be real`)
    : sumDomain([a, b]);

const quotient: DomainRule = (kind, a, b) =>
  b.domain !== "real" ? no(`${kind} by a ${b.domain}: the divisor must be real`) : sumDomain([a]);

function binary(
  kind: BinaryKind,
  summary: string,
  domains: DomainRule,
  exactness: Exactness,
  check: (a: Type, b: Type) => Failure | null,
  result?: DType,
): OpSpec<BinaryKind> {
  return {
    summary,
    arity: 2,
    exactness,
    attributes: {},
    infer: (_attrs, inputs) => {
      const a = operandType(inputs, 0);
      const b = operandType(inputs, 1);
      const domain = domains(kind, a, b);
      if (typeof domain !== "string") return domain;
      const shape = broadcastOf(kind, a, b);
      if (!shape.ok) return shape;
      return check(a, b) ?? ok({ domain, dtype: result ?? a.dtype, shape: shape.value });
    },
  };
}

function broadcastOf(kind: OpKind, a: Type, b: Type) {
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape !== null) return ok(shape);
  return no(`${kind}: shapes ${format(a.shape)} and ${format(b.shape)} do not broadcast`);
}

const arithmetic = (kind: BinaryKind, summary: string, domains: DomainRule, exactness: Exactness) =>
  binary(
    kind,
    summary,
    domains,
    exactness,
    (a, b) =>
      requireSameDType(kind, [a.dtype, b.dtype]) ??
      requireDType(kind, "its operands", a.dtype, "number"),
  );

const comparison = (kind: BinaryKind, summary: string) =>
  binary(
    kind,
    summary,
    realOnly,
    "exact",
    (a, b) => requireSameDType(kind, [a.dtype, b.dtype]),
    "bool",
  );

const logical = (kind: BinaryKind, summary: string) =>
  binary(
    kind,
    summary,
    realOnly,
    "exact",
    (a, b) =>
      requireDType(kind, "its left operand", a.dtype, "bool") ??
      requireDType(kind, "its right operand", b.dtype, "bool"),
  );

const unarySpecs: SpecTable<UnaryKind> = {
  "ann.abs": unary("ann.abs", "Absolute value", "number", "exact"),
  "ann.acos": unary("ann.acos", "Arc cosine", "float", "rounding"),
  "ann.acosh": unary("ann.acosh", "Inverse hyperbolic cosine", "float", "rounding"),
  "ann.asin": unary("ann.asin", "Arc sine", "float", "rounding"),
  "ann.asinh": unary("ann.asinh", "Inverse hyperbolic sine", "float", "rounding"),
  "ann.atan": unary("ann.atan", "Arc tangent", "float", "rounding"),
  "ann.atanh": unary("ann.atanh", "Inverse hyperbolic tangent", "float", "rounding"),
  "ann.ceil": unary("ann.ceil", "Smallest integer not below x", "float", "exact"),
  "ann.cos": unary("ann.cos", "Cosine", "float", "rounding"),
  "ann.cosh": unary("ann.cosh", "Hyperbolic cosine", "float", "rounding"),
  "ann.erf": unary("ann.erf", "Error function", "number", "rounding"),
  "ann.exp": unary("ann.exp", "Exponential", "float", "rounding"),
  "ann.floor": unary("ann.floor", "Largest integer not above x", "float", "exact"),
  "ann.hard-swish": unary("ann.hard-swish", "x · clip(x / 6 + 1/2, 0, 1)", "float", "rounding", {
    why: becomesNeuron,
  }),
  "ann.identity": {
    summary: "The operand itself",
    arity: 1,
    exactness: "exact",
    attributes: {},
    infer: (_attrs, inputs) => ok(operandType(inputs, 0)),
  },
  "ann.is-nan": unary("ann.is-nan", "True where x is not a number", "float", "exact", {
    result: "bool",
  }),
  "ann.log": unary("ann.log", "Natural logarithm", "float", "rounding"),
  "ann.mish": unary("ann.mish", "x · tanh(softplus(x))", "float", "rounding", {
    why: becomesNeuron,
  }),
  "ann.neg": {
    summary: "−x",
    arity: 1,
    exactness: "exact",
    attributes: {},
    infer: (_attrs, inputs) => {
      const x = operandType(inputs, 0);
      return (
        requireDType("ann.neg", "its operand", x.dtype, "number") ??
        ok({ ...x, domain: sumDomain(inputs) })
      );
    },
  },
  "ann.not": unary("ann.not", "Logical negation", "bool", "exact"),
  "ann.reciprocal": unary("ann.reciprocal", "1 / x", "float", "rounding"),
  "ann.relu": unary("ann.relu", "max(x, 0)", "number", "exact", { why: becomesNeuron }),
  "ann.round": unary("ann.round", "Nearest integer, ties to even", "float", "exact"),
  "ann.sigmoid": unary("ann.sigmoid", "1 / (1 + exp(−x))", "float", "rounding", {
    why: becomesNeuron,
  }),
  "ann.sign": unary("ann.sign", "−1, 0 or 1", "number", "exact"),
  "ann.sin": unary("ann.sin", "Sine", "float", "rounding"),
  "ann.sinh": unary("ann.sinh", "Hyperbolic sine", "float", "rounding"),
  "ann.softplus": unary("ann.softplus", "log(1 + exp(x))", "float", "rounding", {
    why: becomesNeuron,
  }),
  "ann.softsign": unary("ann.softsign", "x / (1 + |x|)", "float", "rounding", {
    why: becomesNeuron,
  }),
  "ann.sqrt": unary("ann.sqrt", "Square root", "float", "rounding"),
  "ann.tan": unary("ann.tan", "Tangent", "float", "rounding"),
  "ann.tanh": unary("ann.tanh", "Hyperbolic tangent", "float", "rounding", { why: becomesNeuron }),
};

const binarySpecs: SpecTable<BinaryKind> = {
  "ann.add": arithmetic("ann.add", "a + b", sum, "rounding"),
  "ann.and": logical("ann.and", "True where both are"),
  "ann.div": arithmetic("ann.div", "a / b; integers truncate", quotient, "rounding"),
  "ann.equal": comparison("ann.equal", "True where a = b"),
  "ann.greater": comparison("ann.greater", "True where a > b"),
  "ann.greater-or-equal": comparison("ann.greater-or-equal", "True where a ≥ b"),
  "ann.less": comparison("ann.less", "True where a < b"),
  "ann.less-or-equal": comparison("ann.less-or-equal", "True where a ≤ b"),
  "ann.max": arithmetic("ann.max", "The larger of a and b", realOnly, "exact"),
  "ann.min": arithmetic("ann.min", "The smaller of a and b", realOnly, "exact"),
  "ann.mul": arithmetic("ann.mul", "a · b", product, "rounding"),
  "ann.or": logical("ann.or", "True where one is"),
  // The exponent may have another element type; the result has the base's.
  "ann.pow": binary(
    "ann.pow",
    "a to the power of b",
    realOnly,
    "rounding",
    (a, b) =>
      requireDType("ann.pow", "its base", a.dtype, "number") ??
      requireDType("ann.pow", "its exponent", b.dtype, "number"),
  ),
  "ann.sub": arithmetic("ann.sub", "a − b", sum, "rounding"),
  "ann.xor": logical("ann.xor", "True where exactly one is"),
};

const alpha: Readonly<Record<"alpha", AttrKind>> = { alpha: "float" };

const activationSpecs: SpecTable<ActivationKind> = {
  "ann.clip": activation("ann.clip", "min(max(x, min), max)", "number", "exact", {
    min: "float",
    max: "float",
  }),
  "ann.leaky-relu": activation(
    "ann.leaky-relu",
    "x where x ≥ 0, alpha · x elsewhere",
    "float",
    "rounding",
    alpha,
  ),
  "ann.prelu": {
    summary: "x where x ≥ 0, slope · x elsewhere",
    arity: 1,
    exactness: "rounding",
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
    alpha,
  ),
  "ann.celu": activation(
    "ann.celu",
    "x where x ≥ 0, alpha · (exp(x / alpha) − 1) elsewhere",
    "float",
    "rounding",
    alpha,
  ),
  "ann.selu": activation(
    "ann.selu",
    "gamma · (x where x > 0, alpha · (exp(x) − 1) elsewhere)",
    "float",
    "rounding",
    { alpha: "float", gamma: "float" },
  ),
  "ann.hard-sigmoid": activation(
    "ann.hard-sigmoid",
    "clip(alpha · x + beta, 0, 1)",
    "float",
    "rounding",
    { alpha: "float", beta: "float" },
  ),
  "ann.thresholded-relu": activation(
    "ann.thresholded-relu",
    "x where x > alpha, 0 elsewhere",
    "float",
    "exact",
    alpha,
  ),
  "ann.shrink": activation(
    "ann.shrink",
    "x + bias where x < −lambda, x − bias where x > lambda, 0 elsewhere",
    "number",
    "rounding",
    { bias: "float", lambda: "float" },
  ),
  "ann.gelu": activation("ann.gelu", "x · Φ(x), Φ the normal distribution", "float", "rounding", {
    approximate: { oneOf: ["none", "tanh"] },
  }),
  "ann.is-inf": map(
    "ann.is-inf",
    "True where x is infinite, of the signs asked for",
    "float",
    "exact",
    { negative: "bool", positive: "bool" },
    { result: "bool" },
  ),
};

/** The scale (and zero point) of a linear quantisation: one number, or one per element of `axis`. */
function needsQuantizationShape(
  kind: OpKind,
  axis: number,
  x: Type,
  scale: Type,
  zeroPoint: Type,
): Failure | null {
  const [extent] = scale.shape;
  if (scale.shape.join() !== zeroPoint.shape.join()) {
    return no(
      `${kind} needs a zero point of the scale's shape ${format(scale.shape)}, ` +
        `not ${format(zeroPoint.shape)}`,
    );
  }
  if (extent === undefined || (extent === 1 && scale.shape.length === 1)) return null;
  const axisProblem = requireAxis(kind, x.shape, axis);
  if (axisProblem !== null) return axisProblem;
  if (scale.shape.length === 1 && extent === x.shape[axis]) return null;
  return no(
    `${kind} needs one scale, or ${x.shape[axis] ?? 0} for axis ${axis}, ` +
      `not scales of shape ${format(scale.shape)}`,
  );
}

export const elementwiseSpecs: SpecTable<ElementwiseKind> = {
  ...unarySpecs,
  ...binarySpecs,
  ...activationSpecs,
  "ann.mod": {
    summary: "Remainder of truncated or floored division",
    arity: 2,
    exactness: "rounding",
    attributes: { truncate: "bool" },
    infer: (_attrs, inputs) => {
      const a = operandType(inputs, 0);
      const b = operandType(inputs, 1);
      const shape = broadcastOf("ann.mod", a, b);
      if (!shape.ok) return shape;
      return (
        requireReal("ann.mod", inputs) ??
        requireSameDType(
          "ann.mod",
          inputs.map((type) => type.dtype),
        ) ??
        requireDType("ann.mod", "its operands", a.dtype, "number") ??
        ok(real(a.dtype, shape.value))
      );
    },
  },
  "ann.cast": {
    summary: "The same value in another element type",
    arity: 1,
    exactness: "exact",
    attributes: { to: "dtype", saturate: "bool" },
    infer: ({ to }, inputs) =>
      requireReal("ann.cast", inputs) ?? ok(real(to, operandType(inputs, 0).shape)),
  },
  "ann.quantize-linear": {
    summary: "round(x / scale) + zero point, saturated; ties to even",
    arity: 3,
    exactness: "exact",
    attributes: { axis: "int", to: "dtype" },
    infer: ({ axis, to }, inputs) => {
      const kind = "ann.quantize-linear";
      const x = operandType(inputs, 0);
      const scale = operandType(inputs, 1);
      const zeroPoint = operandType(inputs, 2);
      if (!quantizedDTypes.includes(to)) return no(`${kind} makes i8, u8, i16 or u16, not ${to}`);
      if (zeroPoint.dtype !== to) {
        return no(`${kind} needs a zero point of type ${to}, not ${zeroPoint.dtype}`);
      }
      if (x.dtype !== "i32") {
        const problem = requireDType(kind, "its operand", x.dtype, "float");
        if (problem !== null) return problem;
      }
      return (
        requireReal(kind, inputs) ??
        requireDType(kind, "its scale", scale.dtype, "float") ??
        needsQuantizationShape(kind, axis, x, scale, zeroPoint) ??
        ok(real(to, x.shape))
      );
    },
  },
  "ann.dequantize-linear": {
    summary: "(x − zero point) · scale",
    arity: 3,
    exactness: "rounding",
    attributes: { axis: "int" },
    infer: ({ axis }, inputs) => {
      const kind = "ann.dequantize-linear";
      const x = operandType(inputs, 0);
      const scale = operandType(inputs, 1);
      const zeroPoint = operandType(inputs, 2);
      return (
        requireReal(kind, inputs) ??
        requireDType(kind, "its operand", x.dtype, "integer") ??
        requireSameDType(kind, [x.dtype, zeroPoint.dtype]) ??
        requireDType(kind, "its scale", scale.dtype, "float") ??
        needsQuantizationShape(kind, axis, x, scale, zeroPoint) ??
        ok(real(scale.dtype, x.shape))
      );
    },
  },
};

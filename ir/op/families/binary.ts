/**
 * Specs of functions of two values, which broadcast. Sums, differences and products with a real
 * value make sense on a current; everything else works on real values alone.
 */
import { type Failure, no, ok } from "../../diagnostic.ts";
import type { BinaryName, OpKind } from "../op.ts";
import type { Exactness, OpSpec, SpecTable } from "../spec.ts";
import { type Traits, uniform } from "../traits.ts";
import { type DType, type Domain, type Type, broadcastShapes, real } from "../../type.ts";
import { format, operandType, requireReal, requireSameDType } from "./check.ts";
import { requireDType, sumDomain } from "./rules.ts";

export type BinaryKind = `ann.${BinaryName}`;

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
  traits: Traits<BinaryKind>,
  check: (a: Type, b: Type) => Failure | null,
  result?: DType,
): OpSpec<BinaryKind> {
  return {
    summary,
    arity: 2,
    exactness,
    traits,
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

const sumTraits = { ...uniform, linear: "all", carriesWords: true } as const;

const arithmetic = (
  kind: BinaryKind,
  summary: string,
  domains: DomainRule,
  exactness: Exactness,
  traits: Traits<BinaryKind>,
) =>
  binary(
    kind,
    summary,
    domains,
    exactness,
    traits,
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
    uniform,
    (a, b) => requireSameDType(kind, [a.dtype, b.dtype]),
    "bool",
  );

const logical = (kind: BinaryKind, summary: string) =>
  binary(
    kind,
    summary,
    realOnly,
    "exact",
    uniform,
    (a, b) =>
      requireDType(kind, "its left operand", a.dtype, "bool") ??
      requireDType(kind, "its right operand", b.dtype, "bool"),
  );

export const binarySpecs: SpecTable<BinaryKind | "ann.mod"> = {
  "ann.add": arithmetic("ann.add", "a + b", sum, "rounding", { ...sumTraits, sign: "kept" }),
  "ann.and": logical("ann.and", "True where both are"),
  "ann.div": arithmetic("ann.div", "a / b; integers truncate", quotient, "rounding", {
    ...uniform,
    linear: "first",
  }),
  "ann.equal": comparison("ann.equal", "True where a = b"),
  "ann.greater": comparison("ann.greater", "True where a > b"),
  "ann.greater-or-equal": comparison("ann.greater-or-equal", "True where a ≥ b"),
  "ann.less": comparison("ann.less", "True where a < b"),
  "ann.less-or-equal": comparison("ann.less-or-equal", "True where a ≤ b"),
  "ann.max": arithmetic("ann.max", "The larger of a and b", realOnly, "exact", {
    ...uniform,
    sign: (_attrs, [a, b]) => a === true || b === true,
  }),
  "ann.min": arithmetic("ann.min", "The smaller of a and b", realOnly, "exact", {
    ...uniform,
    sign: "kept",
  }),
  "ann.mul": arithmetic("ann.mul", "a · b", product, "rounding", {
    ...uniform,
    linear: "one",
    sign: "kept",
  }),
  "ann.or": logical("ann.or", "True where one is"),
  // The exponent may have another element type; the result has the base's.
  "ann.pow": binary(
    "ann.pow",
    "a to the power of b",
    realOnly,
    "rounding",
    uniform,
    (a, b) =>
      requireDType("ann.pow", "its base", a.dtype, "number") ??
      requireDType("ann.pow", "its exponent", b.dtype, "number"),
  ),
  "ann.sub": arithmetic("ann.sub", "a − b", sum, "rounding", sumTraits),
  "ann.xor": logical("ann.xor", "True where exactly one is"),
  "ann.mod": {
    summary: "Remainder of truncated or floored division",
    arity: 2,
    exactness: "rounding",
    traits: uniform,
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
};

/** Specs of changes of element type: by value, and by linear quantisation. Real values only. */
import { type Failure, no, ok } from "../../diagnostic.ts";
import type { OpKind } from "../op.ts";
import type { SpecTable } from "../spec.ts";
import { placed, uniform } from "../traits.ts";
import { type DType, type Type, real } from "../../type.ts";
import { format, operandType, requireAxis, requireReal, requireSameDType } from "./check.ts";
import { requireDType } from "./rules.ts";

export type CastKind = "ann.cast" | "ann.quantize-linear" | "ann.dequantize-linear";

/** What quantize-linear makes. */
const quantizedDTypes: readonly DType[] = ["i8", "u8", "i16", "u16"];

/** The scale (and zero point) of a linear quantisation: one number, or one per element of `axis`. */
function requireQuantizationShape(
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

export const castSpecs: SpecTable<CastKind> = {
  "ann.cast": {
    summary: "The same value in another element type",
    arity: 1,
    exactness: "exact",
    traits: uniform,
    attributes: { to: "dtype", saturate: "bool" },
    infer: ({ to }, inputs) =>
      requireReal("ann.cast", inputs) ?? ok(real(to, operandType(inputs, 0).shape)),
  },
  "ann.quantize-linear": {
    summary: "round(x / scale) + zero point, saturated; ties to even",
    arity: 3,
    exactness: "exact",
    traits: placed,
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
        requireQuantizationShape(kind, axis, x, scale, zeroPoint) ??
        ok(real(to, x.shape))
      );
    },
  },
  "ann.dequantize-linear": {
    summary: "(x − zero point) · scale",
    arity: 3,
    exactness: "rounding",
    traits: placed,
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
        requireQuantizationShape(kind, axis, x, scale, zeroPoint) ??
        ok(real(scale.dtype, x.shape))
      );
    },
  },
};

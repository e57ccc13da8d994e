/**
 * What several families' `infer` functions check in the same way: domains and element types.
 * Each check gives the failure, or null where there is nothing to say.
 */
import { type Failure, type Result, known, no, ok } from "../../diagnostic.ts";
import { type DType, type Domain, type Shape, type Type, isFloat } from "../../type.ts";

/** Operand number `index`; `inferType` has checked the arity. */
export function operandType(inputs: readonly Type[], index: number): Type {
  return known(inputs[index], `operand type ${index}`);
}

/** The domain of a linear function of one value: weighting spikes gives a current. */
export function linearDomain(domain: Domain): Domain {
  return domain === "real" ? "real" : "current";
}

const plural: Record<Domain, string> = {
  real: "real values",
  current: "currents",
  spike: "spikes",
};

/** For ops that are not linear over time; `why` may end the sentence. */
export function requireReal(kind: string, inputs: readonly Type[], why = ""): Failure | null {
  const other = inputs.find((type) => type.domain !== "real");
  if (other === undefined) return null;
  const tail = why === "" ? "" : `: ${why}`;
  return no(`${kind} works on real values, not on ${plural[other.domain]}${tail}`);
}

/** For bilinear ops: a product of two values that change over time is not a product of rates. */
export function requireOneOverTime(kind: string, inputs: readonly Type[]): Failure | null {
  const overTime = inputs.filter((type) => type.domain !== "real");
  if (overTime.length < 2) return null;
  return no(
    `${kind} has ${overTime.length} operands that change over time: ` +
      "a product of spikes or currents is not the product of their means",
  );
}

export function requireFloat(kind: string, inputs: readonly Type[]): Failure | null {
  const other = inputs.find((type) => !isFloat(type.dtype));
  return other === undefined ? null : no(`${kind} works on floats, not on ${other.dtype}`);
}

/** What integer synapses take: quantised inputs, spikes, and sums of either. */
const synapticIntegers: readonly DType[] = ["i8", "u8", "i32"];

/**
 * The element type that a synapse makes. Floats are weighted in their own type. Integers of 8 or 32
 * bits are weighted by i8 or i16, with a bias of i32, into i32.
 */
export function synapticDType(
  kind: string,
  x: Type,
  factor: { readonly name: string; readonly dtype: DType },
  offset: { readonly name: string; readonly dtype: DType } | null,
): Result<DType> {
  if (!synapticIntegers.includes(x.dtype)) {
    return (
      requireFloat(kind, [x]) ??
      requireSameDType(kind, [x.dtype, factor.dtype]) ??
      requireSameDType(
        `${factor.name} and ${offset?.name ?? ""}`,
        offset === null ? [] : [factor.dtype, offset.dtype],
      ) ??
      ok(x.dtype)
    );
  }
  const needs = (name: string, wanted: DType, given: DType): Failure | null =>
    wanted === given
      ? null
      : no(`${kind} on ${x.dtype} needs a ${name} of ${wanted}, not ${given}`);
  return (
    (factor.dtype === "i16" ? null : needs(factor.name, "i8", factor.dtype)) ??
    (offset === null ? null : needs(offset.name, "i32", offset.dtype)) ??
    ok("i32")
  );
}

/** Every dtype must equal the first operand's. */
export function requireSameDType(kind: string, dtypes: readonly DType[]): Failure | null {
  const [first] = dtypes;
  const other = dtypes.find((dtype) => dtype !== first);
  if (first === undefined || other === undefined) return null;
  return no(`${kind} on operands of different types, ${first} and ${other}`);
}

export function requireRank(kind: string, shape: Shape, atLeast: number): Failure | null {
  if (shape.length >= atLeast) return null;
  return no(`${kind} needs at least ${atLeast} axes, not the ${shape.length} of ${format(shape)}`);
}

/** `axis` must number one of the axes of `shape`. */
export function requireAxis(kind: string, shape: Shape, axis: number): Failure | null {
  if (Number.isInteger(axis) && axis >= 0 && axis < shape.length) return null;
  return no(`${kind} along axis ${axis} of ${format(shape)}, which has ${shape.length} axes`);
}

/** `[1, 3, 32, 32]` */
export function format(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

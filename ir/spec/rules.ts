/**
 * Checks and domain rules that the spec tables of several families share. Each check answers with
 * the reason that it fails, or null, so that an `infer` reads as a list: `a ?? b ?? ok(type)`.
 */
import { type Failure, known, no } from "../diagnostic.ts";
import type { OpKind } from "../op.ts";
import { type DType, type Domain, type Shape, type Type, broadcastsTo, isFloat } from "../type.ts";

/** The type of operand `index`, which the arity check has found to be there. */
export function operand(inputs: readonly Type[], index: number): Type {
  return known(inputs[index], `operand ${index}`);
}

const plural: Readonly<Record<Domain, string>> = {
  real: "real values",
  current: "currents",
  spike: "spikes",
};

/** Every operand must be real. `why` says what would go wrong otherwise, or what to do about it. */
export function needsReal(kind: OpKind, inputs: readonly Type[], why?: string): Failure | null {
  const other = inputs.find((type) => type.domain !== "real");
  if (other === undefined) return null;
  const because = why === undefined ? "" : `: ${why}`;
  return no(`${kind} works on real values, not on ${plural[other.domain]}${because}`);
}

/** Domain of what is linear in its operands and sums them with weights: real stays real. */
export function linearDomain(inputs: readonly Type[]): Domain {
  return inputs.every((type) => type.domain === "real") ? "real" : "current";
}

/** Domain of what moves its operands' elements about unchanged. */
export function movedDomain(inputs: readonly Type[]): Domain {
  if (inputs.every((type) => type.domain === "spike")) return "spike";
  return linearDomain(inputs);
}

/** Sets of element types, by what an op can do with them. `number` is all but bool. */
export type DTypeSet = "float" | "integer" | "number" | "bool";

const dtypeSetWords: Readonly<Record<DTypeSet, string>> = {
  float: "a float type",
  integer: "an integer type",
  number: "a number type",
  bool: "bool",
};

export function inDTypeSet(dtype: DType, set: DTypeSet): boolean {
  switch (set) {
    case "float":
      return isFloat(dtype);
    case "integer":
      return !isFloat(dtype) && dtype !== "bool";
    case "number":
      return dtype !== "bool";
    case "bool":
      return dtype === "bool";
  }
}

/** `what` ("operand 1", "the index") must have an element type of the set. */
export function needsDType(
  kind: OpKind,
  what: string,
  dtype: DType,
  set: DTypeSet,
): Failure | null {
  if (inDTypeSet(dtype, set)) return null;
  return no(`${kind} needs ${dtypeSetWords[set]} for ${what}, not ${dtype}`);
}

/** All of these types must have one element type. */
export function needsSameDType(kind: OpKind, inputs: readonly Type[]): Failure | null {
  const first = inputs[0];
  const other = inputs.find((type) => type.dtype !== first?.dtype);
  if (first === undefined || other === undefined) return null;
  return no(`${kind} needs one element type, not ${first.dtype} and ${other.dtype}`);
}

/** 0 ≤ axis < rank. */
export function needsAxis(kind: OpKind, axis: number, rank: number): Failure | null {
  if (Number.isInteger(axis) && axis >= 0 && axis < rank) return null;
  return no(`${kind} has no axis ${axis} in an operand of rank ${rank}`);
}

/** An attribute that gives one number per axis must have as many as there are axes. */
export function needsPerAxis(
  kind: OpKind,
  attribute: string,
  values: readonly number[],
  rank: number,
): Failure | null {
  if (values.length === rank) return null;
  return no(`${kind} needs ${rank} ${attribute}, one per axis, not ${values.length}`);
}

/** `[2, 3]` */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** A parameter's shape must broadcast to the value's without enlarging it. */
export function needsBroadcastTo(
  kind: OpKind,
  what: string,
  shape: Shape,
  target: Shape,
): Failure | null {
  if (broadcastsTo(shape, target)) return null;
  return no(
    `${kind}: ${what} of shape ${formatShape(shape)} does not broadcast to ${formatShape(target)}`,
  );
}

/** True of a list that may be a shape: non-negative integers. */
export function isShape(values: readonly number[]): boolean {
  return values.every((extent) => Number.isInteger(extent) && extent >= 0);
}

/** What quantize-linear makes. */
export const quantizedDTypes: readonly DType[] = ["i8", "u8", "i16", "u16"];

/**
 * Type rules that the families of elementwise, reducing, shaping and selecting ops share, beyond
 * those of `check.ts`. Each check gives the failure, or null where there is nothing to say.
 */
import { type Failure, no } from "../../diagnostic.ts";
import type { OpKind } from "../op.ts";
import {
  type DType,
  type Domain,
  type Shape,
  type Type,
  broadcastsTo,
  isFloat,
} from "../../type.ts";
import { format } from "./check.ts";

/** Domain of what is linear in its operands and sums them with weights: real stays real. */
export function sumDomain(inputs: readonly Type[]): Domain {
  return inputs.every((type) => type.domain === "real") ? "real" : "current";
}

/** Domain of what moves its operands' elements about unchanged. */
export function movedDomain(inputs: readonly Type[]): Domain {
  if (inputs.every((type) => type.domain === "spike")) return "spike";
  return sumDomain(inputs);
}

/** Sets of element types, by what an op can do with them. `number` is all but bool. */
export type DTypeSet = "float" | "integer" | "number" | "bool";

const dtypeSetWords: Readonly<Record<DTypeSet, string>> = {
  float: "a float type",
  integer: "an integer type",
  number: "a number type",
  bool: "bool",
};

function inDTypeSet(dtype: DType, set: DTypeSet): boolean {
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

/** `what` ("its operand", "its scale") must have an element type of the set. */
export function requireDType(
  kind: OpKind,
  what: string,
  dtype: DType,
  set: DTypeSet,
): Failure | null {
  if (inDTypeSet(dtype, set)) return null;
  return no(`${kind} needs ${dtypeSetWords[set]} for ${what}, not ${dtype}`);
}

/** An attribute that gives one number per axis must have as many as there are axes. */
export function requirePerAxis(
  kind: OpKind,
  attribute: string,
  values: readonly number[],
  rank: number,
): Failure | null {
  if (values.length === rank) return null;
  return no(`${kind} needs ${rank} ${attribute}, one per axis, not ${values.length}`);
}

/** A parameter's shape must broadcast to the value's without enlarging it. */
export function requireBroadcastTo(
  kind: OpKind,
  what: string,
  shape: Shape,
  target: Shape,
): Failure | null {
  if (isShape(target) && broadcastsTo(shape, target)) return null;
  return no(`${kind}: ${what} of shape ${format(shape)} does not broadcast to ${format(target)}`);
}

/** True of a list that may be a shape: non-negative integers. */
export function isShape(values: readonly number[]): boolean {
  return values.every((extent) => Number.isInteger(extent) && extent >= 0);
}

/**
 * What is known of an op kind besides its meaning: one line about it, how many operands it takes,
 * how its attributes read in text, how exactly a backend must reproduce it, and its result type.
 * The table itself is put together from the families in `ir/op/families/`.
 */
import type { Result } from "../diagnostic.ts";
import type { Op, OpKind } from "./op.ts";
import type { TensorRef } from "../tensor.ts";
import type { Type } from "../type.ts";
import { contractionSpecs } from "./families/contraction.ts";
import { elementwiseSpecs } from "./families/elementwise.ts";
import { encoderSpecs } from "./families/encoder.ts";
import { normSpecs } from "./families/norm.ts";
import type { OpSpec, SpecTable, TensorLookup } from "./spec.ts";
import { poolSpecs } from "./families/pool.ts";
import { reduceSpecs } from "./families/reduce.ts";
import { selectSpecs } from "./families/select.ts";
import { shapeSpecs } from "./families/shape.ts";
import { sourceSpecs } from "./families/source.ts";
import { spikingSpecs } from "./families/spiking.ts";
import { synapseSpecs } from "./families/synapse.ts";

export type { AttrKind, OpSpec, SpecTable, TensorLookup } from "./spec.ts";

export const specs: SpecTable = {
  ...sourceSpecs,
  ...synapseSpecs,
  ...contractionSpecs,
  ...poolSpecs,
  ...normSpecs,
  ...elementwiseSpecs,
  ...reduceSpecs,
  ...shapeSpecs,
  ...selectSpecs,
  ...spikingSpecs,
  ...encoderSpecs,
};

/** The spec of an op's kind, typed so that it takes any op's attributes. */
export function specOf(kind: OpKind): OpSpec<OpKind> {
  // TypeScript lets this pass because `infer` is written as a method. It is sound, as each spec is
  // only ever given the attributes of its own kind: `Op` pairs the two.
  return specs[kind];
}

/** Result type of `kind` on operands of these types; checks the arity first. */
export function inferType(
  op: Pick<Op, "kind" | "attrs">,
  inputs: readonly Type[],
  tensors: TensorLookup,
): Result<Type> {
  const spec = specOf(op.kind);
  const arityOk =
    typeof spec.arity === "number"
      ? inputs.length === spec.arity
      : inputs.length >= spec.arity.atLeast;
  if (!arityOk) {
    const wanted = typeof spec.arity === "number" ? spec.arity : `at least ${spec.arity.atLeast}`;
    return { ok: false, reason: `${op.kind} takes ${wanted} operands, not ${inputs.length}` };
  }
  return spec.infer(op.attrs, inputs, tensors);
}

/** The tensors that an op names, with the attribute that names each. */
export function tensorRefsOf(op: Op): readonly { attribute: string; ref: TensorRef }[] {
  const refs: { attribute: string; ref: TensorRef }[] = [];
  const values = new Map<string, unknown>(Object.entries(op.attrs));
  for (const [attribute, kind] of Object.entries(specOf(op.kind).attributes)) {
    const ref = values.get(attribute);
    if ((kind === "tensor" || kind === "tensor?") && typeof ref === "string") {
      refs.push({ attribute, ref });
    }
  }
  return refs;
}

/** Whether a string names an op kind. */
export function isOpKind(text: string): text is OpKind {
  return Object.hasOwn(specs, text);
}

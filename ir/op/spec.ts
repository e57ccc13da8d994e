/**
 * The shape of an op kind's entry in the table of `ir/op/table.ts`. Apart from the table, so that the
 * families that fill it and the table that joins them do not import each other.
 */
import type { Result } from "../diagnostic.ts";
import type { OpAttrs, OpKind } from "./op.ts";
import type { Tensor, TensorRef } from "../tensor.ts";
import type { Traits } from "./traits.ts";
import type { Type } from "../type.ts";

/** How an attribute is written, checked and read back. `tensor?` may be none. */
export type AttrKind =
  | "tensor"
  | "tensor?"
  | "int"
  | "ints"
  | "float"
  | "floats"
  | "bool"
  | "string"
  | "dtype"
  | { readonly oneOf: readonly string[] };

/**
 * How closely a backend must agree with the interpreter on equal inputs.
 * `exact`: bit for bit (moves and comparisons). `rounding`: sums may be ordered otherwise.
 */
export type Exactness = "exact" | "rounding";

export type TensorLookup = (ref: TensorRef) => Tensor;

export interface OpSpec<K extends OpKind> {
  /** One line for `snnc ops` and the docs. */
  readonly summary: string;
  readonly arity: number | { readonly atLeast: number };
  readonly exactness: Exactness;
  readonly traits: Traits<K>;
  /** In the order of `OpAttrs`; text prints them in this order. */
  readonly attributes: { readonly [A in keyof OpAttrs[K]]-?: AttrKind };
  /** Result type from operand types, or why there is none. Arity has been checked. */
  infer(attrs: OpAttrs[K], inputs: readonly Type[], tensors: TensorLookup): Result<Type>;
}

export type SpecTable<K extends OpKind = OpKind> = { readonly [P in K]: OpSpec<P> };

/** The shape of an op kind's cost: what one evaluation takes, with the rule in words beside it. */
import type { OpKind, OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import { type Type, elementCount } from "../../type.ts";
import { type Operations, noOperations, operations, plus } from "../operations.ts";

export interface CostRule<K extends OpKind> {
  /** One line for the docs: what is counted, for each element of the result unless it says otherwise. */
  readonly rule: string;
  /** Of one evaluation; `operands` are the types of the op's operands. */
  count(op: OpOf<K>, operands: readonly Type[], tensors: TensorLookup): Operations;
}

export type CostTable<K extends OpKind> = { readonly [P in K]: CostRule<P> };

/** The rule of any op with one cost for each element of its result, whatever its attributes. */
export interface PlainRule {
  readonly rule: string;
  count(op: { readonly type: Type }): Operations;
}

export function perElement(rule: string, cost: Partial<Operations>): PlainRule {
  return { rule, count: ({ type }) => times(elementCount(type.shape), cost) };
}

/** The rule of an op that computes nothing. */
export const nothing: PlainRule = { rule: "nothing", count: () => noOperations };

/** `count` of each of these. */
export function times(count: number, some: Partial<Operations>): Operations {
  return plus(noOperations, operations(some), count);
}

/** All of these together. */
export function sum(...all: readonly Operations[]): Operations {
  return all.reduce((a, b) => plus(a, b), noOperations);
}

/** Elements of the first operand. */
export function operandElements(operands: readonly Type[]): number {
  return elementCount(operands[0]?.shape ?? []);
}

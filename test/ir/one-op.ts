/** Builds and evaluates a single op, for tests of what one op means or infers. */
import { fail as failTest } from "node:assert";
import { Builder, makeOp } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import type { Loc } from "../../ir/loc.ts";
import type { OpAttrs, OpKind } from "../../ir/op/op.ts";
import { inferType } from "../../ir/op/table.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type Shape, type Type, formatType, real } from "../../ir/type.ts";

export const loc: Loc = { kind: "text", file: "test", line: 1, column: 1 };

export type Tensors = Readonly<Record<string, Tensor>>;

/** A float32 tensor. */
export function f(shape: Shape, values: Iterable<number>): Tensor {
  return tensorOf("f32", shape, values);
}

/** Evaluates one op on real operands; attributes name `tensors` by their keys. */
export function evaluateOp<K extends OpKind>(
  kind: K,
  attrs: OpAttrs[K],
  operands: readonly Tensor[],
  tensors: Tensors = {},
): Tensor {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const inputs = operands.map((t, i) => builder.input(`x${i}`, real(t.dtype, t.shape), loc));
  const added = builder.tryAdd(kind, inputs, attrs, loc);
  if (!added.ok) failTest(added.reason);
  return evaluate(builder.opOf(added.value), operands, (ref) => builder.tensorAt(ref));
}

/** The inferred type as text, or the reason there is none. */
export function infer<K extends OpKind>(
  kind: K,
  attrs: OpAttrs[K],
  operands: readonly Type[],
  tensors: Tensors = {},
): string {
  const value = new Builder().input("x", real("f32", []), loc);
  const op = makeOp(kind, value, [], attrs, real("f32", []), loc);
  const type = inferType(op, operands, (ref) => known(tensors[ref], ref));
  return type.ok ? formatType(type.value) : type.reason;
}

/** Elements as plain numbers. */
export function numbers(t: Tensor): number[] {
  return [...t.data];
}

/** 1, 2, 3, … in a shape. */
export function counting(shape: Shape): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return f(
    shape,
    Array.from({ length: count }, (_, i) => i + 1),
  );
}

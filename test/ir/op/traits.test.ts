/**
 * Holds what families state of their kinds to what the semantics compute and what the type rules allow, so that a
 * trait that was copied from another kind is found.
 */
import { describe, expect, it } from "vitest";
import { Builder, makeOp } from "../../../ir/build.ts";
import { loc } from "../one-op.ts";
import { isMonotone, traitsOf } from "../../../ir/op/known.ts";
import type { Op, OpKind } from "../../../ir/op/op.ts";
import { inferType, isOpKind, specOf, specs } from "../../../ir/op/table.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Domain, type Type, real } from "../../../ir/type.ts";
import { floatFunctions, isPlainActivation } from "./activations.ts";

const kinds = Object.keys(specs).filter(isOpKind);

/** From far below zero to far above, in order, with steps small enough to meet each bend. */
const numbers = [-100, ...Array.from({ length: 401 }, (_, i) => (i - 200) / 25 + 0.001), 100];

function noTensors(): Tensor {
  throw new Error("a function without parameters has no tensors");
}

/** Functions of one float, and what they make of the numbers. */
function functions(): { readonly name: string; readonly op: Op; readonly ys: readonly number[] }[] {
  const type = real("f32", [numbers.length]);
  const operand = new Builder().input("x", type, loc);
  return floatFunctions().map(({ name, kind, attrs }) => {
    const op = makeOp(kind, operand, [operand], attrs, type, loc);
    const { data } = evaluate(op, [tensorOf("f32", type.shape, numbers)], noTensors);
    return { name, op, ys: [...data] };
  });
}

describe("a function of one number", () => {
  it("is one of those that are tried", () => {
    const without = kinds.filter((kind) => {
      const { arity, attributes, traits } = specOf(kind);
      const isTried = Object.keys(attributes).length === 0 || isPlainActivation(kind);
      return arity === 1 && traits.structure === "uniform" && !isTried;
    });
    // What it gives depends on a type.
    expect(without).toEqual(["ann.cast"]);
  });

  it.each(functions())("$name rises just where its traits say so", ({ op, ys }) => {
    const rises = ys.every((y, i) => !Number.isNaN(y) && y >= (ys[i - 1] ?? -Infinity));
    expect(isMonotone(op)).toBe(rises);
  });

  it.each(functions())("$name is negative nowhere, or may be", ({ op, ys }) => {
    const { sign } = traitsOf(op);
    const isPromised =
      typeof sign === "function" ? sign(op.attrs, [false], () => false) : sign === "not-negative";
    const isNegative = ys.some((y) => y < 0);
    expect(isPromised).toBe(!isNegative);
  });
});

describe("an op over time", () => {
  const over = (kind: OpKind, attrs: object, domains: readonly Domain[]): boolean => {
    const types = domains.map((domain): Type => ({ domain, dtype: "f32", shape: [2, 2] }));
    return inferType({ kind, attrs: { ...attrs } }, types, noTensors).ok;
  };
  const cases = kinds.flatMap((kind): { kind: OpKind; attrs: object }[] => {
    const { attributes, arity, traits } = specOf(kind);
    const isReduction = Object.keys(attributes).join() === "axes,keepDims";
    const isPlain = Object.keys(attributes).length === 0;
    const attrs = isReduction ? { axes: [0], keepDims: true } : {};
    if (!(isPlain || isReduction) || traits.time !== "none") return [];
    return (arity === 1 || arity === 2) &&
      over(kind, attrs, arity === 1 ? ["real"] : ["real", "real"])
      ? [{ kind, attrs }]
      : [];
  });

  it.each(cases)("$kind may change in the operands in which it is linear", ({ kind, attrs }) => {
    const { arity, traits } = specOf(kind);
    const may = (...domains: Domain[]): boolean => over(kind, attrs, domains);
    if (arity === 1) expect(may("current")).toBe(traits.linear !== "none");
    else {
      expect(may("current", "real")).toBe(traits.linear !== "none");
      expect(may("real", "current")).toBe(traits.linear === "all" || traits.linear === "one");
      expect(may("current", "current")).toBe(traits.linear === "all");
    }
  });
});

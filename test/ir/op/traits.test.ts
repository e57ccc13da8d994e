/**
 * Holds what families state of their kinds to what the semantics compute and what the type rules allow, so that a
 * trait that was copied from another kind is found.
 */
import { describe, expect, it } from "vitest";
import { Builder, makeOp } from "../../../ir/build.ts";
import { loc } from "../one-op.ts";
import { isMonotone, isUniform, traitsOf } from "../../../ir/op/known.ts";
import type { Op, OpAttrs, OpKind } from "../../../ir/op/op.ts";
import { inferType, isOpKind, specOf, specs } from "../../../ir/op/table.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Domain, type Type, real } from "../../../ir/type.ts";

const kinds = Object.keys(specs).filter(isOpKind);

/** From far below zero to far above, in order, with steps small enough to meet each bend. */
const numbers = [-100, ...Array.from({ length: 401 }, (_, i) => (i - 200) / 25 + 0.001), 100];

/** Attributes on either side of what a trait depends on. */
const choices: { readonly [K in OpKind]?: readonly OpAttrs[K][] } = {
  "ann.clip": [
    { min: -1, max: 2 },
    { min: 0, max: 6 },
  ],
  "ann.leaky-relu": [{ alpha: 0.1 }, { alpha: -0.1 }],
  "ann.elu": [{ alpha: 1 }, { alpha: -1 }],
  "ann.celu": [{ alpha: 2 }, { alpha: -2 }],
  "ann.selu": [
    { alpha: 1.7, gamma: 1 },
    { alpha: -1.7, gamma: 1 },
  ],
  "ann.hard-sigmoid": [
    { alpha: 0.2, beta: 0.5 },
    { alpha: -0.2, beta: 0.5 },
  ],
  "ann.thresholded-relu": [{ alpha: 0.5 }, { alpha: -0.5 }],
  "ann.shrink": [
    { bias: 0.5, lambda: 0.5 },
    { bias: 1, lambda: 0.5 },
  ],
  "ann.gelu": [{ approximate: "none" }, { approximate: "tanh" }],
  "ann.soft-lif": [{ tauRc: 0.02, tauRef: 0.002, sigma: 0.02, amplitude: 0.01 }],
  "ann.fake-quantize": [
    { step: 0.5, low: 0, high: 7, rounding: "nearest" },
    { step: 0.5, low: -4, high: 3, rounding: "floor" },
  ],
};

function noTensors(): Tensor {
  throw new Error("a function without parameters has no tensors");
}

/** Functions of one float, with each choice of attributes, and what they make of the numbers. */
function functions(): { readonly name: string; readonly op: Op; readonly ys: readonly number[] }[] {
  const type = real("f32", [numbers.length]);
  const operand = new Builder().input("x", type, loc);
  return kinds.flatMap((kind) => {
    const { arity, attributes } = specOf(kind);
    const given = choices[kind] ?? (Object.keys(attributes).length === 0 ? [{}] : []);
    if (arity !== 1) return [];
    return given.flatMap((attrs) => {
      const op = makeOp(kind, operand, [operand], attrs, type, loc);
      const result = inferType(op, [type], noTensors);
      if (!isUniform(op) || !result.ok || result.value.dtype !== "f32") return [];
      const { data } = evaluate(op, [tensorOf("f32", type.shape, numbers)], noTensors);
      return [{ name: `${kind} ${JSON.stringify(attrs)}`, op, ys: [...data] }];
    });
  });
}

describe("a function of one number", () => {
  it("is uniform where it has attributes to choose, or none", () => {
    const without = kinds.filter((kind) => {
      const { arity, attributes, traits } = specOf(kind);
      const isChosen = Object.keys(attributes).length === 0 || choices[kind] !== undefined;
      return arity === 1 && traits.structure === "uniform" && !isChosen;
    });
    // What both give is no number to compare.
    expect(without).toEqual(["ann.is-inf", "ann.cast"]);
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

/**
 * Brings the many spellings of rectifiers and clips to `ann.relu` and `ann.clip`, merges those that
 * follow one another, and drops the ones that change nothing.
 *
 * Precondition: none. Result: the same function with fewer and simpler activations, bit for bit but
 * for the sign of zero, and but for hard-sigmoid, which becomes the affine map and the clip that
 * define it. Two clips in a row are one clip:
 *
 *     clip(clip(x, a, b), c, d) = clip(x, clip(a, c, d), clip(b, c, d))          for a ≤ b, c ≤ d
 */
import type { Op, OpOf, ValueId } from "../../ir/op/op.ts";
import { scalar } from "../../ir/tensor.ts";
import { isFloat, sameShape } from "../../ir/type.ts";
import { type Graph, rework, uniformValue, untilStable } from "../graph.ts";
import { definePass } from "../pass.ts";
import { SignFinder } from "./signs.ts";
import { simplifyStaircase } from "./staircase.ts";

const name = "normalise-activations";

export const normaliseActivations = definePass({
  name,
  role: "clean",
  summary: "spell rectifiers and clips one way and merge them",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    untilStable(module, (current) => {
      const signs = new SignFinder();
      return rework(
        current,
        (op, graph) =>
          respell(op, graph) ??
          simplifyStaircase(op, clipRange, graph, name) ??
          simplify(op, graph, signs),
      );
    }),
});

/** Operands [x, constant] in either order; null where neither or the first is a constant. */
function withConstant(op: Op, graph: Graph): { x: ValueId; value: number } | null {
  const [a, b] = op.inputs;
  if (a === undefined || b === undefined) return null;
  for (const [x, c] of [
    [a, b],
    [b, a],
  ] as const) {
    const value = graph.uniform(c);
    // A constant of a larger shape would enlarge x.
    if (value !== null && sameShape(graph.producer(x).type.shape, op.type.shape)) {
      return { x, value };
    }
  }
  return null;
}

/** `op` as a relu or clip where it is one by another name. */
function respell(op: Op, graph: Graph): ValueId | null {
  switch (op.kind) {
    case "ann.max":
    case "ann.min": {
      const found = withConstant(op, graph);
      if (found === null || !isFloat(op.type.dtype) || Number.isNaN(found.value)) return null;
      const { x, value } = found;
      return op.kind === "ann.max"
        ? addClip(x, value, Infinity, op, graph)
        : addClip(x, -Infinity, value, op, graph);
    }
    case "ann.clip":
      return op.attrs.min === 0 && op.attrs.max === Infinity ? relu(op.inputs[0], op, graph) : null;
    case "ann.leaky-relu":
    case "ann.thresholded-relu":
    case "ann.elu":
      return op.attrs.alpha === 0 ? relu(op.inputs[0], op, graph) : null;
    case "ann.prelu":
      return respellPrelu(op, graph);
    case "ann.hard-sigmoid":
      return respellHardSigmoid(op, graph);
    case "ann.where":
      return relu(gatedBySign(op, graph), op, graph);
    default:
      return null;
  }
}

function relu(x: ValueId | null | undefined, op: Op, graph: Graph): ValueId | null {
  if (x === null || x === undefined) return null;
  return graph.builder.add("ann.relu", [x], {}, graph.loc(name, op), op.result);
}

/** The clip of `x`, spelled relu where it is one, in the place of `op`. */
function addClip(x: ValueId, min: number, max: number, op: Op, graph: Graph): ValueId | null {
  if (min === 0 && max === Infinity) return relu(x, op, graph);
  return graph.builder.add("ann.clip", [x], { min, max }, graph.loc(name, op), op.result);
}

function respellPrelu(op: OpOf<"ann.prelu">, graph: Graph): ValueId | null {
  const [x] = op.inputs;
  const alpha = uniformValue(graph.builder.tensorAt(op.attrs.slope));
  if (x === undefined || alpha === null || !isFloat(op.type.dtype)) return null;
  if (alpha === 0) return relu(x, op, graph);
  return graph.builder.add("ann.leaky-relu", [x], { alpha }, graph.loc(name, op), op.result);
}

/** hard-sigmoid(x) = clip(alpha · x + beta, 0, 1): an affine map, which merges into weights. */
function respellHardSigmoid(op: OpOf<"ann.hard-sigmoid">, graph: Graph): ValueId {
  const { builder } = graph;
  const loc = graph.loc(name, op);
  const constant = (hint: string, value: number) =>
    builder.tensor(hint, scalar(op.type.dtype, value));
  const scale = constant("hard_sigmoid.scale", op.attrs.alpha);
  const shift = constant("hard_sigmoid.shift", op.attrs.beta);
  const line = builder.add("ann.affine", op.inputs, { scale, shift }, loc);
  return builder.add("ann.clip", [line], { min: 0, max: 1 }, loc, op.result);
}

/** x where `op` is where(x > 0, x, 0) or one of its mirrors. */
function gatedBySign(op: OpOf<"ann.where">, graph: Graph): ValueId | null {
  const [condition, yes, no] = op.inputs;
  if (condition === undefined || yes === undefined || no === undefined) return null;
  const test = graph.producer(condition);
  const [left, right] = test.inputs;
  if (left === undefined || right === undefined) return null;
  const isZero = (value: ValueId): boolean => graph.uniform(value) === 0;
  /** x where the test says that x is on this side of zero, seen from either operand. */
  const compared = (kindLeft: string, kindRight: string): ValueId | null => {
    if (test.kind.startsWith(kindLeft) && isZero(right)) return left;
    return test.kind.startsWith(kindRight) && isZero(left) ? right : null;
  };
  const positive = compared("ann.greater", "ann.less");
  const negative = compared("ann.less", "ann.greater");
  const fits = (x: ValueId): boolean =>
    sameShape(graph.producer(x).type.shape, op.type.shape) && isFloat(op.type.dtype);
  if (positive !== null && yes === positive && isZero(no) && fits(yes)) return yes;
  return negative !== null && no === negative && isZero(yes) && fits(no) ? no : null;
}

/** Merges `op` with the clip before it, or drops it where its operand's sign makes it idle. */
function simplify(op: Op, graph: Graph, signs: SignFinder): ValueId | null {
  const outer = clipRange(op);
  const [operand] = op.inputs;
  if (outer === null || operand === undefined) return null;
  const idle = outer.min <= 0 && outer.max === Infinity;
  if (idle && signs.isNonNegative(operand, graph)) return operand;
  const before = graph.producer(operand);
  const inner = clipRange(before);
  const [x] = before.inputs;
  if (inner === null || x === undefined) return null;
  const into = (value: number): number => Math.min(Math.max(value, outer.min), outer.max);
  const min = into(inner.min);
  const max = into(inner.max);
  // One that lies within the other's range does nothing.
  if (min === inner.min && max === inner.max) return operand;
  return addClip(x, min, max, op, graph);
}

/** The range that an op clips to; null for anything but well-formed clips and relu. */
function clipRange(op: Op): { min: number; max: number } | null {
  if (op.kind === "ann.relu") return { min: 0, max: Infinity };
  return op.kind === "ann.clip" && op.attrs.min <= op.attrs.max ? op.attrs : null;
}

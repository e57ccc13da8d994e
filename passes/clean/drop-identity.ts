/**
 * Takes out ops that return their operand: identities (what a dropout becomes at inference), moves
 * that move nothing, casts to the same type, pools over one element, affine maps by 1 and 0.
 *
 * Precondition: none. Result: the same function without them, bit for bit; their users read the
 * operand instead. The equation of each case is f(x) = x, visible from attributes and types alone.
 */
import type { Op, PoolAttrs } from "../../ir/op/op.ts";
import { type Shape, type Type, sameShape } from "../../ir/type.ts";
import { type Graph, rework, uniformValue } from "../graph.ts";
import { definePass } from "../pass.ts";

export const dropIdentity = definePass({
  name: "drop-identity",
  role: "clean",
  summary: "remove ops that return their operand",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    rework(module, (op, graph) => {
      const [operand] = op.inputs;
      if (operand === undefined) return null;
      const { type } = graph.producer(operand);
      // Linear ops make a current of spikes, which users may need even of the same numbers.
      const sameDomain = type.domain === op.type.domain;
      return sameDomain && isIdentity(op, type, graph) ? operand : null;
    }),
});

function isIdentity(op: Op, x: Type, graph: Graph): boolean {
  switch (op.kind) {
    case "ann.identity":
      return true;
    case "ann.reshape":
    case "ann.expand":
      return sameShape(op.type.shape, x.shape);
    case "ann.transpose":
      return op.attrs.perm.every((from, axis) => from === axis);
    case "ann.cast":
      return op.attrs.to === x.dtype;
    case "ann.concat":
      return op.inputs.length === 1;
    case "ann.tile":
      return isAll(op.attrs.repeats, 1);
    case "ann.pad":
      return isAll(op.attrs.begin, 0) && isAll(op.attrs.end, 0);
    case "ann.slice":
      return takesAll(op.attrs.steps, op.attrs.sizes, x.shape);
    case "ann.resize": {
      const { sizes, scales, coordinates } = op.attrs;
      return coordinates !== "tf_crop_and_resize" && sameShape(sizes, x.shape) && isAll(scales, 1);
    }
    case "ann.max-pool":
    case "ann.average-pool":
      return poolsSingles(op.attrs);
    case "ann.clip":
      return op.attrs.min === -Infinity && op.attrs.max === Infinity;
    case "ann.leaky-relu":
      return op.attrs.alpha === 1;
    case "ann.reduce-sum":
    case "ann.reduce-mean":
    case "ann.reduce-max":
    case "ann.reduce-min":
    case "ann.reduce-prod":
      return op.attrs.axes.length === 0;
    case "ann.affine": {
      const scale = uniformValue(graph.builder.tensorAt(op.attrs.scale));
      return scale === 1 && uniformValue(graph.builder.tensorAt(op.attrs.shift)) === 0;
    }
    default:
      return false;
  }
}

function isAll(list: readonly number[], value: number): boolean {
  return list.every((item) => item === value);
}

/** As many elements as there are, in order: then they start at the first. */
function takesAll(steps: readonly number[], sizes: Shape, shape: Shape): boolean {
  // Along an axis of one element the step is not taken.
  return sameShape(sizes, shape) && steps.every((step, axis) => step === 1 || shape[axis] === 1);
}

function poolsSingles(attrs: PoolAttrs): boolean {
  const unpadded = isAll(attrs.padsBegin, 0) && isAll(attrs.padsEnd, 0);
  return unpadded && isAll(attrs.kernel, 1) && isAll(attrs.strides, 1);
}

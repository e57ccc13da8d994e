/**
 * Finds out which values cannot be negative, from the ops that make them; beside its one user,
 * normalise-activations.ts. Says nothing about inputs, whose range nobody has promised.
 */
import type { Op, ValueId } from "../../ir/op/op.ts";
import { tensorRefsOf } from "../../ir/op/table.ts";
import type { Graph } from "../graph.ts";

/** Remembers what it found, as values of one graph do not change. */
export class SignFinder {
  private readonly known = new Map<ValueId, boolean>();

  /** True only if every element of `value` is ≥ 0 whatever the inputs are. */
  isNonNegative(value: ValueId, graph: Graph): boolean {
    const there = this.known.get(value);
    if (there !== undefined) return there;
    // Producers come before their users, so the walk up ends; deep graphs have their prefix known.
    const found = this.follows(graph.producer(value), graph);
    this.known.set(value, found);
    return found;
  }

  private follows(op: Op, graph: Graph): boolean {
    const all = (values: readonly ValueId[]): boolean =>
      values.every((value) => this.isNonNegative(value, graph));
    switch (op.kind) {
      case "ann.relu":
      case "ann.abs":
      case "ann.exp":
      case "ann.sigmoid":
      case "ann.sqrt":
      case "ann.softplus":
      case "ann.soft-lif":
      case "ann.softmax":
      case "ann.hard-sigmoid":
      case "ann.reduce-l1":
      case "ann.reduce-l2":
      case "ann.reduce-sum-square":
        return true;
      case "ann.clip":
        return op.attrs.min >= 0 && op.attrs.max >= 0;
      case "ann.fake-quantize":
        return op.attrs.low >= 0;
      case "ann.thresholded-relu":
        return op.attrs.alpha >= 0;
      case "ann.constant":
      case "ann.affine":
        // Non-negative tensors keep a non-negative operand so; a constant has no operand.
        return all(op.inputs) && tensorRefsOf(op).every(({ ref }) => isPositive(graph, ref));
      case "ann.resize":
        return op.attrs.mode !== "cubic" && op.attrs.extrapolation >= 0 && all(op.inputs);
      case "ann.pad":
        return (op.attrs.mode !== "constant" || op.attrs.value >= 0) && all(op.inputs);
      case "ann.max":
        return op.inputs.some((value) => this.isNonNegative(value, graph));
      case "ann.gather":
        return all(op.inputs.slice(0, 1));
      case "ann.where":
        return all(op.inputs.slice(1));
      case "ann.identity":
      case "ann.add":
      case "ann.mul":
      case "ann.min":
      case "ann.max-pool":
      case "ann.average-pool":
      case "ann.reduce-max":
      case "ann.reduce-mean":
      case "ann.reduce-min":
      case "ann.reduce-prod":
      case "ann.reduce-sum":
      case "ann.reshape":
      case "ann.transpose":
      case "ann.concat":
      case "ann.slice":
      case "ann.expand":
      case "ann.tile":
        return all(op.inputs);
      default:
        return false;
    }
  }
}

function isPositive(graph: Graph, ref: string): boolean {
  return graph.builder.tensorAt(ref).data.every((value) => value >= 0);
}

/**
 * Finds out which values cannot be negative, from the ops that make them; beside its one user,
 * normalise-activations.ts. Says nothing about inputs, whose range nobody has promised.
 */
import { traitsOf } from "../../ir/op/known.ts";
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
    const { sign } = traitsOf(op);
    const operands = (): boolean[] => op.inputs.map((value) => this.isNonNegative(value, graph));
    const tensors = (): boolean =>
      tensorRefsOf(op).every(({ ref }) => graph.builder.tensorAt(ref).data.every((x) => x >= 0));
    switch (sign) {
      case "any":
        return false;
      case "not-negative":
        return true;
      case "kept":
        return operands().every((each) => each);
      default:
        return sign(op.attrs, operands(), tensors);
    }
  }
}

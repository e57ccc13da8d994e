/**
 * What names stand for while a graph is imported. A branch of If sees the names around it, a
 * function only its own.
 */
import type { ValueId } from "../../../ir/op/op.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import type { Refusal } from "../../refusals.ts";
import type { DataType } from "../file/proto.ts";

/**
 * Why there is no value: what its maker was refused for, and what had happened to its operands. It
 * counts only where an output that is asked for depends on it.
 */
export interface Poison {
  readonly refusals: readonly Refusal[];
  readonly from: readonly Poison[];
}

/**
 * What an output of a node is: a value, a list of values, why there is none (something inside was
 * refused), or null where it has no such output.
 */
export type NodeOutput =
  ValueId | { readonly sequence: readonly ValueId[] } | { readonly poison: Poison } | null;

/**
 * `format` is the element type in the file where the IR holds it as another one (4-bit integers
 * as 8-bit ones, 8-bit floats as float32).
 */
export type Entry =
  | { readonly kind: "value"; readonly value: ValueId; readonly format?: DataType }
  /** A tensor of the file, decoded when it is first needed. */
  | {
      readonly kind: "tensor";
      readonly format?: DataType;
      tensor(): Tensor;
      value(): ValueId;
    }
  /** A list of values, which exists at import only. */
  | { readonly kind: "sequence"; readonly items: readonly ValueId[] }
  /** An optional input that a call of a function leaves out. */
  | { readonly kind: "absent" }
  /** The result of a node that could not be imported: what depends on it is not reported again. */
  | { readonly kind: "poisoned"; readonly poison: Poison };

export class GraphScope {
  private readonly entries = new Map<string, Entry>();
  private readonly parent: GraphScope | null;
  private leftOut: ReadonlySet<string> | null = null;

  constructor(parent: GraphScope | null) {
    this.parent = parent;
  }

  get(name: string): Entry | null {
    const entry = this.entries.get(name) ?? this.parent?.get(name);
    if (entry !== undefined && entry !== null) return entry;
    return this.leftOut?.has(name) === true ? { kind: "absent" } : null;
  }

  /** Names that stand for what a caller left out, unless they are set. */
  leaveOut(names: ReadonlySet<string>): void {
    this.leftOut = names;
  }

  set(name: string, entry: Entry): void {
    this.entries.set(name, entry);
  }
}

/** Every refusal behind `poisons`, each once. Without recursion: chains may be long. */
export function refusalsBehind(poisons: Iterable<Poison>): ReadonlySet<Refusal> {
  const seen = new Set<Poison>(poisons);
  const refusals = new Set<Refusal>();
  // A set is walked in the order of insertion, those included that are added on the way.
  for (const poison of seen) {
    for (const refusal of poison.refusals) refusals.add(refusal);
    for (const source of poison.from) seen.add(source);
  }
  return refusals;
}

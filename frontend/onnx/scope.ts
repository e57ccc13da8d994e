/**
 * What names stand for while a graph is imported. A branch of If sees the names around it, a
 * function only its own.
 */
import type { ValueId } from "../../ir/op.ts";
import type { Tensor } from "../../ir/tensor.ts";
import type { DataType } from "./proto.ts";

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
  | { readonly kind: "poisoned" };

export class Scope {
  private readonly entries = new Map<string, Entry>();
  private readonly parent: Scope | null;

  constructor(parent: Scope | null) {
    this.parent = parent;
  }

  get(name: string): Entry | null {
    return this.entries.get(name) ?? this.parent?.get(name) ?? null;
  }

  set(name: string, entry: Entry): void {
    this.entries.set(name, entry);
  }
}

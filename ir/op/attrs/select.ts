/** Attributes of the ops that pick elements by index or by condition, or write them there. */
import type { None } from "./shared.ts";

export interface SelectOps {
  /** Operands: data, indices (integer, negative counts from the end). */
  "ann.gather": { readonly axis: number };
  "ann.gather-elements": { readonly axis: number };
  "ann.gather-nd": { readonly batchDims: number };
  /** Operands: data, indices, updates. */
  "ann.scatter-elements": {
    readonly axis: number;
    readonly reduction: "none" | "add" | "mul" | "max" | "min";
  };
  "ann.scatter-nd": { readonly reduction: "none" | "add" | "mul" | "max" | "min" };
  /** Operands: condition (bool), x, y. */
  "ann.where": None;
  /**
   * Operands: indices, values [off, on]. The new axis has extent `depth`. A negative index counts from
   * the end; the line of one that is outside is off.
   */
  "ann.one-hot": { readonly axis: number; readonly depth: number };
}

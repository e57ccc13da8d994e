/** Attributes of products of values and of contractions. */
import type { None } from "./shared.ts";

export interface ContractionOps {
  "ann.matmul": None;
  /**
   * ONNX's Einsum: letters and at most one "..." a term; without "->" the result has the axes of "...",
   * then the letters that occur once, by their codes. A letter met twice in a term is a diagonal.
   */
  "ann.einsum": { readonly equation: string };
}

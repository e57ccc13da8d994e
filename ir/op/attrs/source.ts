/** Attributes of the ops that values come from. */
import type { TensorRef } from "../../tensor.ts";

export interface SourceOps {
  /** A value that the caller gives, the same at every timestep. Its type is the one that is written. */
  "ann.input": { readonly name: string };
  "ann.constant": { readonly value: TensorRef };
}

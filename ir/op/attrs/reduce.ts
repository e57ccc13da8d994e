/** Attributes of searches and running sums; those of reductions are in `shared.ts`. */
import type { ArgAttrs } from "./shared.ts";

export interface ReduceOps {
  "ann.argmax": ArgAttrs;
  "ann.argmin": ArgAttrs;
  "ann.cumsum": { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };
}

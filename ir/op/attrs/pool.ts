/** Attributes of pools of values that stay the same over time. */
import type { PoolAttrs } from "./shared.ts";

export interface PoolOps {
  /**
   * The window p sees x at p·stride + k·dilation − padBegin, for k < kernel, where that is within x.
   * Extents: ⌊(in + padBegin + padEnd − reach)/stride⌋ + 1, reach = dilation·(kernel − 1) + 1; with
   * `ceilMode` rounded up instead, and one less where (extent − 1)·stride ≥ in + padBegin.
   */
  "ann.max-pool": PoolAttrs;
}

/** Attributes of synapses: linear in their input, with weights as attributes. */
import type { WindowAttrs, PoolAttrs } from "./shared.ts";
import type { TensorRef } from "../../tensor.ts";

/**
 * On floats, all of one type. On integers (i8, u8, i32) weights and scales are i8, biases and shifts i32,
 * and so is the result, exactly; sums wrap beyond 32 bits, and `ir/analysis/bounds.ts` proves where they do
 * not get there.
 */
export interface SynapseOps {
  /**
   * weight [out, in / groups, …kernel], bias [out]. With the channels in `groups` equal parts,
   *
   *     y[n, o, p] = bias[o] + Σ weight[o, c, k] · x[n, g·in/groups + c, p·stride + k·dilation − padBegin]
   *
   * over c < in / groups, of the group g = ⌊o·groups/out⌋, and over the taps k; p and k go by axis, and x
   * is 0 outside. Extents: ⌊(in + padBegin + padEnd − reach)/stride⌋ + 1, reach = dilation·(kernel − 1) + 1.
   */
  "ann.conv": WindowAttrs & {
    readonly weight: TensorRef;
    readonly bias: TensorRef | null;
    readonly groups: number;
  };
  /**
   * weight [in, out / groups, …kernel], bias [out]. With g and o of a group as in `ann.conv`,
   *
   *     y[n, g·out/groups + o, q] = bias + Σ weight[c, o, k] · x[n, c, p]
   *
   * over the channels c of group g and all p and k with q = p·stride + k·dilation − padBegin. Extents:
   * stride·(in − 1) + outputPadding + reach − padBegin − padEnd.
   */
  "ann.conv-transpose": WindowAttrs & {
    readonly weight: TensorRef;
    readonly bias: TensorRef | null;
    readonly groups: number;
    readonly outputPadding: readonly number[];
  };
  /** y = x · weightᵀ + bias over the last axis. weight [out, in], bias [out]. */
  "ann.linear": { readonly weight: TensorRef; readonly bias: TensorRef | null };
  /** y = x · scale + shift; both broadcast to x without enlarging it. */
  "ann.affine": { readonly scale: TensorRef; readonly shift: TensorRef };
  /**
   * The sum of the elements of x in a window over their number; with `countIncludePad` over the number
   * of taps within the padded extents, which leaves out what hangs over the end with `ceilMode`.
   * Windows lie as those of `ann.max-pool`.
   */
  "ann.average-pool": PoolAttrs & { readonly countIncludePad: boolean };
}

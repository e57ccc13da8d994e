/**
 * How large a model may make things. A few bytes of ONNX can ask for terabytes (Expand, Tile,
 * ConstantOfShape), so sizes are checked when a type is inferred, before anything is allocated.
 */
export interface Limits {
  /** Bytes of one value or tensor, as it is held in memory. */
  readonly valueBytes: number;
  /** Bytes of all values that are folded at import. */
  readonly foldedBytes: number;
  /** Multiply-adds, about, spent on folding at import. */
  readonly foldedWork: number;
  /** Nodes after functions and branches have been inlined. */
  readonly nodes: number;
  /** Functions and branches within one another. */
  readonly depth: number;
}

/**
 * A value of 2 GiB is more than any network that a spiking machine will run; folding is for
 * shapes and weights, which together are about the size of the file.
 */
export const defaultLimits: Limits = {
  valueBytes: 2 ** 31,
  foldedBytes: 2 ** 31,
  foldedWork: 2e10,
  nodes: 200_000,
  depth: 32,
};

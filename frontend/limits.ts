/**
 * How large a model may make things. A few bytes of ONNX can ask for terabytes (Expand, Tile,
 * ConstantOfShape), so sizes are checked when a type is inferred, before anything is allocated.
 */
export interface Limits {
  /** Bytes of one value or tensor, as it is held in memory. */
  readonly valueBytes: number;
  /** Bytes of all values of a model together, each as it is held in memory. */
  readonly totalBytes: number;
  /**
   * Bytes of all values that are folded or made at import, and of what it takes to compute them.
   * null: 700 MB, or 24 times the file where that is more, so that large weights may be transposed
   * and dequantised.
   */
  readonly foldedBytes: number | null;
  /** Multiply-adds of a matrix product, or what takes as long, spent on folding at import. */
  readonly foldedWork: number;
  /** Nodes after functions and branches have been inlined. */
  readonly nodes: number;
  /**
   * Names, and numbers in attributes, of the nodes of functions and branches that have been inlined:
   * each call and each round of a loop counts them anew.
   */
  readonly edges: number;
  /** Ops of the module before pruning; unrolling makes many of one node. */
  readonly ops: number;
  /** Functions and branches within one another. */
  readonly depth: number;
  /** Axes of a value. */
  readonly rank: number;
}

/**
 * A value of 512 MiB is more than any network that a spiking machine will run, and a few bytes of
 * Resize or ConvTranspose ask for more; engines hold several of them at once. All values of a network together
 * stay below 8 GiB: those of the largest image networks take a quarter of that. Folding is for shapes
 * and weights, and stays below 1 GiB for a file of a few megabytes, whatever it says.
 */
export const defaultLimits: Limits = {
  valueBytes: 2 ** 29,
  totalBytes: 2 ** 33,
  foldedBytes: null,
  foldedWork: 1e9,
  nodes: 200_000,
  edges: 16_000_000,
  ops: 400_000,
  depth: 32,
  rank: 64,
};

/** The budget of folding for a file of `bytes`. */
export function foldingBudget(limits: Limits, bytes: number): { bytes: number; work: number } {
  return {
    bytes: limits.foldedBytes ?? Math.max(700e6, 24 * bytes),
    work: Math.max(limits.foldedWork, 64 * bytes),
  };
}

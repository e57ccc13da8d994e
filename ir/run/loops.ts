/**
 * Loops that fitting spends its time in, which an engine may offer over several numbers at a time. Each number
 * is computed as by the plain loop that a pass has for the same, operation by operation in its order, and so is
 * the same to the bit: passes/fit/response.ts, passes/fit/trial.ts and passes/fit/products.ts have them.
 */
export interface FitLoops {
  /**
   * Neurons of rate code that receive `currents`, [timesteps, places]; good until the next call. Null where
   * there is no memory for them.
   */
  rateNeurons(currents: Float32Array, places: number): RateNeurons | null;
  /**
   * `count` neurons that send words, from the potential `vInit`; good until the next call. Null where there is no
   * memory for them.
   */
  wordNeurons(count: number, vInit: number): WordNeurons | null;
  /**
   * The error that one more spike leaves some neurons that send words, by the step of it; good until the next
   * call. Null where there is no memory for it.
   */
  wordErrors(groups: readonly WordGroup[], rule: WordRule): ErrorWithin | null;
  /**
   * Adds aᵀ·b to `into`, [a.width, b.width], where `upper` only on and above the diagonal (and anything below
   * it). False, and nothing is done, where there is no memory for it.
   */
  addTransposedProduct(into: Float64Array, a: RowMajor, b: RowMajor, upper: boolean): boolean;
  /** a·b, [a.count, b.width]; null where there is no memory for it. */
  product(a: RowMajor, b: RowMajor): Float64Array<ArrayBuffer> | null;
}

/** A row-major matrix. */
export interface RowMajor {
  readonly data: Float64Array;
  readonly count: number;
  readonly width: number;
}

export interface WordNeurons {
  /** Potentials. */
  readonly v: Float64Array;
  /** What was sent in all. */
  readonly sent: Float64Array;
  /** What there is still to send, as far as it may be. */
  readonly missing: Float64Array;
  /**
   * Sends by the step `before`, null at the first timestep, then takes in what arrives: a current for each.
   * Returns the largest magnitude of what is missing, and of how many neurons something is.
   */
  advance(
    rule: WordRule,
    before: number | null,
    currents: Float32Array,
  ): { readonly furthest: number; readonly seen: number };
}

/** Some neurons, each of which stands for `weight`. */
export interface WordGroup extends Pick<WordNeurons, "v" | "sent" | "missing"> {
  readonly weight: number;
}

/** The squared error after one spike of this step, or a part of it that is not below `limit`. */
export type ErrorWithin = (limit: number, step: number) => number;

/** What neurons send words by. */
export interface WordRule {
  /** The largest and the least spike in steps. */
  readonly most: number;
  readonly least: number;
  /** The most that may be sent in all; Infinity where there is no limit. */
  readonly ceiling: number;
  /** Whether no more goes back than was sent; otherwise `floor` is the least that may be missing. */
  readonly retracts: boolean;
  readonly floor: number;
}

export interface RateNeurons {
  /** How many steps each of `count` neurons from number `first` on sends in all; good until the next call. */
  unitsSent(rule: RateRule, first: number, count: number): Float64Array;
}

/** What neurons of rate code send by. */
export interface RateRule {
  readonly step: number;
  /** Added to the current at each timestep. */
  readonly bias: number;
  /** The largest and the least spike in steps. */
  readonly most: number;
  readonly least: number;
  /** Whether no more goes back than was sent. */
  readonly retracts: boolean;
}

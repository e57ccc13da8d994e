/** Attributes, and choices of attributes, that several ops have. */

/** No attributes. */
export type None = Record<never, never>;

export interface ReduceAttrs {
  /** Sorted, non-negative, without repeats; empty means that nothing is reduced. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** A window that slides over the trailing spatial axes: axes 0 and 1 are batch and channel. */
export interface WindowAttrs {
  readonly strides: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly dilations: readonly number[];
}

export interface PoolAttrs extends WindowAttrs {
  readonly kernel: readonly number[];
  /** Round the output extent up; windows that start beyond the begin-padded input are left out. */
  readonly ceilMode: boolean;
}

export interface ArgAttrs {
  readonly axis: number;
  readonly keepDims: boolean;
  /** On a tie take the last index; the first otherwise. */
  readonly selectLast: boolean;
}

export type ResetMode = "subtract" | "zero";

/** What a neuron does about what it learned in its rehearsal; see `snn.rehearsed-if`. */
export type RehearsalRule = "offset" | "silence";

/** The sizes that one spike of a graded neuron may have, in units of the step. */
export type Alphabet = "word" | "power";

/** Which way a graded neuron may fire; see `snn.graded`. */
export type Sign = "positive" | "retract" | "free";

/** How a quotient becomes a whole number; `nearest`: a tie becomes the even one. */
export type Rounding = "nearest" | "floor" | "ceil";

/** How the step of a graded neuron goes with time: 1, 1/t, halves, or as a table has it. */
export type StepSchedule = "constant" | "reciprocal" | "halving" | "table";

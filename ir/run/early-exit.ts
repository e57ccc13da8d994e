/**
 * When a run may end before its last timestep: once the read-out is clear. Every engine asks here,
 * so that a sample takes as many timesteps whichever runs it.
 */
import { isMove } from "../op/known.ts";
import { known } from "../diagnostic.ts";
import { type Module, producerOf } from "../module.ts";
import { isOp } from "../op/op.ts";

/**
 * The margin is of the first output: its greatest element less the second greatest. Where elements are
 * labels of their own, it is that of the least clear one: the probability of the label less that of its
 * absence, without sign.
 */
export interface EarlyExit {
  /** The margin at which a run ends. */
  readonly margin: number;
  /**
   * Whether it is one of softmax probabilities or of the output's own values; or of labels, whose elements
   * are probabilities or logits.
   */
  readonly of: "probability" | "output" | "label-probability" | "label-logit";
  /** The fewest timesteps to run. */
  readonly minimum: number;
  /** The margin is looked at after every so many timesteps. */
  readonly every: number;
}

/**
 * What a margin between probabilities is one of: of the first output's own values where the network
 * ends in a softmax, else of their softmax.
 */
export function probabilityIn(module: Module): "probability" | "output" {
  const [output] = module.outputs;
  if (output === undefined) return "probability";
  let op = producerOf(module, output.value);
  while (isMove(op)) op = producerOf(module, known(op.inputs[0], "an operand"));
  return isOp(op, "ann.softmax") ? "output" : "probability";
}

/** Whether a run is to end after `taken` timesteps, the first output being `y[from …, length]`. */
export function endsEarly(
  rule: EarlyExit | undefined,
  taken: number,
  y: ArrayLike<number>,
  from: number,
  length: number,
): boolean {
  if (rule === undefined || taken < rule.minimum || taken % rule.every !== 0) return false;
  return marginOf(y, from, length, rule.of) >= rule.margin;
}

/** NaN where an element is, or where there is none to compare with: no run ends on that. */
export function marginOf(
  y: ArrayLike<number>,
  from: number,
  length: number,
  of: EarlyExit["of"],
): number {
  if (of === "label-probability" || of === "label-logit") {
    return labelMargin(y, from, length, of === "label-logit");
  }
  if (length < 2) return NaN;
  let [first, second] = [-Infinity, -Infinity];
  for (let k = 0; k < length; k++) {
    const x = y[from + k] ?? NaN;
    if (Number.isNaN(x)) return NaN;
    if (x > first) [first, second] = [x, first];
    else if (x > second) second = x;
  }
  if (of === "output") return first - second;
  // Softmax with its largest exponent taken out: (1 − e^(second − first)) / Σ e^(y − first).
  let sum = 0;
  for (let k = 0; k < length; k++) sum += Math.exp((y[from + k] ?? NaN) - first);
  return (1 - Math.exp(second - first)) / sum;
}

/** With p = σ(x) of a logit x, |p − (1 − p)| is tanh(|x| / 2). The least over the labels. */
function labelMargin(
  y: ArrayLike<number>,
  from: number,
  length: number,
  areLogits: boolean,
): number {
  let least = length === 0 ? NaN : Infinity;
  for (let k = 0; k < length; k++) {
    const x = y[from + k] ?? NaN;
    const margin = areLogits ? Math.tanh(Math.abs(x) / 2) : Math.abs(2 * x - 1);
    if (Number.isNaN(margin)) return NaN;
    least = Math.min(least, margin);
  }
  return least;
}

/** Fills the timesteps after `taken` of `data`, [T, …], with the last one that ran. */
export function repeatLast(
  data: Float32Array | Float64Array,
  taken: number,
  timesteps: number,
): void {
  const size = data.length / timesteps;
  for (let t = taken; t < timesteps; t++) {
    data.copyWithin(t * size, (taken - 1) * size, taken * size);
  }
}

/**
 * What is known of an op kind besides its type rules and its meaning, so that whoever asks asks in one
 * place: passes, engines and the account read these, and keep no lists of kinds of their own. A family's
 * table states them for each of its kinds; the presets below are for what most kinds of a family share.
 */
import type {
  EncoderKind,
  FramedKind,
  NeuronKind,
  OpAttrs,
  OpKind,
  StatefulKind,
  WeightedKind,
} from "./op.ts";

/**
 * What an element of the result is made of.
 *
 * - `source`: no operand.
 * - `move`: one element of an operand, or a constant.
 * - `pick`: one element of the first operand; which one, the second operand says.
 * - `uniform`: the elements at its place, by one function at every place.
 * - `placed`: the elements at its place, by a function that parameters make another at each place.
 * - `mixed`: elements of several places.
 */
export type Structure = "source" | "move" | "pick" | "uniform" | "placed" | "mixed";

/**
 * In which operands the op is linear, but for a constant term: what may then change over time.
 *
 * - `all`: in all of them together, as sums and synapses are.
 * - `first`: in the first, where the others stay the same.
 * - `one`: in any one, where the others stay the same.
 */
export type Linearity = "all" | "first" | "one" | "none";

/** What is known of the sign of the result; `kept`: not negative where no operand is. */
export type ResultSign<K extends OpKind> =
  | "any"
  | "not-negative"
  | "kept"
  | ByAttributes<
      K,
      [
        /** For each operand, whether it is known not to be negative. */
        operands: readonly boolean[],
        /** Whether no tensor that the op names has a negative element. */
        tensors: () => boolean,
      ]
    >;

/**
 * What is true of some attributes of a kind only. Written as a method, as `OpSpec.infer` is: an op's attributes
 * are of its own kind, so that the rule of one kind may stand for that of any.
 */
type ByAttributes<K extends OpKind, A extends readonly unknown[] = []> = {
  holds(attrs: OpAttrs[K], ...more: A): boolean;
}["holds"];

/**
 * Which axis of the result numbers its channels.
 *
 * - `kept`: that of the operand of the same shape; `first`: that of the first operand, wherever it comes to lie.
 * - `second`, `last`: the op numbers them anew, along axis 1 or along the last axis.
 */
export type ChannelAxis = "kept" | "first" | "second" | "last";

export interface Traits<K extends OpKind> {
  readonly structure: Structure;
  readonly linear: Linearity;
  /** Where the weights are that it multiplies its operand by: what spikes are for. */
  readonly weights: K extends WeightedKind ? "attribute" : "operand" | "none";
  /** Whether words of neurons among the operands are words in the result, and no current. */
  readonly carriesWords: boolean;
  /** Of functions of one operand: whether a larger number never gives a smaller one, and none gives NaN. */
  readonly monotone: boolean | ByAttributes<K>;
  readonly sign: ResultSign<K>;
  readonly channels: ChannelAxis;
  readonly time: TimeOf<K>;
  readonly isNeuron: K extends NeuronKind ? true : false;
  /** Whether it makes spikes of a value, and is no neuron. */
  readonly isEncoder: K extends EncoderKind ? true : false;
  /** A continuous activation of one number that networks are trained with, but for rectifiers. */
  readonly isCurve: boolean;
  /** The first version of the format of `.snn` files that has the kind. */
  readonly since: 1 | 2;
}

/**
 * What the result depends on besides the operands at the same timestep.
 *
 * - `none`: nothing.
 * - `given`: the caller, who gives another value at each timestep.
 * - `before`: what another value was a timestep before.
 * - `sums`: sums over time, which are the same of frames as of timesteps.
 * - `steps`: a state that is stepped from timestep to timestep, which has no meaning on frames.
 * - `frame`: the whole frame of its operand, after which it answers.
 */
type TimeOf<K extends OpKind> = K extends StatefulKind
  ? "sums" | "steps"
  : K extends FramedKind
    ? "frame"
    : K extends "snn.input"
      ? "given"
      : K extends "snn.previous"
        ? "before"
        : "none";

const plain = {
  linear: "none",
  weights: "none",
  carriesWords: false,
  monotone: false,
  sign: "any",
  channels: "kept",
  time: "none",
  isNeuron: false,
  isEncoder: false,
  isCurve: false,
  since: 1,
} as const;

export const source = { ...plain, structure: "source" } as const;

/** A function of elements of several places. */
export const mixed = { ...plain, structure: "mixed" } as const;

/** A function of the elements at one place, the same at each. */
export const uniform = { ...plain, structure: "uniform" } as const;

/** A function of the elements at one place, another at each. */
export const placed = { ...plain, structure: "placed" } as const;

/** Moves elements of its operands about. */
export const move = {
  ...plain,
  structure: "move",
  linear: "all",
  carriesWords: true,
  sign: "kept",
} as const;

/** Takes elements of its first operand by index. */
export const pick = {
  ...plain,
  structure: "pick",
  linear: "first",
  carriesWords: true,
  sign: (_attrs: unknown, [data]: readonly boolean[]): boolean => data === true,
} as const;

/** Looks across timesteps. */
export const overTime = { ...mixed, structure: "placed", time: "steps" } as const;

/** A population of neurons that are stepped through time. */
export const neurons = { ...overTime, isNeuron: true } as const;

/** Makes spikes of a value, at each timestep. */
export const encoder = { ...overTime, isEncoder: true, since: 2 } as const;

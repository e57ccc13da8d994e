/** What steps an op with a state through time, and what all neuron kinds share. */
import type { Op } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Tensor, TensorData, TensorRef } from "../../tensor.ts";
import { type Shape, elementCount } from "../../type.ts";
import { broadcastIndices } from "../semantics.ts";

/** Membrane potentials: of float neurons, or of integer ones. */
export type Potentials = Float32Array | Int32Array;

/**
 * The state of one op during a run, over arrays that are allocated once: what every engine that computes in
 * JavaScript steps.
 */
export interface Stepper {
  /**
   * The next timestep, the first call being t = 1: takes the elements of the operand and writes those of the
   * result. Of a framed neuron these are the sums of a frame. `second` are those of an operand that only
   * random encoders have.
   */
  step(x: TensorData, y: TensorData, second?: TensorData): void;
  /** Back to the state before the first timestep. */
  restart(): void;
  /** Null where the op is not made of neurons. */
  readonly neurons: Neurons | null;
}

/** The stepper of a population of neurons. */
export interface Population extends Stepper {
  readonly neurons: Neurons;
}

/** A stepper whose results are tensors of their own. */
export interface Cell {
  /** The result at the next timestep, from the op's operands there; the first call is t = 1. */
  step(x: Tensor, second?: Tensor): Tensor;
  /** Null where the op is not made of neurons. */
  readonly neurons: Neurons | null;
}

/** What may be seen of a population of neurons between two timesteps. */
export interface Neurons {
  /** After the last step, [numel]; v[0] before the first. Int32 where the neurons are integer. */
  readonly membranePotential: Potentials;
  /** Spikes in the last step, or frame: words that were sent, whatever their size and amplitude. */
  readonly spikeCount: number;
  /** The same for each neuron, [numel]. */
  readonly spikesOfEach: Uint8Array;
  /** Binary digits that are set in these words, for each neuron; the spikes where a word is one digit. */
  readonly bitsOfEach: Uint8Array;
}

/** The state of one framed op, which fires only when the frame of its operand is complete. */
export interface FramedPopulation {
  /** Takes the sum of the operand's frame. */
  integrate(total: TensorData): void;
  /** Writes what is sent at tick `t` of the frame; to be called for t = 1, 2, … in turn. */
  tick(t: number, y: TensorData): void;
  /**
   * Instead of the ticks: writes the sum of what is sent in the frame, which is all that linear ops
   * behind it depend on. What engines compute; the same up to rounding.
   */
  whole(y: TensorData): void;
  restart(): void;
  readonly neurons: Neurons;
}

/** A framed population that takes a frame as one tensor for each timestep, and gives its own. */
export interface FramedCell {
  readonly frame: (x: readonly Tensor[]) => readonly Tensor[];
  readonly neurons: Neurons;
}

/** A parameter spread out to one number per neuron, in the type that potentials have. */
export function perNeuron(
  ref: TensorRef,
  shape: Shape,
  tensors: TensorLookup,
  isInteger: boolean,
): Potentials {
  const parameter = tensors(ref);
  const at = broadcastIndices(parameter.shape, shape);
  const valueAt = (i: number): number => parameter.data[i] ?? 0;
  return isInteger ? at.map(valueAt) : Float32Array.from(at, valueAt);
}

/** The rows of a table [R, …], f32 or i32, each spread out to one number per neuron. */
export function rowsOf(ref: TensorRef, shape: Shape, tensors: TensorLookup): Potentials[] {
  const { dtype, shape: whole, data } = tensors(ref);
  const [rows = 0, ...rest] = whole;
  const at = broadcastIndices(rest, shape);
  const size = elementCount(rest);
  return Array.from({ length: rows }, (_, row) => {
    const valueAt = (i: number): number => data[row * size + i] ?? 0;
    return dtype === "i32" ? at.map(valueAt) : Float32Array.from(at, valueAt);
  });
}

/** What a population shows, with its counts to be written into the arrays of each. */
export function counted(membranePotential: Potentials, words: "digits" | "words"): Neurons {
  const spikesOfEach = new Uint8Array(membranePotential.length);
  const bitsOfEach = words === "digits" ? spikesOfEach : new Uint8Array(membranePotential.length);
  return {
    membranePotential,
    spikesOfEach,
    bitsOfEach,
    get spikeCount() {
      return spikesOfEach.reduce((sum, n) => sum + n, 0);
    },
  };
}

/** Bits that are set in a whole number from 0 to 2^32 − 1. */
export function bitsSet(word: number): number {
  let count = 0;
  for (let rest = word; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** Whether an op's potentials are integers. */
export function isInteger(op: Pick<Op, "type">): boolean {
  return op.type.dtype === "i8" || op.type.dtype === "i32";
}

/** What a cell is, and what the cells of all neuron kinds share. */
import type { Op } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Tensor, TensorRef } from "../../tensor.ts";
import { type Shape, elementCount } from "../../type.ts";
import { broadcastIndices } from "../semantics.ts";

/** Membrane potentials: of float neurons, or of integer ones. */
export type Potentials = Float32Array | Int32Array;

/** The state of one op during one run. */
export interface Cell {
  /** The result at the next timestep; the first call is t = 1. */
  step(x: Tensor): Tensor;
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

/**
 * The state of one framed op during one run: it takes the frame of its operand as a whole, one tensor
 * for each timestep, and gives its own.
 */
export interface FramedCell {
  readonly frame: (x: readonly Tensor[]) => readonly Tensor[];
  /**
   * The sum of the frame that `frame` would give for operands that sum to `total`: all that linear
   * ops behind it depend on. What engines compute; the same up to rounding.
   */
  readonly whole: (total: Tensor) => Tensor;
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

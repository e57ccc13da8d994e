/**
 * Which neurons send words that are multiplied as bytes, or as two bytes: graded neurons on integers, whose
 * steps are the same for all pixels of a channel, and whose shares over time are the same for all channels, so
 * that a receiver multiplies a timestep's sum once. Others send values in memory.
 */
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { broadcastIndices } from "../../../../ir/semantics/semantics.ts";
import { largestSpike } from "../../../../ir/semantics/neurons/graded.ts";
import type { TensorRef } from "../../../../ir/tensor.ts";
import { elementCount } from "../../../../ir/type.ts";
import { pixelGridOf, rowMajorIndices } from "../grid.ts";
import type { Lowering } from "../lowering.ts";

/** Neurons whose words are sent, with their parameters by channel. */
export interface WordNeurons {
  readonly op: OpOf<"snn.graded">;
  /** The largest magnitude of a word. */
  readonly most: number;
  /** Whether words may be negative in a run of so many timesteps. */
  readonly isSigned: boolean;
  readonly threshold: Float64Array;
  readonly amplitude: Float64Array;
  /** Per timestep; the last one for all that follow. */
  readonly shares: readonly number[];
}

/** Words of two bytes, as products of 16 bits take them. */
const mostOfShorts = 2 ** 15 - 1;

/** Bytes from 0 to 127, as products of bytes take them. */
const mostOfBytes = 2 ** 7 - 1;

export function wordNeuronsOf(lowering: Lowering, op: Op): WordNeurons | null {
  if (!isOp(op, "snn.graded") || op.type.dtype !== "i32") return null;
  // Spikes of ±1 have kernels of their own, and what the host writes is values.
  if (lowering.spikesOf(op) !== null || lowering.options.given.has(op.result)) return null;
  const image = lowering.layouts.images.has(op.result);
  if (image && op.type.shape[0] !== 1) return null;
  const most = largestSpike(op.attrs);
  const isSigned = sendsNegative(lowering, op);
  const values = isSigned ? 2 * most : most;
  if (lowering.options.relaxed ? values > mostOfBytes : most > mostOfShorts) return null;
  const threshold = byChannel(lowering, op, op.attrs.threshold);
  const amplitude = byChannel(lowering, op, op.attrs.amplitude);
  const shares = sharesOf(lowering, op);
  if (threshold === null || amplitude === null || shares === null) return null;
  // Words are corrected by what they leave, which is to fit 32 bits.
  const largest = threshold.reduce((a, b) => Math.max(a, b), 0);
  if ((most + 2) * largest * Math.max(...shares) >= 2 ** 31) return null;
  return { op, most, isSigned, threshold, amplitude, shares };
}

/** At the first timestep of a run nothing was sent that could be taken back, unless a ceiling below 0 asks for it. */
function sendsNegative(lowering: Lowering, { attrs }: OpOf<"snn.graded">): boolean {
  const { sign, ceiling } = attrs;
  if (sign !== "retract" || lowering.options.timesteps > 1) return sign !== "positive";
  return ceiling !== null && lowering.tensor(ceiling).data.some((top) => top < 0);
}

/** One share for each timestep; null where channels differ. */
function sharesOf(lowering: Lowering, op: OpOf<"snn.graded">): readonly number[] | null {
  const { schedule, shares } = op.attrs;
  if (schedule === "constant") return [1];
  if (schedule !== "table" || shares === null) return null;
  const { shape, data } = lowering.tensor(shares);
  const [rows = 0, ...rest] = shape;
  const size = elementCount(rest);
  const table = Array.from({ length: rows }, (_, row) => data[row * size] ?? 1);
  return data.every((share, i) => share === table[Math.floor(i / size)]) ? table : null;
}

/** A tensor that broadcasts to a neuron op's shape, by pixel and channel of its grid. */
export function byPixel(lowering: Lowering, op: OpOf<"snn.graded">, ref: TensorRef): Float64Array {
  const tensor = lowering.tensor(ref);
  const spread = broadcastIndices(tensor.shape, op.type.shape);
  const image = lowering.layouts.images.has(op.result);
  const order = rowMajorIndices(op.type.shape, image);
  return Float64Array.from(order, (i) => tensor.data[spread[i] ?? 0] ?? 0);
}

/** The same by channel; null where the pixels of a channel differ. */
function byChannel(
  lowering: Lowering,
  op: OpOf<"snn.graded">,
  ref: TensorRef,
): Float64Array | null {
  const values = byPixel(lowering, op, ref);
  const { channels } = pixelGridOf(op.type.shape, lowering.layouts.images.has(op.result));
  if (!values.every((value, i) => value === values[i % channels])) return null;
  return values.slice(0, channels);
}

/**
 * Spikes of a sample out of WebAssembly memory and back into it, as bytes. A recording holds
 *
 *     values:  [T, …shape] in row-major order, 4 bytes each
 *     masks:   for each sign, for each pixel in rows and columns, T masks of ⌈channels / 8⌉ bytes,
 *              and a last byte that says whether channels are axis 1 (an image) or the last axis
 *
 * without the zeros around a grid and what pads a mask to whole vectors, as these depend on who reads it.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import type { Recording } from "../../../ir/executable.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { pixelGridOf, rowMajorIndices } from "../lower/grid.ts";
import { pixelOffset } from "../memory/spikes.ts";
import type { Located, SpikesAt } from "../program.ts";

type MasksAt = Extract<SpikesAt, { readonly kind: "masks" }>;

/** A stretch of a run: its first timestep, and how many of them there are, of all `timesteps`. */
export interface Stretch {
  readonly elapsed: number;
  readonly steps: number;
  readonly timesteps: number;
}

/** Room for a recording of a value of `shape`. */
export function recordingFor(at: SpikesAt, shape: Shape, timesteps: number): Recording {
  if (at.kind === "values") return new Uint8Array(4 * timesteps * elementCount(shape));
  const { rows, columns, channels } = at.shape.grid;
  const bytes = at.planes.length * rows * columns * timesteps * bytesOf(channels);
  const recording = new Uint8Array(bytes + 1);
  recording[bytes] = at.image ? 1 : 0;
  return recording;
}

/** The elements of a recording of values. */
export function valuesIn(recording: Recording, { element }: Located): Float32Array | Int32Array {
  const { buffer, byteOffset, byteLength } = recording;
  return element === "i32"
    ? new Int32Array(buffer, byteOffset, byteLength / 4)
    : new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** Copies the masks of a stretch out of memory; `arena` is where addresses count from. */
export function saveMasks(
  memory: Uint8Array,
  arena: number,
  at: MasksAt,
  into: Recording,
  stretch: Stretch,
): void {
  forEachRun(arena, at, stretch, (inMemory, inRecording, bytes) => {
    into.set(memory.subarray(inMemory, inMemory + bytes), inRecording);
  });
}

/** Copies the masks of a stretch into memory, and makes zero what there is between and behind them. */
export function restoreMasks(
  memory: Uint8Array,
  arena: number,
  at: MasksAt,
  from: Recording,
  stretch: Stretch,
): void {
  const { grid, maskBytes, steps } = at.shape;
  if (maskBytes !== bytesOf(grid.channels) || steps !== stretch.steps) {
    for (const plane of at.planes) {
      for (let row = 0; row < grid.rows; row++) {
        const first = arena + plane + pixelOffset(at.shape, row, 0);
        memory.fill(0, first, first + grid.columns * steps * maskBytes);
      }
    }
  }
  forEachRun(arena, at, stretch, (inMemory, inRecording, bytes) => {
    memory.set(from.subarray(inRecording, inRecording + bytes), inMemory);
  });
}

/** What of a recording lies in one piece there and in memory. */
function forEachRun(
  arena: number,
  { planes, shape }: MasksAt,
  { elapsed, steps, timesteps }: Stretch,
  visit: (inMemory: number, inRecording: number, bytes: number) => void,
): void {
  const { rows, columns, channels } = shape.grid;
  const mask = bytesOf(channels);
  const isPacked = mask === shape.maskBytes;
  const isWhole = isPacked && steps === timesteps && steps === shape.steps;
  planes.forEach((plane, sign) => {
    for (let row = 0; row < rows; row++) {
      const inMemory = arena + plane + pixelOffset(shape, row, 0);
      const pixel = (sign * rows + row) * columns;
      if (isWhole) {
        visit(inMemory, pixel * timesteps * mask, columns * timesteps * mask);
        continue;
      }
      for (let column = 0; column < columns; column++) {
        const [from, to] = [
          inMemory + column * shape.steps * shape.maskBytes,
          ((pixel + column) * timesteps + elapsed) * mask,
        ];
        if (isPacked) visit(from, to, steps * mask);
        else for (let t = 0; t < steps; t++) visit(from + t * shape.maskBytes, to + t * mask, mask);
      }
    }
  });
}

/**
 * A recording of a value of `shape` with its channels where `image` says: the same one where they are there
 * already. A program lays a value out as its readers like it, and others may read it later.
 */
export function laidOut(
  recording: Recording,
  { planes, image }: MasksAt,
  shape: Shape,
  timesteps: number,
): Recording {
  const last = known(recording.at(-1), "the last byte");
  if ((last === 1) === image) return recording;
  const [from, to] = [!image, image].map((isImage) => bitsOf(shape, isImage, timesteps));
  invariant(from !== undefined && to !== undefined, "two layouts");
  const made = new Uint8Array(planes.length * to.bytes + 1);
  for (let sign = 0; sign < planes.length; sign++) {
    from.order.forEach((index, i) => {
      const j = known(to.placeOf[index], "a place");
      for (let t = 0; t < timesteps; t++) {
        const [source, target] = [from.bitAt(i, t), to.bitAt(j, t)];
        const byte = recording[sign * from.bytes + (source >> 3)] ?? 0;
        const at = sign * to.bytes + (target >> 3);
        made[at] = (made[at] ?? 0) | (((byte >> (source & 7)) & 1) << (target & 7));
      }
    });
  }
  made[made.length - 1] = image ? 1 : 0;
  return made;
}

/** Where the bits of a grid are in the masks of one sign. */
function bitsOf(
  shape: Shape,
  image: boolean,
  timesteps: number,
): {
  readonly bytes: number;
  /** By neuron of the grid, its element in row-major order, and the other way round. */
  readonly order: Int32Array;
  readonly placeOf: Int32Array;
  readonly bitAt: (neuron: number, t: number) => number;
} {
  const { rows, columns, channels } = pixelGridOf(shape, image);
  const order = rowMajorIndices(shape, image);
  const placeOf = new Int32Array(order.length);
  order.forEach((index, i) => {
    placeOf[index] = i;
  });
  const mask = bytesOf(channels);
  return {
    bytes: rows * columns * timesteps * mask,
    order,
    placeOf,
    bitAt: (neuron, t) =>
      8 * (Math.floor(neuron / channels) * timesteps + t) * mask + (neuron % channels),
  };
}

/** Bytes of a mask of so many channels. */
function bytesOf(channels: number): number {
  return Math.ceil(channels / 8);
}

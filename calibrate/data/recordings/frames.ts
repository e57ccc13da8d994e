/**
 * From a recording to frames, one for each timestep, in the shape of a network's input. Whatever a file
 * says of times and places is checked against memory before frames are made: one event may announce
 * hours.
 */
import { fail, invariant } from "../../../ir/diagnostic.ts";
import { type Tensor, f32 } from "../../../ir/tensor.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import type { RecordingKind } from "./kind.ts";

/** How events become frames. */
export interface EventFraming {
  /** Microseconds that one frame is of; null divides the time of each sample into `frames` parts. */
  readonly binMicroseconds: number | null;
  /** Frames of each sample; null for as many as its events last. */
  readonly frames: number | null;
  /** Whether an element counts events, or is 1 where there is any. */
  readonly values: "counts" | "binary";
  /** Extents of the sensor, for inputs that are no [channels, height, width]. */
  readonly width: number | null;
  readonly height: number | null;
}

/** A frame is a millisecond, and counts. */
export const defaultFraming: EventFraming = {
  binMicroseconds: 1000,
  frames: null,
  values: "counts",
  width: null,
  height: null,
};

/** What frames are made for: one input of a network, and how messages call things. */
export interface FrameTarget {
  readonly file: string;
  readonly input: string;
  /** The shape of one frame. */
  readonly shape: Shape;
}

/** How many frames a raw sample makes, at least one, and what each frame spans. */
interface FrameSpan {
  readonly frames: number;
  /** Of the frame that an event at this time, from the first one on, belongs to; may be beyond the last. */
  readonly frameOf: (time: number) => number;
}

/** The planes that events are put on. */
interface Sensor {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The number of frames that a raw sample makes; at least one. */
export function frameCountOf(
  kind: RecordingKind,
  raw: Tensor,
  target: FrameTarget,
  framing: EventFraming,
): number {
  if (kind === "events") return spanOf(raw, framing).frames;
  return Math.max(1, Math.ceil(raw.data.length / elementCount(target.shape)));
}

/**
 * The frames of a raw sample, [frames, …shape]: of events the number at each place and polarity in each
 * bin; of audio its numbers one after another, as many in a frame as the input holds, and zeros where
 * the last frame is not full. Of frames behind the first `most` nothing is made. A value that a map is given for
 * becomes `map(value)`, but for zeros that fill up.
 */
export function framesOf(
  kind: RecordingKind,
  raw: Tensor,
  target: FrameTarget,
  framing: EventFraming,
  rule: {
    readonly index: number;
    readonly budget: Budget;
    readonly map: (x: number) => number;
    readonly most: number;
  },
): Tensor {
  const size = elementCount(target.shape);
  const count = Math.min(rule.most, frameCountOf(kind, raw, target, framing));
  rule.budget.check(4 * count * size, target.file);
  const data = new Float32Array(count * size);
  if (kind === "audio") data.set(Float64Array.from(raw.data.subarray(0, count * size), rule.map));
  else putEvents(data, raw, target, framing, rule);
  return f32([count, ...target.shape], data);
}

function putEvents(
  data: Float32Array,
  raw: Tensor,
  target: FrameTarget,
  framing: EventFraming,
  rule: {
    readonly index: number;
    readonly map: (x: number) => number;
    readonly most: number;
  },
): void {
  const { index, map, most } = rule;
  const sensor = sensorOf(target, framing);
  const { channels, height, width } = sensor;
  const { frames, frameOf } = spanOf(raw, framing);
  const first = raw.data[3] ?? 0;
  for (let i = 0; i < raw.data.length; i += 4) {
    const [x = 0, y = 0, p = 0, t = 0] = raw.data.subarray(i, i + 4);
    if (x >= width || y >= height) {
      const { file, input } = target;
      fail(diagnose("event-outside", null, { file, index, x, y, input, width, height }));
    }
    const frame = frameOf(t - first);
    if (frame >= frames || frame >= most) continue;
    const at = ((frame * channels + (channels === 2 ? p : 0)) * height + y) * width + x;
    data[at] = framing.values === "binary" ? 1 : (data[at] ?? 0) + 1;
  }
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) data[i] = map(data[i] ?? 0);
}

/** Events of a raw sample that come after its last frame. */
export function eventsBeyond(raw: Tensor, framing: EventFraming): number {
  const { frames, frameOf } = spanOf(raw, framing);
  const first = raw.data[3] ?? 0;
  let beyond = 0;
  for (let i = 3; i < raw.data.length; i += 4) {
    if (frameOf((raw.data[i] ?? 0) - first) >= frames) beyond++;
  }
  return beyond;
}

/** Time begins with the first event of a sample; rows are by time. */
function spanOf(raw: Tensor, { binMicroseconds, frames }: EventFraming): FrameSpan {
  const length = raw.data.length;
  const duration = length === 0 ? 1 : (raw.data[length - 1] ?? 0) - (raw.data[3] ?? 0) + 1;
  if (binMicroseconds !== null) {
    const frameOf = (time: number): number => Math.floor(time / binMicroseconds);
    return { frames: frames ?? frameOf(duration - 1) + 1, frameOf };
  }
  invariant(frames !== null, "frames of no width and of no number");
  return { frames, frameOf: (time) => Math.floor((time * frames) / duration) };
}

/** The planes of an input: [channels, height, width] but for extents of 1 in front, or as said. */
function sensorOf({ file, input, shape }: FrameTarget, { width, height }: EventFraming): Sensor {
  let inner = shape;
  while (inner.length > 3 && inner[0] === 1) inner = inner.slice(1);
  const size = elementCount(shape);
  const sensor =
    width !== null && height !== null
      ? { channels: size / (width * height), height, width }
      : { channels: inner[0] ?? 0, height: inner[1] ?? 0, width: inner[2] ?? 0 };
  const isWhole = sensor.channels * sensor.height * sensor.width === size;
  const fits = (sensor.channels === 1 || sensor.channels === 2) && isWhole;
  const said = width !== null && height !== null;
  if (!fits || (!said && inner.length !== 3)) {
    fail(diagnose("event-planes", null, { file, input, wanted: shape }));
  }
  return sensor;
}

/** What samples show of each channel of a value, at places that are drawn: what steps and thresholds are fitted to. */
import { invariant } from "../../ir/diagnostic.ts";
import type { ProbeData } from "../../ir/executable.ts";
import { type Shape, elementCount } from "../../ir/type.ts";

/** Where the channels of a value of some shape are, and which of its places are looked at. */
export interface Channels {
  readonly count: number;
  /** Elements of a channel. */
  readonly all: number;
  /** Neighbours among them, which lie one after the other. */
  readonly inner: number;
  /** The element of the value that is at `place`, from 0 to `all` − 1, of a channel. */
  readonly elementAt: (channel: number, place: number) => number;
}

export function channelsAlong(shape: Shape, axis: number): Channels {
  const count = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  return {
    count,
    inner,
    all: elementCount(shape) / count,
    elementAt(channel, place) {
      const within = place % inner;
      return (place - within) * count + channel * inner + within;
    },
  };
}

/** The elements of a value at some places of each channel, channel by channel. */
export function elementsAt({ count, elementAt }: Channels, places: Int32Array): Int32Array {
  const elements = new Int32Array(count * places.length);
  let to = 0;
  for (let channel = 0; channel < count; channel++) {
    for (const place of places) elements[to++] = elementAt(channel, place);
  }
  return elements;
}

/** What is shown of such elements, [step, channel, place], as [channel, step, place]. */
export function channelsFirst(value: ProbeData, channels: number, steps: number): Float32Array {
  const places = value.length / channels / steps;
  const turned = new Float32Array(value.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let t = 0; t < steps; t++) {
      const [from, to] = [(t * channels + channel) * places, (channel * steps + t) * places];
      for (let place = 0; place < places; place++) turned[to + place] = value[from + place] ?? 0;
    }
  }
  return turned;
}

/** A value [step, …] of one sample at some places of each channel, as [channel, step, place]. */
export function byChannel(
  value: ProbeData,
  { count, all, inner, elementAt }: Channels,
  steps: number,
  places: Int32Array,
): Float32Array {
  const size = count * all;
  const gathered = new Float32Array(count * steps * places.length);
  let to = 0;
  if (places.length === all) {
    // Whole runs of neighbours, one for each of the axes before.
    for (let channel = 0; channel < count; channel++) {
      for (let t = 0; t < steps; t++) {
        for (let place = 0; place < all; place += inner) {
          const from = t * size + elementAt(channel, place);
          gathered.set(value.subarray(from, from + inner), to);
          to += inner;
        }
      }
    }
    return gathered;
  }
  for (let channel = 0; channel < count; channel++) {
    for (let t = 0; t < steps; t++) {
      for (const place of places) {
        gathered[to++] = value[t * size + elementAt(channel, place)] ?? 0;
      }
    }
  }
  return gathered;
}

/** One channel of all samples, [timestep, sample, place]; a value of one step is repeated. */
export function joined(
  samples: readonly Float32Array[],
  channel: number,
  channels: number,
  steps: number,
  timesteps: number,
  places: number,
): Float32Array {
  invariant(channel < channels, "a channel");
  const width = samples.length * places;
  const all = new Float32Array(timesteps * width);
  samples.forEach((values, sample) => {
    for (let t = 0; t < timesteps; t++) {
      const from = (channel * steps + (steps === 1 ? 0 : t)) * places;
      all.set(values.subarray(from, from + places), t * width + sample * places);
    }
  });
  return all;
}

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

/** Samples that there is room for at first: a set may have far fewer than a layer would like to see. */
const samplesAtFirst = 128;

/** What samples show at some places of each channel: one array for each, [timestep, sample, place]. */
export class Gathered {
  private channels: readonly Float32Array[];
  private readonly along: Channels;
  private readonly timesteps: number;
  private readonly places: number;
  private room = samplesAtFirst;
  private seen = 0;

  /** Of each sample as many places. */
  constructor(along: Channels, timesteps: number, places: number) {
    this.along = along;
    this.timesteps = timesteps;
    this.places = places;
    this.channels = Array.from(
      { length: along.count },
      () => new Float32Array(timesteps * this.room * places),
    );
  }

  /**
   * Takes a value [timestep, …] of the next sample. `start` has what each element of it gets at the first
   * timestep; null for nothing.
   */
  add(value: ProbeData, places: Int32Array, start: ((element: number) => number) | null): void {
    if (this.seen === this.room) this.resize(2 * this.room);
    const { all, inner, count, elementAt } = this.along;
    const size = count * all;
    const isWhole = places.length === all;
    const first = this.seen * this.places;
    this.channels.forEach((channel, number) => {
      for (let t = 0; t < this.timesteps; t++) {
        const to = t * this.room * this.places + first;
        if (!isWhole) {
          for (let i = 0; i < places.length; i++) {
            channel[to + i] = value[t * size + elementAt(number, places[i] ?? 0)] ?? 0;
          }
          continue;
        }
        // Whole runs of neighbours, one for each of the axes before.
        for (let place = 0; place < all; place += inner) {
          const from = t * size + elementAt(number, place);
          channel.set(value.subarray(from, from + inner), to + place);
        }
      }
      if (start === null) return;
      for (let i = 0; i < places.length; i++) {
        const own = start(elementAt(number, places[i] ?? 0));
        channel[first + i] = (channel[first + i] ?? 0) + own;
      }
    });
    this.seen++;
  }

  /** How many samples there were, and what they showed. */
  finish(): { readonly samples: number; readonly channels: readonly Float32Array[] } {
    if (this.seen < this.room) this.resize(this.seen);
    return { samples: this.seen, channels: this.channels };
  }

  private resize(room: number): void {
    const { timesteps, places } = this;
    const [before, after] = [this.room * places, room * places];
    this.room = room;
    this.channels = this.channels.map((channel) => {
      if (after < before) {
        for (let t = 1; t < timesteps; t++) {
          channel.copyWithin(t * after, t * before, t * before + after);
        }
        return channel.subarray(0, timesteps * after);
      }
      const wider = new Float32Array(timesteps * after);
      for (let t = 0; t < timesteps; t++) {
        wider.set(channel.subarray(t * before, (t + 1) * before), t * after);
      }
      return wider;
    });
  }
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

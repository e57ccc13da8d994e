/**
 * Turns the values that an engine computes into statistics. Every engine uses this, so that what
 * calibration knows does not depend on who ran the network.
 */
import { invariant, known } from "../diagnostic.ts";
import type { Observation } from "../executable.ts";
import type { ValueId } from "../op/op.ts";
import {
  type CalibrationStatistics,
  ChannelStatistics,
  type ChannelStatisticsData,
  type Scope,
  type ValueStatistics,
} from "./stats.ts";
import { type Shape, elementCount } from "../type.ts";

/** Where the elements of a channel lie: `outer` runs of `inner` neighbours, one per `step`. */
interface Layout {
  readonly channels: number;
  readonly outer: number;
  readonly inner: number;
}

function layoutOf(shape: Shape, scope: Scope, axis: number): Layout {
  switch (scope) {
    case "layer":
      return { channels: 1, outer: 1, inner: elementCount(shape) };
    case "neuron":
      return { channels: elementCount(shape), outer: 1, inner: 1 };
    case "channel":
      // A scalar is its only channel.
      if (shape.length === 0) return { channels: 1, outer: 1, inner: 1 };
      invariant(axis >= 0 && axis < shape.length, `channel axis ${axis} of rank ${shape.length}`);
      return {
        channels: shape[axis] ?? 1,
        outer: elementCount(shape.slice(0, axis)),
        inner: elementCount(shape.slice(axis + 1)),
      };
  }
}

/** Gathers the statistics of one value over samples. */
class ValueGatherer {
  readonly channels: ChannelStatistics[];
  private readonly layout: Layout;
  private readonly observation: Observation;

  constructor(observation: Observation, shape: Shape) {
    this.observation = observation;
    this.layout = layoutOf(shape, observation.scope, observation.axis);
    this.channels = Array.from({ length: this.layout.channels }, () => new ChannelStatistics());
  }

  add(data: ArrayLike<number>): void {
    const { channels, outer, inner } = this.layout;
    this.channels.forEach((channel, c) => {
      if (outer === 1) channel.add(data, c * inner, 1, inner);
      else {
        const gathered = new Float64Array(outer * inner);
        for (let o = 0, to = 0; o < outer; o++) {
          for (let k = 0; k < inner; k++)
            gathered[to++] = data[(o * channels + c) * inner + k] ?? 0;
        }
        channel.add(gathered, 0, 1, gathered.length);
      }
    });
  }

  finish(): ValueStatistics {
    const { scope, axis } = this.observation;
    return { scope, axis, channels: this.channels };
  }
}

/** Gathers the statistics that `observations` ask for, sample by sample. */
export class StatisticsGatherer {
  private readonly gatherers = new Map<ValueId, ValueGatherer>();
  private samples = 0;

  constructor(observations: readonly Observation[], shapeOf: (value: ValueId) => Shape) {
    for (const observation of observations) {
      const { value } = observation;
      invariant(!this.gatherers.has(value), `value %${value} is observed twice`);
      this.gatherers.set(value, new ValueGatherer(observation, shapeOf(value)));
    }
  }

  /** Takes one sample; `meanOf` gives a value's mean over the timesteps, [numel]. */
  add(meanOf: (value: ValueId) => ArrayLike<number>): void {
    this.samples++;
    for (const [value, gatherer] of this.gatherers) gatherer.add(meanOf(value));
  }

  finish(): CalibrationStatistics {
    const values = new Map<ValueId, ValueStatistics>();
    for (const [value, gatherer] of this.gatherers) values.set(value, gatherer.finish());
    return { samples: this.samples, values };
  }
}

/**
 * The statistics of both sets of samples together, commutative and associative to the bit. They take
 * the place of `into`, which is used up: there may be tens of thousands of channels.
 */
export function addStatisticsData(
  into: CalibrationStatistics,
  data: StatisticsData,
): CalibrationStatistics {
  for (const [value, { channels }] of data.values) {
    const own = known(into.values.get(value), `statistics of %${value} on both sides`).channels;
    channels.forEach((channel, i) => {
      known(own[i], `channel ${i}`).merge(ChannelStatistics.fromJSON(channel));
    });
  }
  return { samples: into.samples + data.samples, values: into.values };
}

/** Statistics as plain data, to be sent between threads. */
export interface StatisticsData {
  readonly samples: number;
  readonly values: readonly (readonly [
    ValueId,
    {
      readonly scope: Scope;
      readonly axis: number;
      readonly channels: readonly ChannelStatisticsData[];
    },
  ])[];
}

export function statisticsToData(statistics: CalibrationStatistics): StatisticsData {
  const values = [...statistics.values].map(
    ([value, { scope, axis, channels }]) =>
      [value, { scope, axis, channels: channels.map((c) => c.toJSON()) }] as const,
  );
  return { samples: statistics.samples, values };
}

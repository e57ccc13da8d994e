/**
 * How far the firing rates of a network of integers have drifted from those of the network of floats that it was
 * made of. Accuracy alone hides it: layers that fire more or less than they did may still give the same answers.
 */
import { known } from "../../ir/diagnostic.ts";
import type { Executable, SampleSource } from "../../ir/executable.ts";
import { shortName } from "../../ir/loc.ts";
import { isNeuron } from "../../ir/op/known.ts";
import type { Op } from "../../ir/op/op.ts";
import { channelAxisOf } from "../../ir/analysis/channels.ts";
import { elementCount, sameShape } from "../../ir/type.ts";

/** The firing rates of one layer in both networks. */
export interface RateDrift {
  readonly name: string;
  readonly channels: number;
  /** Spikes per neuron and timestep, whatever the size of each. */
  readonly floatRate: number;
  readonly integerRate: number;
  /** Between the distributions of the channels' rates, in spikes per neuron and timestep. */
  readonly distance: number;
}

/** Bytes of spikes held at once; more only where those of one layer need it. */
const traceBudgetBytes = 64 * 2 ** 20;

/** Runs both networks on every sample, and compares the rates of neurons that keep their value's id. */
export async function compareRates(
  floats: Executable,
  integers: Executable,
  samples: SampleSource,
  timesteps: number,
): Promise<RateDrift[]> {
  const counterparts = new Map(floats.module.ops.filter(isNeuron).map((op) => [op.result, op]));
  const neurons = integers.module.ops.filter(isNeuron).filter(({ result, type }) => {
    const other = counterparts.get(result);
    return other !== undefined && sameShape(other.type.shape, type.shape);
  });
  const names = unique(neurons.map(({ loc }) => shortName(loc)));
  const drifts: RateDrift[] = [];
  for (const group of grouped(neurons, timesteps)) {
    const [before, after] = [
      await ratesOf(floats, group, samples, timesteps),
      await ratesOf(integers, group, samples, timesteps),
    ];
    group.forEach((_, i) => {
      const [a, b] = [known(before[i], "rates"), known(after[i], "rates")];
      drifts.push({
        name: known(names[drifts.length], "a name"),
        channels: a.length,
        floatRate: meanOf(a),
        integerRate: meanOf(b),
        distance: earthMoversDistance(a, b),
      });
    });
  }
  return drifts;
}

/**
 * The earth mover's distance of two samples of as many numbers: the mean way that each has to be moved for one to
 * become the other, Σ |a₍ᵢ₎ − b₍ᵢ₎| / n over both in order.
 */
export function earthMoversDistance(a: Float64Array, b: Float64Array): number {
  const [x, y] = [a.toSorted(), b.toSorted()];
  return meanOf(x.map((value, i) => Math.abs(value - (y[i] ?? 0))));
}

/** The rate of each channel of some neurons, over samples, timesteps and places. */
async function ratesOf(
  executable: Executable,
  neurons: readonly Op[],
  samples: SampleSource,
  timesteps: number,
): Promise<Float64Array[]> {
  const layouts = neurons.map(({ result, type: { shape } }) => {
    const axis = channelAxisOf(executable.module, result);
    const channels = shape[axis] ?? 1;
    return { channels, inner: elementCount(shape.slice(axis + 1)) };
  });
  const totals = new Float64Array(neurons.length);
  const fired = layouts.map(({ channels }) => new Float64Array(channels));
  const probes = neurons.map(({ result }) => ({ value: result, keep: "trace" as const }));
  await executable.run(samples, { timesteps, probes, countOperations: false }, (result) => {
    layouts.forEach(({ channels, inner }, i) => {
      const counts = known(fired[i], "counts");
      const spikes = known(result.probes[i], "a probe");
      // Frames have a length of their own.
      totals[i] = (totals[i] ?? 0) + spikes.length / channels;
      spikes.forEach((spike, at) => {
        if (spike === 0) return;
        const channel = Math.floor(at / inner) % channels;
        counts[channel] = (counts[channel] ?? 0) + 1;
      });
    });
  });
  return fired.map((counts, i) => counts.map((count) => count / Math.max(1, totals[i] ?? 0)));
}

/** Neurons in groups whose spikes of all timesteps fit the budget. */
function grouped<N extends Op>(neurons: readonly N[], timesteps: number): N[][] {
  const groups: N[][] = [];
  let room = 0;
  for (const op of neurons) {
    const bytes = 4 * timesteps * elementCount(op.type.shape);
    const last = groups.at(-1);
    if (last === undefined || bytes > room) {
      groups.push([op]);
      room = traceBudgetBytes - bytes;
    } else {
      last.push(op);
      room -= bytes;
    }
  }
  return groups;
}

function unique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const repeats = seen.get(name) ?? 0;
    seen.set(name, repeats + 1);
    return repeats === 0 ? name : `${name} (${repeats + 1})`;
  });
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x, 0) / Math.max(1, values.length);
}

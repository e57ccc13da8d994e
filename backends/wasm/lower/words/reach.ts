/**
 * How far neurons that send words can be driven, step by step and channel by channel, whatever the sample: what is
 * proved from weights, so that steps which no potential comes near need no exact division. A channel
 * that was silent in calibration has such steps: its weights are small beside its threshold.
 *
 *     |w_t| ≤ B_t = |v_0| + d_0 + … + d_t + Q_t / 2
 *
 * where w_t is what a neuron wants to send, v_0 the potential that it begins at, d_t a bound on a timestep's current,
 * and Q_t the largest step before t at which it may have sent anything: where 2·B_t < q_t it sends nothing. A potential is what
 * was received less what was sent, and what was sent is nowhere more than half a step beyond
 * what was received until then, or below 0, where neurons take back.
 */
import { integerBounds } from "../../../../ir/analysis/bounds.ts";
import { magnitude } from "../../../../ir/analysis/interval.ts";
import { known } from "../../../../ir/diagnostic.ts";
import type { Lowering } from "../lowering.ts";
import type { WordDrive, WordSource } from "./drive.ts";
import type { WordNeurons } from "./senders.ts";

/**
 * B_t for each of the neurons' shares and each channel, [share][channel]; that of the last share holds for all timesteps
 * that follow in a run of so many. `starts` are the potentials at which neurons begin, [pixel, channel].
 */
export function reachOf(
  lowering: Lowering,
  { threshold, shares }: Pick<WordNeurons, "threshold" | "shares">,
  { sources, bias }: WordDrive,
  starts: Float64Array,
): readonly Float64Array[] {
  const channels = threshold.length;
  const { timesteps } = lowering.options;
  const currents = sources.map((source) => receivedFrom(lowering, source, channels));
  // From here on each timestep receives as much as the one before.
  const settled = Math.max(shares.length, ...currents.map(({ rows }) => rows));
  const received = new Float64Array(channels);
  const largest = new Float64Array(channels);
  starts.forEach((start, i) => {
    received[i % channels] = Math.max(received[i % channels] ?? 0, Math.abs(start));
  });
  const reach = shares.map(() => new Float64Array(channels));
  for (let t = 0; t < Math.min(timesteps, settled); t++) {
    // The last timestep stands for all that follow.
    const times = t === settled - 1 ? timesteps - t : 1;
    const row = Math.min(t, shares.length - 1);
    const share = known(shares[row], "a share");
    const bounds = known(reach[row], "a row");
    for (let c = 0; c < channels; c++) {
      const current = currents.reduce((sum, { at }) => sum + at(t, c), Math.abs(bias?.[c] ?? 0));
      const all = (received[c] ?? 0) + (current === 0 ? 0 : times * current);
      const step = (threshold[c] ?? 1) * share;
      let bound = all + (largest[c] ?? 0) / 2;
      if (2 * bound >= step) {
        largest[c] = Math.max(largest[c] ?? 0, step);
        // Of timesteps that share a step, all but the first have one before them.
        if (times > 1 || t >= shares.length) bound = all + (largest[c] ?? 0) / 2;
      }
      bounds[c] = Math.max(bounds[c] ?? 0, bound);
      received[c] = all;
    }
  }
  return reach;
}

/** The most that a channel receives from one source at a timestep, which no longer changes after `rows`. */
interface Received {
  readonly rows: number;
  readonly at: (timestep: number, channel: number) => number;
}

function receivedFrom(lowering: Lowering, source: WordSource, channels: number): Received {
  if (source.kind === "current") {
    const interval = integerBounds(lowering.module).values.get(source.value);
    const most = interval === undefined ? Infinity : magnitude(interval);
    const { atFirst } = source;
    return { rows: 2, at: (timestep) => (atFirst && timestep > 0 ? 0 : most) };
  }
  const { planes, shares } = source;
  const sums = new Float64Array(channels);
  if (source.kind === "taps") {
    for (const { weightOf } of source.taps) {
      for (let output = source.outputs[0]; output < source.outputs[1]; output++) {
        sums[output] = (sums[output] ?? 0) + Math.abs(weightOf(output));
      }
    }
  } else {
    const [rows, columns] = source.kernel;
    for (let output = 0; output < channels; output++) {
      for (let tap = 0; tap < rows * columns; tap++) {
        for (let channel = 0; channel < planes.grid.channels; channel++) {
          const weight = source.weightOf(output, Math.floor(tap / columns), tap % columns, channel);
          sums[output] = (sums[output] ?? 0) + Math.abs(weight);
        }
      }
    }
  }
  return {
    rows: shares.length,
    at: (timestep, channel) => {
      const share = known(shares[Math.min(timestep, shares.length - 1)], "a share");
      return (sums[channel] ?? 0) * planes.most * share;
    },
  };
}

/**
 * Neurons of the framed codes, which receive a whole frame before they fire their own.
 */
import { arithmeticOf, isWhole, type NeuronCost, parameter, rowsOf, type Sent } from "./neurons.ts";
import { digitsSet } from "./numbers.ts";
import type { Site } from "./operation.ts";

export interface FramedNeuron {
  /** From the sum of the operand's frame to what is sent at t = 1 … T. */
  readonly fire: (sum: Float64Array, timesteps: number) => Sent[];
  /** For one neuron in a frame of T timesteps. */
  readonly cost: (timesteps: number) => NeuronCost;
}

export function framedNeuronOf(site: Site): FramedNeuron | undefined {
  if (site.op.kind === "snn.few-spikes") return fewSpikes(site);
  return site.op.kind === "snn.ttfs" ? firstSpike(site) : undefined;
}

/** The frame of a value, summed in double precision and rounded once. */
export function frameSum(
  frame: readonly Float64Array[],
  round: (x: number) => number,
): Float64Array {
  const [first = new Float64Array()] = frame;
  return first.map((_, i) => round(frame.reduce((sum, x) => sum + (x[i] ?? 0), 0)));
}

const empty = (n: number, timesteps: number): Sent[] =>
  Array.from({ length: timesteps }, () => ({
    ...{ values: new Float64Array(n), bits: new Float64Array(n) },
  }));

function fewSpikes(site: Site): FramedNeuron {
  const { op } = site;
  const fl = arithmeticOf(site);
  const [threshold = [], reset = [], amplitude = []] = ["threshold", "reset", "amplitude"].map(
    (name) => rowsOf(op, op.attributes.tensor(name)),
  );
  const start = parameter(op, "vInit");
  return {
    fire: (sum, timesteps) => {
      const v = sum.map((x, i) => fl((start[i] ?? 0) + x));
      const frame = empty(v.length, timesteps);
      frame.forEach(({ values, bits }, row) => {
        const theta = threshold[row];
        if (theta === undefined) return;
        for (let i = 0; i < v.length; i += 1) {
          if (!((v[i] ?? 0) >= (theta[i] ?? 0))) continue;
          v[i] = fl((v[i] ?? 0) - (reset[row]?.[i] ?? 0));
          values[i] = amplitude[row]?.[i] ?? 0;
          bits[i] = 1;
        }
      });
      return frame;
    },
    cost: (timesteps) => ({
      step: { additions: 1 },
      once: { comparisons: Math.min(timesteps, threshold.length) },
      spike: { additions: 1 },
    }),
  };
}

function firstSpike(site: Site): FramedNeuron {
  const { op } = site;
  const fl = arithmeticOf(site);
  const whole = isWhole(op);
  const tick = op.attributes.text("resolution") === "tick";
  const [slope, start, amplitude] = [
    ...[parameter(op, "threshold"), parameter(op, "vInit"), parameter(op, "amplitude")],
  ];
  const worthOf = (v: number, q: number): number => {
    if (whole) return Math.floor((2 * v + q) / (2 * q));
    return tick ? Math.floor(fl(fl(v / q) + 0.5)) : fl(v / q);
  };
  const once = amplitude?.every((a) => a === 1) === true;
  return {
    fire: (sum, timesteps) => {
      const frame = empty(sum.length, timesteps);
      sum.forEach((x, i) => {
        const lead = worthOf(fl((start?.[i] ?? 0) + x), slope?.[i] ?? 0);
        if (!(lead > 0)) return;
        const worth = Math.min(lead, timesteps);
        const time = timesteps + 1 - worth;
        const sent = frame[Math.min(timesteps, Math.floor(time)) - 1];
        if (sent === undefined) return;
        sent.values[i] = fl((amplitude?.[i] ?? 0) * worth);
        sent.bits[i] = tick ? digitsSet(worth) : 24;
      });
      return frame;
    },
    cost: () => ({
      step: { additions: 1 },
      once: { divisions: 1, comparisons: tick ? 3 : 2, additions: tick ? 1 : 0 },
      spike: { additions: 1, multiplications: once ? 0 : 1 },
    }),
  };
}

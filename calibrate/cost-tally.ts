/**
 * What a network takes for one sample, up to each timestep: spikes and events, as an engine counts them, and
 * products on what is not a spike, which follow from the network and from how long each sample ran. Whoever
 * runs samples counts here: `evaluate`, early exits and `snnc run`.
 */
import {
  type Account,
  type Latency,
  accountOf,
  latencyOf,
  multiplyAccumulatesIn,
} from "../ir/account/account.ts";
import type { Operations } from "../ir/account/operations.ts";
import { operationsOf } from "../ir/account/work.ts";
import { type Activity, type SampleResult, activityKinds, noActivity } from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import { type Module, isFramed, isOverTime, producerOf, rehearsalOf } from "../ir/module.ts";
import type { ValueId } from "../ir/op/op.ts";
import { elementCount } from "../ir/type.ts";

export interface RunCosts {
  readonly kind: "ann" | "snn";
  readonly samples: number;
  /** 1 … T, [T] in a framed code, or [0] where nothing is over time; what every list goes by. */
  readonly timesteps: readonly number[];
  /** Spikes of all neurons up to each timestep, mean over samples: words, whatever their size. */
  readonly spikesPerSample: readonly number[];
  /** Binary digits set in these words. */
  readonly bitsPerSample: readonly number[];
  /** Events: words × weights that they met, up to each timestep, mean over samples. */
  readonly synapticOperationsPerSample: readonly number[];
  /** Those of them that are additions; the others are multiply-accumulates. */
  readonly plainSynapticOperationsPerSample: readonly number[];
  /** Binary digits × weights that they met. */
  readonly synapticBitsPerSample: readonly number[];
  /** Products on what is not a spike, up to each timestep: those of the input once, others at each timestep. */
  readonly multiplyAccumulatesPerSample: readonly number[];
  /** What the network computes whether it spikes or not. */
  readonly account: Account;
  /** Timesteps from the first input to the answer, for the whole depth; 0 where nothing is over time. */
  readonly latencyTimesteps: number;
  readonly latency: Latency;
  readonly neurons: readonly NeuronActivity[];
}

/** What one neuron op did in a whole run, mean over samples. */
export interface NeuronActivity {
  readonly value: ValueId;
  readonly name: string;
  readonly neurons: number;
  readonly spikesPerSample: number;
  /** Spikes per neuron and timestep. */
  readonly firingRate: number;
}

/** Mutable; lives inside one run. `steps` are those of the longest sample: timesteps, or a frame as one. */
export class CostTally {
  private readonly module: Module;
  private readonly steps: number;
  private readonly activity: Activity;
  private readonly spikesByOp: Float64Array;
  /** How many samples ran each step. */
  private readonly running: Float64Array;
  private samples = 0;

  constructor(module: Module, steps: number, neuronOps: number) {
    this.module = module;
    this.steps = steps;
    this.activity = noActivity(steps);
    this.spikesByOp = new Float64Array(neuronOps);
    this.running = new Float64Array(steps);
  }

  add(result: Pick<SampleResult, "spikes" | "activity" | "timestepsTaken">): void {
    this.samples++;
    for (const kind of activityKinds) {
      for (let t = 0; t < this.steps; t++) {
        increment(this.activity[kind], t, result.activity[kind][t] ?? 0);
      }
    }
    result.spikes.forEach((count, i) => {
      increment(this.spikesByOp, i, count);
    });
    const taken = Math.min(this.steps, result.timestepsTaken);
    for (let t = 0; t < taken; t++) increment(this.running, t, 1);
  }

  /** `neurons` are the neuron ops of what ran, in the order of their counts. */
  finish(neurons: readonly ValueId[]): RunCosts {
    const { module, samples, steps, activity } = this;
    const start = firstAnswer(module, steps);
    const account = accountOf(module);
    const latency = latencyOf(module, steps);
    const perSample = (sums: Float64Array): number[] =>
      Array.from(sums.subarray(start), (sum) => sum / samples);
    return {
      kind: module.code === "none" ? "ann" : "snn",
      samples,
      timesteps: answerTimesteps(module, steps),
      spikesPerSample: perSample(activity.spikes),
      bitsPerSample: perSample(activity.bits),
      synapticOperationsPerSample: perSample(activity.events),
      plainSynapticOperationsPerSample: perSample(activity.plainEvents),
      synapticBitsPerSample: perSample(activity.eventBits),
      multiplyAccumulatesPerSample: this.stepsRun()
        .slice(start)
        .map((count) => multiplyAccumulatesIn(account, count)),
      account,
      latencyTimesteps: latency.timesteps,
      latency,
      neurons: neurons.map((value, i) => {
        const op = producerOf(module, value);
        const count = elementCount(op.type.shape);
        const spikesPerSample = (this.spikesByOp[i] ?? 0) / samples;
        const firingRate =
          spikesPerSample / count / (isFramed(module.code) ? module.timesteps : steps);
        return { value, name: shortName(op.loc), neurons: count, spikesPerSample, firingRate };
      }),
    };
  }

  /** All operations of a sample by kind, by events, up to where it ended; mean over samples. */
  operations(): Operations {
    const { samples, activity, spikesByOp } = this;
    const last = (sums: Float64Array): number => (sums.at(-1) ?? 0) / samples;
    return operationsOf(accountOf(this.module), {
      steps: this.stepsRun().at(-1) ?? 0,
      events: last(activity.events),
      plainEvents: last(activity.plainEvents),
      eventBits: last(activity.eventBits),
      spikes: spikesByOp.map((count) => count / samples),
    });
  }

  /** Steps that a sample ran up to each one, mean over samples: fewer where some ended before. */
  private stepsRun(): number[] {
    let sum = 0;
    return Array.from(this.running, (count) => (sum += count) / this.samples);
  }
}

/** What lists by timestep go by: those at which there is an answer. */
function answerTimesteps(module: Module, steps: number): number[] {
  if (!isOverTime(module)) return [0];
  if (isFramed(module.code)) return [module.timesteps];
  const first = firstAnswer(module, steps);
  return Array.from({ length: steps - first }, (_, i) => first + i + 1);
}

/**
 * Where the answers start: there are none while a network rehearses. A run that is over by then shows
 * what there is.
 */
export function firstAnswer(module: Module, steps: number): number {
  const rehearsal = rehearsalOf(module);
  return rehearsal < steps ? rehearsal : 0;
}

function increment(sums: Float64Array, index: number, by: number): void {
  sums[index] = (sums[index] ?? 0) + by;
}

/** What a plan counts after each timestep: words that were sent, and the weights that they met. */
import { type Arrival, arrivalsOf, arrivedIn } from "../../ir/account/arrivals.ts";
import { LaterEvents, addMet } from "../../ir/account/later.ts";
import { type Sender, sendersOf } from "../../ir/account/senders.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Activity, addTimestep } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import type { TensorData } from "../../ir/tensor.ts";
import type { NeuronStep } from "./step.ts";

export interface Counter {
  /** Adds what the last timestep did to timestep `t` of the sums so far, and to those of each neuron op. */
  count(t: number, activity: Activity, spikes: Float64Array, bits: Float64Array): void;
}

export function counterOf(
  module: Module,
  buffers: ReadonlyMap<ValueId, TensorData>,
  neurons: readonly NeuronStep[],
): Counter {
  // Worked out at the first count: many runs ask for none.
  let senders: readonly Sender[] | null = null;
  let arrivals: readonly Arrival[] | null = null;
  const later = new LaterEvents();
  const numbers = new Map(neurons.map(({ op }, i) => [op.result, i]));
  return {
    count(t, activity, spikes, bits) {
      senders ??= sendersOf(module);
      if (t === 0) later.clear();
      const did = { spikes: 0, bits: 0 };
      for (const sender of senders) {
        const number = numbers.get(sender.op.result);
        const step = number === undefined ? undefined : neurons[number];
        const sent = sentBy(sender, step, buffers);
        if (number !== undefined && sender.delay === 0) {
          spikes[number] = (spikes[number] ?? 0) + sent.spikes;
          bits[number] = (bits[number] ?? 0) + sent.bits;
          did.spikes += sent.spikes;
          did.bits += sent.bits;
        }
        const { events, eventBits } = sent;
        const plainEvents = sender.isPlain ? events : 0;
        addMet(later.at(t + sender.delay), { events, plainEvents, eventBits });
      }
      arrivals ??= arrivalsOf(module);
      for (const arrival of arrivals) {
        const { result } = arrival.op;
        const arrived = arrivedIn(arrival, known(buffers.get(result), `value %${result}`));
        addMet(later.at(t + arrival.delay), arrived);
      }
      addTimestep(activity, t, { ...did, ...later.take(t) });
    },
  };
}

interface Sent {
  readonly spikes: number;
  readonly bits: number;
  readonly events: number;
  readonly eventBits: number;
}

function sentBy(
  { op, fanOut }: Sender,
  step: NeuronStep | undefined,
  buffers: ReadonlyMap<ValueId, TensorData>,
): Sent {
  const sent = { spikes: 0, bits: 0, events: 0, eventBits: 0 };
  const add = (i: number, spikes: number, bits: number): void => {
    const degree = fanOut[i] ?? 0;
    sent.spikes += spikes;
    sent.bits += bits;
    sent.events += spikes * degree;
    sent.eventBits += bits * degree;
  };
  if (step !== undefined) {
    const { spikesOfEach: spikes, bitsOfEach: bits } = step.neurons;
    for (let i = 0; i < spikes.length; i++) {
      if (spikes[i] !== 0) add(i, spikes[i] ?? 0, bits[i] ?? 0);
    }
    return sent;
  }
  // A pool lets one word through, or none.
  const values = known(buffers.get(op.result), `value %${op.result}`);
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) add(i, 1, 1);
  return sent;
}

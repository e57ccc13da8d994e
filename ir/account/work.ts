/** All that a run takes, by where it comes from: what follows from the network, and what an engine counted. */
import { type Account, type NeuronAccount, multiplyAccumulatesIn } from "./account.ts";
import { type Operations, noOperations, operations, plus } from "./operations.ts";

/** What an engine counted of a run, or its mean over runs. */
export interface Counted {
  /** Timesteps that ran; 1 in a framed code, and where the code is none. */
  readonly steps: number;
  readonly events: number;
  readonly plainEvents: number;
  readonly eventBits: number;
  /** Spikes of each neuron op, in the order of the module. */
  readonly spikes: ArrayLike<number>;
}

export interface Work {
  /** Products of weights with the input, once. */
  readonly input: Operations;
  /** Products on what is not a spike at each timestep. */
  readonly real: Operations;
  /** Words that met weights: an addition where the word is plain, otherwise a multiply-accumulate. */
  readonly events: Operations;
  /** The same as an addition for each bit; null where steps are no powers of two of each other. */
  readonly bits: Operations | null;
  /** What neurons do besides. */
  readonly neurons: Operations;
  /** Everything else: biases, decoders, pools, activations and normalisations on real values. */
  readonly other: Operations;
}

/** The work of a run. */
export function workOfRun(account: Account, counted: Counted): Work {
  const { steps, events, plainEvents, eventBits, spikes } = counted;
  const once = account.inputProducts + account.stillProducts;
  return {
    input: operations({ multiplyAccumulates: once }),
    real: operations({ multiplyAccumulates: multiplyAccumulatesIn(account, steps) - once }),
    events: operations({ multiplyAccumulates: events - plainEvents, additions: plainEvents }),
    bits: account.neurons.every(({ shifts }) => shifts)
      ? operations({ additions: eventBits })
      : null,
    neurons: account.neurons.reduce(
      (sum, each, i) => plus(sum, updatesOf(each, steps, spikes[i] ?? 0)),
      noOperations,
    ),
    other: plus(account.other.once, account.other.each, steps),
  };
}

/** All of it, by events. */
export function allOperations({ input, real, events, neurons, other }: Work): Operations {
  return [input, real, events, neurons, other].reduce((sum, each) => plus(sum, each));
}

/** All operations of a run, by kind. */
export function operationsOf(account: Account, counted: Counted): Operations {
  return allOperations(workOfRun(account, counted));
}

/** What the neurons of one op do in a run. */
function updatesOf(
  { neurons, ticks, cost }: NeuronAccount,
  steps: number,
  spikes: number,
): Operations {
  return plus(
    plus(plus(noOperations, cost.perRun, neurons), cost.perStep, neurons * ticks * steps),
    cost.perSpike,
    spikes,
  );
}

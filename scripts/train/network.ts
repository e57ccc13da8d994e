/**
 * A perceptron: values forwards, gradients backwards, steps of Adam. Weights are [in, out], so that an
 * input that is 0 costs nothing.
 */
import { known } from "../../ir/diagnostic.ts";
import { uniform } from "../../ir/random.ts";
import { type Parameters, adamStep, parameters } from "./adam.ts";
import { crossEntropy } from "./loss.ts";

export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: Parameters;
  readonly bias: Parameters;
}

/** What hidden neurons do with their currents. */
export interface Activation {
  readonly value: (current: number) => number;
  /** Its derivative. */
  readonly slope: (current: number) => number;
  /** The current without an input, before anything is learnt. */
  readonly bias: number;
}

/** Changes what the neurons of a hidden layer send, in place, while the network learns. */
export type Disturb = (values: Float32Array, layer: number) => void;

export class Network {
  readonly layers: readonly Layer[];
  private readonly activation: Activation;
  /** Of each layer: what it was given, the currents that it made, and gradients of these. */
  private readonly given: Float32Array[];
  private readonly currents: Float32Array[];
  private readonly errors: Float32Array[];
  private steps = 0;

  constructor(sizes: readonly number[], activation: Activation, seed: number) {
    this.activation = activation;
    this.layers = sizes.slice(1).map((outputs, l): Layer => {
      const inputs = known(sizes[l], "a size");
      // He et al. 2015.
      const bound = Math.sqrt(6 / inputs);
      const weights = Float32Array.from(
        { length: inputs * outputs },
        (_, i) => bound * (2 * uniform(seed, i, l, 0) - 1),
      );
      const isHidden = l + 2 < sizes.length;
      const bias = new Float32Array(outputs).fill(isHidden ? activation.bias : 0);
      return { inputs, outputs, weight: parameters(weights), bias: parameters(bias) };
    });
    this.given = this.layers.map(({ inputs }) => new Float32Array(inputs));
    this.currents = this.layers.map(({ outputs }) => new Float32Array(outputs));
    this.errors = this.layers.map(({ outputs }) => new Float32Array(outputs));
  }

  /** The logits of one sample, until the next call. */
  forward(x: Float32Array, disturb: Disturb | null): Float32Array {
    known(this.given[0], "a layer").set(x);
    this.layers.forEach((layer, l) => {
      const current = known(this.currents[l], "currents");
      weighted(layer, known(this.given[l], "what it is given"), current);
      const next = this.given[l + 1];
      if (next === undefined) return;
      for (let o = 0; o < next.length; o++) next[o] = this.activation.value(current[o] ?? 0);
      disturb?.(next, l);
    });
    return known(this.currents.at(-1), "logits");
  }

  /** Adds the gradients of the cross-entropy of the last forward sample to the sums; gives the loss. */
  backward(label: number): number {
    const logits = known(this.currents.at(-1), "logits");
    const last = known(this.errors.at(-1), "errors");
    const loss = crossEntropy(logits, label, last);
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const layer = known(this.layers[l], "a layer");
      const error = known(this.errors[l], "errors");
      const before = this.errors[l - 1] ?? null;
      gradients(layer, known(this.given[l], "what it was given"), error, before);
      const currents = this.currents[l - 1];
      if (before === null || currents === undefined) continue;
      for (let i = 0; i < before.length; i++) {
        before[i] = (before[i] ?? 0) * this.activation.slope(currents[i] ?? 0);
      }
    }
    return loss;
  }

  /** One step of Adam by the gradients summed over `samples`, which are then 0. */
  step(rate: number, samples: number): void {
    this.steps++;
    const learnt = this.layers.flatMap(({ weight, bias }) => [weight, bias]);
    adamStep(learnt, { step: this.steps, rate, samples });
  }
}

function weighted({ outputs, weight, bias }: Layer, x: Float32Array, into: Float32Array): void {
  into.set(bias.values);
  const { values } = weight;
  for (let i = 0; i < x.length; i++) {
    const value = x[i] ?? 0;
    if (value === 0) continue;
    const row = i * outputs;
    for (let o = 0; o < outputs; o++) into[o] = (into[o] ?? 0) + value * (values[row + o] ?? 0);
  }
}

/** Adds to a layer's sums of gradients; the errors of its inputs go to `before`. */
function gradients(
  { outputs, weight, bias }: Layer,
  x: Float32Array,
  error: Float32Array,
  before: Float32Array | null,
): void {
  for (let o = 0; o < outputs; o++) {
    bias.gradients[o] = (bias.gradients[o] ?? 0) + (error[o] ?? 0);
  }
  const { values, gradients: sums } = weight;
  for (let i = 0; i < x.length; i++) {
    const value = x[i] ?? 0;
    const row = i * outputs;
    if (value !== 0) {
      for (let o = 0; o < outputs; o++) {
        sums[row + o] = (sums[row + o] ?? 0) + value * (error[o] ?? 0);
      }
    }
    if (before === null) continue;
    let sum = 0;
    for (let o = 0; o < outputs; o++) sum += (values[row + o] ?? 0) * (error[o] ?? 0);
    before[i] = sum;
  }
}

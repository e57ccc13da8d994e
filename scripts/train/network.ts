/**
 * A perceptron: values forwards, gradients backwards, steps of Adam. Weights are [in, out], so that an
 * input that is 0 costs nothing.
 */
import { known } from "../../ir/diagnostic.ts";
import { uniform } from "../../ir/random.ts";

/** Numbers that are learnt, with the sum of their gradients and what Adam remembers of earlier ones. */
interface Parameters {
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly means: Float32Array;
  readonly squares: Float32Array;
}

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

function parameters(values: Float32Array): Parameters {
  const zeros = (): Float32Array => new Float32Array(values.length);
  return { values, gradients: zeros(), means: zeros(), squares: zeros() };
}

/** Adam's constants, as Kingma & Ba (2015) recommend them. */
const keepMean = 0.9;
const keepSquare = 0.999;
const epsilon = 1e-8;

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
    const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = logits.reduce((total, z) => total + Math.exp(z - most), 0);
    logits.forEach((z, o) => {
      last[o] = Math.exp(z - most) / sum - Number(o === label);
    });
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
    return Math.log(sum) + most - (logits[label] ?? 0);
  }

  /** One step of Adam by the gradients summed over `samples`, which are then 0. */
  step(rate: number, samples: number): void {
    this.steps++;
    const size = (rate * Math.sqrt(1 - keepSquare ** this.steps)) / (1 - keepMean ** this.steps);
    for (const { weight, bias } of this.layers) {
      for (const { values, gradients: sums, means, squares } of [weight, bias]) {
        for (let i = 0; i < values.length; i++) {
          const g = (sums[i] ?? 0) / samples;
          const mean = keepMean * (means[i] ?? 0) + (1 - keepMean) * g;
          const square = keepSquare * (squares[i] ?? 0) + (1 - keepSquare) * g * g;
          means[i] = mean;
          squares[i] = square;
          values[i] = (values[i] ?? 0) - (size * mean) / (Math.sqrt(square) + epsilon);
          sums[i] = 0;
        }
      }
    }
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

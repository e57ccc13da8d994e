/** Trains a network on labelled images, the same way for the same seed. */
import { uniform } from "../../ir/random.ts";
import { type Activation, type Disturb, Network } from "./network.ts";

export interface Images {
  readonly count: number;
  /** Pixels of one image, from 0 to 1. */
  readonly at: (index: number) => Float32Array;
  readonly labels: Int32Array;
}

/** What learns: values of one sample forwards, gradients backwards, steps by gradients that were summed. */
export interface Learner {
  forward(x: Float32Array, disturb: Disturb | null): void;
  /** Adds the gradients of the last forward sample's loss to the sums; gives the loss. */
  backward(label: number): number;
  step(rate: number, samples: number): void;
}

export interface Schedule {
  readonly epochs: number;
  readonly batch: number;
  /** Of the first step; it falls to a hundredth along half a cosine. */
  readonly learningRate: number;
  readonly seed: number;
  /** What is done to neurons while they learn from a sample, which are counted. */
  readonly disturb: ((sample: number) => Disturb) | null;
  readonly onEpoch: (epoch: number, loss: number) => void;
}

export interface Training extends Schedule {
  readonly sizes: readonly number[];
  readonly activation: Activation;
}

export function train(images: Images, how: Training): Network {
  const network = new Network(how.sizes, how.activation, how.seed);
  learn(network, images, how);
  return network;
}

export function learn(learner: Learner, images: Images, how: Schedule): void {
  const total = how.epochs * Math.ceil(images.count / how.batch);
  let step = 0;
  for (let epoch = 0; epoch < how.epochs; epoch++) {
    const order = shuffled(images.count, how.seed, epoch);
    let loss = 0;
    for (let first = 0; first < images.count; first += how.batch) {
      const batch = order.subarray(first, first + how.batch);
      batch.forEach((index, i) => {
        const sample = epoch * images.count + first + i;
        learner.forward(images.at(index), how.disturb?.(sample) ?? null);
        loss += learner.backward(images.labels[index] ?? 0);
      });
      const share = 0.505 + 0.495 * Math.cos((Math.PI * step++) / total);
      learner.step(how.learningRate * share, batch.length);
    }
    how.onEpoch(epoch + 1, loss / images.count);
  }
}

/** 0 … count − 1 in an order of its own for each epoch (Fisher & Yates). */
function shuffled(count: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, i, epoch, 1) * (i + 1));
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}

/**
 * Networks that are built and not trained: those that other simulators were measured on, and those
 * whose size and firing rate are turned one at a time.
 */
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { f32, scalar } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";
import { heWeights } from "./noise.ts";

/** Adds layers one behind the other, each with a name and weights of its own. */
function layersOf(name: string, seed: number) {
  const builder = new Builder();
  const at = (layer: string) => sourceLoc(name, layer, "generated");
  let made = 0;
  const weights = (shape: readonly number[], fanIn: number): string => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const data = heWeights(length, fanIn, seed * 1000 + made);
    return builder.tensor(`weight${made++}`, f32(shape, data));
  };
  return {
    builder,
    input: (shape: readonly number[]): ValueId => builder.input("x", real("f32", shape), at("x")),
    linear(x: ValueId, inputs: number, outputs: number): ValueId {
      const attrs = { weight: weights([outputs, inputs], inputs), bias: null };
      return builder.add("ann.linear", [x], attrs, at(`linear${made}`));
    },
    /** 3x3, stride 1, padded to the same extent. */
    convolution(x: ValueId, inputs: number, outputs: number): ValueId {
      const weight = weights([outputs, inputs, 3, 3], inputs * 9);
      const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
      const attrs = { ...window, weight, bias: null, groups: 1 };
      return builder.add("ann.conv", [x], attrs, at(`conv${made}`));
    },
    relu: (x: ValueId): ValueId => builder.add("ann.relu", [x], {}, at(`relu${made}`)),
    pool(x: ValueId): ValueId {
      const window = { strides: [2, 2], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };
      const attrs = { ...window, kernel: [2, 2], ceilMode: false };
      return builder.add("ann.max-pool", [x], attrs, at(`pool${made}`));
    },
    reshape: (x: ValueId, shape: readonly number[]): ValueId =>
      builder.add("ann.reshape", [x], { shape }, at(`reshape${made}`)),
    neuron(x: ValueId, threshold: number): ValueId {
      const level = builder.tensor("threshold", scalar("f32", threshold));
      const vInit = builder.tensor("vInit", scalar("f32", threshold / 2));
      const attrs = { threshold: level, vInit, amplitude: level, reset: "subtract" } as const;
      return builder.add("snn.if", [x], attrs, at(`neuron${made}`));
    },
    readout: (x: ValueId): ValueId => builder.add("snn.readout", [x], { start: 0 }, at("readout")),
  };
}

/** 784-512-512-10, ReLU between, on images [1, 1, 28, 28]. */
export function peerMlp(seed: number): Module {
  const layers = layersOf("mlp", seed);
  let x = layers.reshape(layers.input([1, 1, 28, 28]), [1, 784]);
  x = layers.relu(layers.linear(x, 784, 512));
  x = layers.relu(layers.linear(x, 512, 512));
  const value = layers.linear(x, 512, 10);
  return layers.builder.finish({ name: "mlp", outputs: [{ name: "logits", value }] });
}

/** Two 3x3 convolutions of 32 and 64 channels, each pooled by 2, then 128 and 10 neurons. */
export function peerCnn(seed: number): Module {
  const layers = layersOf("cnn", seed);
  let x = layers.input([1, 1, 28, 28]);
  x = layers.pool(layers.relu(layers.convolution(x, 1, 32)));
  x = layers.pool(layers.relu(layers.convolution(x, 32, 64)));
  x = layers.reshape(x, [1, 64 * 7 * 7]);
  x = layers.relu(layers.linear(x, 64 * 7 * 7, 128));
  const value = layers.linear(x, 128, 10);
  return layers.builder.finish({ name: "cnn", outputs: [{ name: "logits", value }] });
}

export interface GrowthNetwork {
  /** Neurons in each of three layers. */
  readonly width: number;
  /** Spikes per neuron and timestep that thresholds are set for; what comes out is measured. */
  readonly firingRate: number;
  readonly timesteps: number;
}

/**
 * A spiking network of three equal layers on inputs of root mean square 1/√3 (uniform in 0 … 1).
 * With He's weights a layer's currents keep that size, σ = √2 · rms of its inputs for the first
 * layer and about that behind; half of them are negative, so that the mean of the positive part is
 * σ/√(2π), and a threshold of that over the rate gives the rate.
 */
export function growthNetwork({ width, firingRate, timesteps }: GrowthNetwork): Module {
  const layers = layersOf("growth", 0);
  const sigma = Math.sqrt(2 / 3);
  const threshold = sigma / Math.sqrt(2 * Math.PI) / firingRate;
  let x = layers.input([1, width]);
  for (let i = 0; i < 3; i++) x = layers.neuron(layers.linear(x, width, width), threshold);
  const value = layers.readout(layers.linear(x, width, 10));
  return layers.builder.finish({
    name: "growth",
    code: "rate",
    timesteps,
    outputs: [{ name: "logits", value }],
    properties: new Set(["canonical", "spiking"]),
  });
}

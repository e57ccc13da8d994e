/** A small convolutional network with everything that pipelines meet, and samples for it. */
import { Builder } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { uniform } from "../../ir/random.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { interpretEngine } from "../../backends/interpret/engine.ts";

export const running = { engine: interpretEngine, threads: 1 };

type Activation = "ann.relu" | "ann.sigmoid" | "ann.identity";

export interface Variant {
  readonly hidden?: number;
  readonly activation?: Activation;
  /** The activation of the convolution. */
  readonly first?: Activation;
  readonly last?: "ann.softmax" | "ann.log-softmax";
  readonly seed?: number;
}

/** Convolution, batch normalisation, ReLU, max-pool, hidden layer with `activation`, softmax. */
export function network(variant: Variant = {}): Module {
  const { hidden = 6, seed = 1 } = variant;
  const { activation = "ann.relu", first = "ann.relu", last = "ann.softmax" } = variant;
  const b = new Builder();
  const loc = (name: string, op: string) => sourceLoc("net.onnx", `/${name}`, op);
  let draws = 0;
  const random = (name: string, shape: Shape, low = -1, high = 1): string => {
    const values = Array.from(
      { length: elementCount(shape) },
      () => low + (high - low) * uniform(seed, draws++, 0, 0),
    );
    return b.tensor(name, tensorOf("f32", shape, values));
  };
  const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
  const pool = { strides: [2, 2], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };
  const image = b.input("image", real("f32", [1, 1, 4, 4]), loc("image", "Input"));
  const weight = random("conv.weight", [3, 1, 3, 3]);
  const conv = { ...window, weight, bias: null, groups: 1 };
  const features = b.add("ann.conv", [image], conv, loc("conv", "Conv"));
  const bn = {
    scale: random("bn.scale", [3], 0.5, 1.5),
    bias: random("bn.bias", [3]),
    mean: random("bn.mean", [3]),
    variance: random("bn.variance", [3], 0.5, 1.5),
    epsilon: 1e-5,
  };
  const normal = b.add("ann.batchnorm", [features], bn, loc("bn", "BatchNormalization"));
  const rectified = b.add(first, [normal], {}, loc("relu1", "Relu"));
  const pooling = { ...pool, kernel: [2, 2], ceilMode: false };
  const pooled = b.add("ann.max-pool", [rectified], pooling, loc("pool", "MaxPool"));
  const flat = b.add("ann.reshape", [pooled], { shape: [1, 12] }, loc("flat", "Flatten"));
  const inner = b.add(
    "ann.linear",
    [flat],
    { weight: random("fc1.weight", [hidden, 12]), bias: random("fc1.bias", [hidden]) },
    loc("fc1", "Gemm"),
  );
  const act = b.add(activation, [inner], {}, loc("act", "Act"));
  const outer = b.add(
    "ann.linear",
    [act],
    { weight: random("fc2.weight", [3, hidden]), bias: null },
    loc("fc2", "Gemm"),
  );
  const y = b.add(last, [outer], { axis: 1 }, loc("softmax", "Softmax"));
  return b.finish({ name: "net", outputs: [{ name: "probabilities", value: y }] });
}

/** Random images. */
export function images(count: number, seed = 7): SampleSource {
  return {
    count,
    get: (index) => [
      tensorOf(
        "f32",
        [1, 1, 4, 4],
        Array.from({ length: 16 }, (_, k) => 2 * uniform(seed, index, k, 0) - 1),
      ),
    ],
  };
}

/** What the network itself predicts. */
export function predictions(module: Module, samples: SampleSource): Int32Array {
  return Int32Array.from({ length: samples.count }, (_, index) => {
    const [y] = interpret(module, samples.get(index), { timesteps: 1 }).outputs;
    const logits = known(y, "an output");
    return logits.indexOf(Math.max(...logits));
  });
}

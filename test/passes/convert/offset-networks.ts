/** Networks whose activations vary little around a large constant, and samples for them. */
import { Builder } from "../../../ir/build.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { uniform } from "../../../ir/random.ts";
import { scalar, tensorOf } from "../../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../../ir/type.ts";

type Range = readonly [low: number, high: number];
const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };

/** Layers with random weights; biases lie in a given range. */
class Layers {
  readonly b = new Builder();
  private drawn = 0;

  input(shape: Shape): ValueId {
    return this.b.input("x", real("f32", shape), this.loc("x"));
  }

  conv(x: ValueId, to: number, bias: Range, name: string): ValueId {
    const from = this.b.typeOf(x).shape[1] ?? 1;
    const weight = this.random([to, from, 3, 3], [-0.3, 0.3]);
    const attrs = { ...window, groups: 1, weight, bias: this.random([to], bias) };
    return this.b.add("ann.conv", [x], attrs, this.loc(name));
  }

  linear(x: ValueId, to: number, bias: Range, name: string): ValueId {
    const size = elementCount(this.b.typeOf(x).shape);
    const flat = this.b.add("ann.reshape", [x], { shape: [1, size] }, this.loc(`${name}.flat`));
    const attrs = { weight: this.random([to, size], [-0.5, 0.5]), bias: this.random([to], bias) };
    return this.b.add("ann.linear", [flat], attrs, this.loc(name));
  }

  relu(x: ValueId, name: string): ValueId {
    return this.b.add("ann.relu", [x], {}, this.loc(name));
  }

  loc(name: string) {
    return sourceLoc("offset.onnx", name, name);
  }

  /** The network, with a last layer of 4 outputs. */
  finish(x: ValueId): Module {
    const value = this.linear(x, 4, [0, 0], "last");
    return this.b.finish({ name: "offset", outputs: [{ name: "y", value }] });
  }

  private random(shape: Shape, [low, high]: Range): string {
    const draw = (): number => low + (high - low) * uniform(3, this.drawn++, 0, 0);
    const values = Array.from({ length: elementCount(shape) }, draw);
    return this.b.tensor("t", tensorOf("f32", shape, values));
  }
}

const image = [1, 2, 5, 5] as const;
const row = [1, 8] as const;

/** By what is unusual about each. */
export const offsetNetworks: Readonly<Record<string, () => Module>> = {
  "a linear layer": () => {
    const n = new Layers();
    return n.finish(n.relu(n.linear(n.input(row), 6, [3000, 3400], "first"), "relu"));
  },
  "a ceiling": () => {
    const n = new Layers();
    const x = n.linear(n.input(row), 6, [4000, 5000], "first");
    return n.finish(n.b.add("ann.clip", [x], { min: 0, max: 5001 }, n.loc("clip")));
  },
  "zero padding": () => {
    const n = new Layers();
    const first = n.relu(n.conv(n.input(image), 3, [300, 500], "first"), "relu1");
    return n.finish(n.relu(n.conv(first, 3, [4000, 5000], "second"), "relu2"));
  },
  "some channels": () => {
    const n = new Layers();
    const x = n.conv(n.input(image), 4, [0, 0.2], "first");
    const shift = n.b.tensor("shift", tensorOf("f32", [1, 4, 1, 1], [0, 800, 0.1, 900]));
    const scale = n.b.tensor("scale", scalar("f32", 1));
    const moved = n.b.add("ann.affine", [x], { scale, shift }, n.loc("shift"));
    return n.finish(n.relu(n.conv(n.relu(moved, "relu1"), 3, [0, 1], "second"), "relu2"));
  },
  "a shortcut and a pool": () => {
    const n = new Layers();
    const first = n.relu(n.conv(n.input(image), 3, [300, 500], "first"), "relu1");
    const second = n.conv(first, 3, [0, 1], "second");
    const sum = n.relu(n.b.add("ann.add", [second, first], {}, n.loc("add")), "relu2");
    const pads = { padsBegin: [0, 0], padsEnd: [0, 0] };
    const attrs = { ...window, ...pads, kernel: [2, 2], ceilMode: false };
    return n.finish(n.b.add("ann.max-pool", [sum], attrs, n.loc("pool")));
  },
  "negative values": () => {
    const n = new Layers();
    const x = n.linear(n.input(row), 6, [-4000, -3000], "first");
    const leaky = n.b.add("ann.leaky-relu", [x], { alpha: 0.1 }, n.loc("leaky"));
    return n.finish(n.relu(n.linear(leaky, 6, [900, 1000], "second"), "relu"));
  },
};

/** Nothing that is constant. */
export function plainNetwork(): Module {
  const n = new Layers();
  const first = n.relu(n.conv(n.input(image), 3, [-0.2, 0.5], "first"), "relu1");
  return n.finish(n.relu(n.conv(first, 3, [-0.2, 0.5], "second"), "relu2"));
}

/** Samples from −size to size for a network. */
export function samplesOf(module: Module, count: number, seed: number, size = 1): SampleSource {
  const shape = module.ops[0]?.type.shape ?? [];
  const at = (index: number): number[] =>
    Array.from(
      { length: elementCount(shape) },
      (_, i) => size * (2 * uniform(seed, index, i, 0) - 1),
    );
  return { count, get: (index) => [tensorOf("f32", shape, at(index))] };
}

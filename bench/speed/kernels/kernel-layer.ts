/**
 * One spiking layer to be timed on its own, and samples that make its inputs fire at a given rate.
 * Neurons that do nothing but fire stand before the layer, so that its kernel reads spikes as it
 * does in a network: as masks, of all timesteps.
 */
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { type Tensor, f32, scalar, tensorOf } from "../../../ir/tensor.ts";
import { elementCount, real } from "../../../ir/type.ts";
import { fillUniform } from "../networks/noise.ts";

/** A square convolution of stride 1, padded to the same extent, or a linear layer. */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** Rows and columns of the image; 0 for a linear layer. */
  readonly extent: number;
  /** Rows and columns of the window; odd. */
  readonly kernel: number;
}

/** What sums are kept in: the kernels' lane modes, which the weights bring about. */
export const arithmetics = ["f32", "i32", "i16"] as const;
export type Arithmetic = (typeof arithmetics)[number];

export interface LayerModule {
  readonly module: Module;
  /** The neurons whose inputs are the layer's; the step of this op is what is timed. */
  readonly timed: ValueId;
}

/** The potential at which the neurons of integers fire, and what an input of 1 is worth. */
const integerThreshold = 1000;
const integerScale = 4;

/** "16 → 16 × 32 × 32, 3×3", "512 → 512". */
export function layerName({ inputs, outputs, extent, kernel }: Layer): string {
  const channels = `${inputs} → ${outputs}`;
  return extent === 0 ? channels : `${channels} × ${extent} × ${extent}, ${kernel}×${kernel}`;
}

export function pixelsOf({ extent }: Layer): number {
  return extent === 0 ? 1 : extent * extent;
}

/**
 * input → neurons → the layer → neurons → one sum per pixel, which is small to keep. Inputs start
 * at random potentials: each fires at its own phase.
 */
export function layerModule(layer: Layer, arithmetic: Arithmetic, timesteps: number): LayerModule {
  const isFloat = arithmetic === "f32";
  const builder = new Builder();
  const at = (name: string) => sourceLoc("kernel", name, "generated");
  const shape = inputShape(layer);
  const level = isFloat ? 1 : integerThreshold;
  const currents = isFloat ? "f32" : "i32";
  const neurons = (x: ValueId, name: string, vInit: Tensor): ValueId => {
    const attrs = {
      threshold: builder.tensor("threshold", scalar(currents, level)),
      vInit: builder.tensor("vInit", vInit),
      amplitude: builder.tensor("amplitude", amplitudeOf(arithmetic)),
      reset: "subtract",
    } as const;
    return builder.add("snn.if", [x], attrs, at(name));
  };
  const synapse = (x: ValueId, outputs: number, inputs: number, kernel: number): ValueId => {
    const dims = layer.extent === 0 ? [outputs, inputs] : [outputs, inputs, kernel, kernel];
    const weight = builder.tensor("weight", weightsOf(dims, arithmetic));
    if (layer.extent === 0) return builder.add("ann.linear", [x], { weight, bias: null }, at("w"));
    const pads = [(kernel - 1) / 2, (kernel - 1) / 2];
    const window = { strides: [1, 1], padsBegin: pads, padsEnd: pads, dilations: [1, 1] };
    return builder.add("ann.conv", [x], { ...window, weight, bias: null, groups: 1 }, at("w"));
  };
  const phases = drawn(elementCount(shape), 1, 0, level);
  // Integers from 8 bits: sums of them are proven to stay within 32.
  const given = builder.input("x", real(isFloat ? "f32" : "u8", shape), at("x"));
  const scale = builder.tensor("scale", scalar("i8", integerScale));
  const shift = builder.tensor("shift", scalar("i32", 0));
  const x = isFloat ? given : builder.add("ann.affine", [given], { scale, shift }, at("scale"));
  const spikes = neurons(x, "inputs", tensorOf(currents, shape, asNumbers(phases, isFloat)));
  const sums = synapse(spikes, layer.outputs, layer.inputs, layer.kernel);
  const timed = neurons(sums, "timed", scalar(currents, 0));
  const total = synapse(timed, 1, layer.outputs, 1);
  const value = builder.add("snn.readout", [total], { start: 0 }, at("readout"));
  const module = builder.finish({
    name: "kernel",
    code: "rate",
    timesteps,
    outputs: [{ name: "y", value }],
    properties: new Set(["canonical", "spiking"]),
  });
  return { module, timed };
}

/**
 * Currents under which inputs fire `rate` times a timestep on average, each at a rate of its own
 * between none and twice as often; another sample for each seed.
 */
export function layerSample(
  layer: Layer,
  arithmetic: Arithmetic,
  rate: number,
  seed: number,
): Tensor {
  const shape = inputShape(layer);
  const isFloat = arithmetic === "f32";
  // Inputs of integers are u8, so that rates go up to a half.
  const level = isFloat ? 1 : integerThreshold / integerScale;
  const data = drawn(elementCount(shape), seed, 0, 2 * rate * level);
  return tensorOf(isFloat ? "f32" : "u8", shape, asNumbers(data, isFloat));
}

function inputShape({ inputs, extent }: Layer): number[] {
  return extent === 0 ? [1, inputs] : [1, inputs, extent, extent];
}

/** Spikes of integers are worth 1 or, to bring sums beyond 16 bits, much. */
function amplitudeOf(arithmetic: Arithmetic): Tensor {
  if (arithmetic === "f32") return scalar("f32", 1);
  return scalar("i8", arithmetic === "i16" ? 1 : 100);
}

/** Integers are small enough that sums of 16 bits are proven to suffice where they are wanted. */
function weightsOf(shape: readonly number[], arithmetic: Arithmetic): Tensor {
  const count = elementCount(shape);
  const [outputs = 1] = shape;
  const inputs = count / outputs;
  if (arithmetic === "f32") {
    const bound = Math.sqrt(6 / inputs);
    return f32(shape, drawn(count, 2, -bound, bound));
  }
  const bound = Math.min(100, Math.floor(32_767 / inputs));
  return tensorOf("i8", shape, asNumbers(drawn(count, 2, -bound, bound + 1), false));
}

function drawn(count: number, seed: number, low: number, high: number): Float32Array {
  const data = new Float32Array(count);
  fillUniform(data, seed, low, high);
  return data;
}

function asNumbers(data: Float32Array, isFloat: boolean): number[] {
  return Array.from(data, (each) => (isFloat ? each : Math.floor(each)));
}

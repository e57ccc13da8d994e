/** A small spiking network on images, and what a build of it needs; for the tests of builds. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type * as api from "../../../backends/wasm/emit/loader/api.ts";
import { wasmBackend } from "../../../backends/wasm/emit/backend.ts";
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { uniform } from "../../../ir/random.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../../ir/type.ts";
import { type BuildOptions, buildFor } from "../../../library/build.ts";
import { loaderFiles } from "../../../library/loader-files.ts";

export type Loader = typeof api;

const imageShape = [1, 2, 6, 5];

/** `count` numbers of a seed between bounds, which float32 holds exactly. */
function numbers(seed: number, count: number, low: number, high: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    return Math.round(64 * (low + (high - low) * uniform(seed, i, 0, 0))) / 64;
  });
}

/** Convolution and linear layers of spiking neurons; both layers of neurons have one name. */
export function spikingNetwork(): Module {
  const b = new Builder();
  const loc = (name: string, op: string) => sourceLoc("net.onnx", name, op);
  let seed = 0;
  const weights = (name: string, shape: Shape): string =>
    b.tensor(name, tensorOf("f32", shape, numbers(++seed, elementCount(shape), -1, 1)));
  const constant = (name: string, value: number): string =>
    b.tensor(name, tensorOf("f32", [], [value]));
  const image = b.input("image", real("f32", imageShape), loc("image", "Input"));
  const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
  const kernel = { weight: weights("w1", [3, 2, 3, 3]), bias: null, groups: 1 };
  const currents = b.add("ann.conv", [image], { ...window, ...kernel }, loc("conv", "Conv"));
  const neuron = {
    threshold: constant("threshold", 1),
    vInit: constant("v", 0.5),
    amplitude: constant("amplitude", 1),
    reset: "subtract",
  } as const;
  const first = b.add("snn.if", [currents], neuron, loc("relu", "Relu"));
  const flat = b.add("ann.reshape", [first], { shape: [1, 90] }, loc("flat", "Flatten"));
  const inner = { weight: weights("w2", [8, 90]), bias: weights("b2", [8]) };
  const driven = b.add("ann.linear", [flat], inner, loc("fc1", "Gemm"));
  const second = b.add("snn.if", [driven], neuron, loc("relu", "Relu"));
  const last = { weight: weights("w3", [4, 8]), bias: null };
  const decided = b.add("ann.linear", [second], last, loc("fc2", "Gemm"));
  const logits = b.add("snn.readout", [decided], { start: 0 }, loc("fc2", "Gemm"));
  return b.finish({
    name: "net",
    code: "rate",
    timesteps: 12,
    outputs: [{ name: "logits", value: logits }],
  });
}

/** Two layers of graded neurons, with a bias over time before the second. */
export function gradedNetwork(): Module {
  const b = new Builder();
  const loc = (name: string, op: string) => sourceLoc("net.onnx", name, op);
  const x = b.input("image", real("f32", imageShape), loc("image", "Input"));
  const constant = (shape: Shape, values: readonly number[]): string =>
    b.tensor("n", tensorOf("f32", shape, values));
  const neuron = {
    threshold: constant([], [0.5]),
    vInit: constant([], [0]),
    amplitude: constant([], [0.5]),
    ceiling: null,
    bits: 2,
    alphabet: "word",
    sign: "retract",
    schedule: "constant",
    shares: null,
  } as const;
  const first = b.add("snn.graded", [x], neuron, loc("relu1", "Relu"));
  const flat = b.add("ann.reshape", [first], { shape: [1, 60] }, loc("flat", "Flatten"));
  const weight = constant([4, 60], numbers(7, 240, -1, 1));
  const driven = b.add("ann.linear", [flat], { weight, bias: null }, loc("fc", "Gemm"));
  const table = constant([3, 4], numbers(8, 12, -1, 1));
  const biased = b.add("snn.temporal-bias", [driven], { table }, loc("fc", "Gemm"));
  const second = b.add("snn.graded", [biased], neuron, loc("relu2", "Relu"));
  const value = b.add("snn.readout", [second], { start: 0 }, loc("relu2", "Relu"));
  return b.finish({
    name: "graded",
    code: "burst",
    timesteps: 9,
    outputs: [{ name: "logits", value }],
  });
}

/** Neurons that hear themselves a timestep later. */
export function recurrentNetwork(): Module {
  const b = new Builder();
  const loc = (name: string, op: string) => sourceLoc("net.onnx", name, op);
  const constant = (shape: Shape, values: readonly number[]): string =>
    b.tensor("n", tensorOf("f32", shape, values));
  const x = b.input("image", real("f32", imageShape), loc("image", "Input"));
  const flat = b.add("ann.reshape", [x], { shape: [1, 60] }, loc("flat", "Flatten"));
  const weight = constant([4, 60], numbers(7, 240, -1, 1));
  const driven = b.add("ann.linear", [flat], { weight, bias: null }, loc("fc", "Gemm"));
  const initial = constant([1, 4], [0, 1, 0, 0]);
  const back = b.add("snn.previous", [], { initial, domain: "spike" }, loc("back", "Loop"));
  const inner = constant([4, 4], numbers(8, 16, -1, 1));
  const heard = b.add("ann.linear", [back], { weight: inner, bias: null }, loc("back", "Loop"));
  const sum = b.add("ann.add", [driven, heard], {}, loc("sum", "Add"));
  const one = constant([], [1]);
  const neuron = { threshold: one, vInit: constant([], [0]), amplitude: one } as const;
  const spikes = b.add("snn.if", [sum], { ...neuron, reset: "subtract" }, loc("relu", "Relu"));
  const value = b.add("snn.readout", [spikes], { start: 0 }, loc("relu", "Relu"));
  return b.finish({
    name: "recurrent",
    code: "rate",
    timesteps: 9,
    outputs: [{ name: "logits", value }],
    carries: [{ value: spikes, source: back }],
  });
}

/** A layer of few-spikes neurons, which takes a frame of five timesteps as a whole. */
export function framedNetwork(): Module {
  const b = new Builder();
  const loc = (name: string, op: string) => sourceLoc("net.onnx", name, op);
  const x = b.input("image", real("f32", imageShape), loc("image", "Input"));
  const rows = b.tensor("rows", tensorOf("f32", [5], [0.5, 0.25, 0.125, 0.0625, 0.03125]));
  const vInit = b.tensor("v", tensorOf("f32", [], [0.015625]));
  const change = b.add("snn.difference", [x], {}, loc("image", "Input"));
  const neuron = { threshold: rows, reset: rows, amplitude: rows, vInit };
  const spikes = b.add("snn.few-spikes", [change], neuron, loc("relu", "Relu"));
  const value = b.add("snn.accumulate", [spikes], {}, loc("relu", "Relu"));
  return b.finish({
    name: "framed",
    code: "few-spikes",
    timesteps: 5,
    outputs: [{ name: "logits", value }],
  });
}

/**
 * Integer neurons whose current is `factor` times 127 in a timestep, at most, and whose spikes take 1 of
 * it away, so that potentials grow in each.
 */
export function integerNetwork(factor: number): Module {
  const b = new Builder();
  const loc = (name: string, op: string) => sourceLoc("net.onnx", name, op);
  const whole = (dtype: "i8" | "i32", value: number): string =>
    b.tensor(`n${value}`, tensorOf(dtype, [], [value]));
  const x = b.input("image", real("f32", [1, 1]), loc("image", "Input"));
  const unit = b.constant("unit", tensorOf("f32", [], [1]), loc("unit", "Constant"));
  const zero = b.constant("zero", tensorOf("i8", [], [0]), loc("zero", "Constant"));
  const attrs = { axis: 0, to: "i8" } as const;
  let value = b.add("ann.quantize-linear", [x, unit, zero], attrs, loc("q", "QuantizeLinear"));
  for (let rest = factor; rest > 1; rest /= 100) {
    const by = { scale: whole("i8", Math.min(100, rest)), shift: whole("i32", 0) };
    value = b.add("ann.affine", [value], by, loc("times", "Mul"));
  }
  const neuron = {
    threshold: whole("i32", 1),
    vInit: whole("i32", 0),
    amplitude: whole("i8", 1),
    reset: "subtract",
  } as const;
  const spikes = b.add("snn.if", [value], neuron, loc("relu", "Relu"));
  const read = b.add("snn.readout", [spikes], { start: 0 }, loc("relu", "Relu"));
  return b.finish({
    name: "integers",
    code: "rate",
    timesteps: 8,
    properties: new Set(["spiking", "integer"]),
    outputs: [{ name: "logits", value: read }],
  });
}

export function image(seed: number): Tensor {
  return tensorOf("f32", imageShape, numbers(1000 + seed, elementCount(imageShape), -1, 1));
}

export const making = {
  tool: { name: "snnc", version: "0" },
  network: { file: "net.snn", sha256: "00" },
  provenance: null,
};

export async function buildFiles(
  module: Module,
  { chunk = 4, ...options }: BuildOptions & { readonly chunk?: number } = {},
) {
  return buildFor(
    { backend: wasmBackend, options: { chunk } },
    module,
    options,
    making,
    loaderFiles,
  );
}

/** Writes a build to `folder`, and imports its loader as a program of the user's would. */
export async function unpack(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<{ readonly loader: Loader; readonly url: URL }> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(path.join(folder, name), bytes);
  const url = pathToFileURL(`${folder}/`);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- the import of a name is any
  const loader: Loader = await import(new URL("model.js", url).href);
  return { loader, url };
}

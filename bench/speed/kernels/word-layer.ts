/**
 * A layer on the words of integer neurons, to be timed on its own: neurons that send the words of an image
 * stand before it, so that its kernel reads words as it does in a network.
 */
import { type CompileOptions, compileProgram } from "../../../backends/wasm/compile.ts";
import { Instance, createMemory } from "../../../backends/wasm/runtime/instance.ts";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { type Tensor, scalar, tensorOf } from "../../../ir/tensor.ts";
import { elementCount, real } from "../../../ir/type.ts";
import { fillUniform } from "../networks/noise.ts";
import { type Layer, pixelsOf } from "./kernel-layer.ts";
import { stepOf } from "./kernel-run.ts";
import type { Meter } from "./meter.ts";

/** Words go from −K to K, as in networks that `fit-steps` and `quantise` make. */
const bits = 4;

/** Weights are spread as those of trained networks are: most are far from the largest. */
const deviation = 30;

/** input → neurons → the layer → neurons → one sum per pixel, which is small to keep. */
function wordModule(layer: Layer): { readonly module: Module; readonly timed: ValueId } {
  const builder = new Builder();
  const at = (name: string) => sourceLoc("kernel", name, "generated");
  const neurons = (x: ValueId, name: string, threshold: number): ValueId => {
    const attrs = {
      threshold: builder.tensor("threshold", scalar("i32", threshold)),
      vInit: builder.tensor("vInit", scalar("i32", 0)),
      amplitude: builder.tensor("amplitude", scalar("i32", 1)),
      ceiling: null,
      bits,
      alphabet: "word",
      sign: "retract",
      schedule: "constant",
      shares: null,
    } as const;
    return builder.add("snn.graded", [x], attrs, at(name));
  };
  const synapse = (x: ValueId, outputs: number, inputs: number, kernel: number): ValueId => {
    const dims = [outputs, inputs, kernel, kernel];
    const weight = builder.tensor("weight", normalWeights(dims));
    const pads = [(kernel - 1) / 2, (kernel - 1) / 2];
    const window = { strides: [1, 1], padsBegin: pads, padsEnd: pads, dilations: [1, 1] };
    return builder.add("ann.conv", [x], { ...window, weight, bias: null, groups: 1 }, at("w"));
  };
  const x = builder.input("x", real("i32", wordShape(layer)), at("x"));
  const begun = builder.add("snn.difference", [x], {}, at("begin"));
  const words = neurons(begun, "inputs", 1);
  const timed = neurons(synapse(words, layer.outputs, layer.inputs, layer.kernel), "timed", 400);
  const value = builder.add("snn.accumulate", [synapse(timed, 1, layer.outputs, 1)], {}, at("sum"));
  const module = builder.finish({
    name: "kernel",
    code: "differential",
    timesteps: 1,
    outputs: [{ name: "y", value }],
    properties: new Set(["canonical", "spiking"]),
  });
  return { module, timed };
}

/**
 * So many samples that a branch predictor does not come to know their words, and so few that they stay in
 * the caches, as words do in a network whose layer before has just sent them.
 */
const leastSamples = 16;
const pixelsInTurn = 2048;

/** What is measured of a layer on words. */
interface WordCase {
  readonly relaxed: boolean;
  /** The share of words that are not 0. */
  readonly density: number;
  /** Whether words that are not 0 are walked, or all are multiplied. */
  readonly kernel: "events" | "dense";
}

/**
 * One timestep of a layer with its neurons. Work is products of words and weights: those of all words, or
 * by events of those that are not 0.
 */
export async function wordMeter(
  layer: Layer,
  { relaxed, density, kernel }: WordCase,
): Promise<Meter> {
  const { module, timed } = wordModule(layer);
  const options: CompileOptions = {
    ...{ timesteps: 1, steps: 1, keep: [], average: [], traces: [] },
    // Counting comes last, and keeps the words that the layer reads until then.
    ...{ count: true, shared: false, tiles: 1, optimise: false, relaxed },
    windows: kernel === "dense" ? "tables" : "events",
  };
  const program = await compileProgram(module, options);
  const compiled = await WebAssembly.compile(program.binary);
  const step = known(
    program.functions.find((name) => name.endsWith(`: %${timed} snn.graded`)),
    "the layer's function",
  );
  const samples = Math.max(leastSamples, pixelsInTurn / pixelsOf(layer));
  const memory = createMemory(program, samples);
  const given = Array.from({ length: samples }, (_, seed) => wordSample(layer, density, seed));
  const calls = given.map((sample, arena) => {
    const instance = new Instance(program, compiled, memory, { arena, part: 0, parts: 1 });
    instance.give([sample.data]);
    instance.begin();
    instance.advance(0);
    return stepOf({ program, compiled, step }, memory, arena);
  });
  const products = layer.inputs * layer.outputs * layer.kernel ** 2 * pixelsOf(layer);
  const met = given.reduce((sum, sample) => sum + productsOf(layer, sample), 0);
  return {
    work: kernel === "events" ? met : products * samples,
    run() {
      for (const call of calls) call();
    },
  };
}

/** Products of the words that are not 0, with the windows that there are. */
function productsOf({ inputs, outputs, extent, kernel }: Layer, { data }: Tensor): number {
  const reach = (kernel - 1) / 2;
  const windows = (at: number): number =>
    Math.min(extent - 1, at + reach) - Math.max(0, at - reach) + 1;
  let sum = 0;
  for (let i = 0; i < inputs * extent * extent; i++) {
    if (data[i] === 0) continue;
    const [row, column] = [Math.floor(i / extent) % extent, i % extent];
    sum += windows(row) * windows(column) * outputs;
  }
  return sum;
}

/** Words of which a share is not 0 but from −K to K. */
function wordSample(layer: Layer, density: number, seed: number): Tensor {
  const shape = wordShape(layer);
  const count = elementCount(shape);
  const [size, place] = [new Float32Array(count), new Float32Array(count)];
  const most = 2 ** bits - 1;
  fillUniform(size, 100 + seed, -most, most);
  fillUniform(place, 900 + seed, 0, 1);
  const wordAt = (x: number): number => Math.trunc(x) + Math.sign(x);
  return tensorOf(
    "i32",
    shape,
    Array.from(size, (x, i) => ((place[i] ?? 1) < density ? wordAt(x) : 0)),
  );
}

function wordShape({ inputs, extent }: Layer): number[] {
  return [1, inputs, extent, extent];
}

/** Sums of twelve uniform numbers are about normal. */
function normalWeights(shape: readonly number[]): Tensor {
  const count = elementCount(shape);
  const drawn = new Float32Array(12 * count);
  fillUniform(drawn, 2, -0.5, 0.5);
  const values = Array.from({ length: count }, (_, i) => {
    const sum = drawn.subarray(12 * i, 12 * (i + 1)).reduce((a, b) => a + b, 0);
    return Math.max(-127, Math.min(127, Math.round(deviation * sum)));
  });
  return tensorOf("i8", shape, values);
}

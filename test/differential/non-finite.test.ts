/** That engines agree on samples that hold NaN, infinities, and the largest and smallest of floats. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { typedEngine } from "../../backends/typed/engine.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { Builder } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import type { ProbeData, SampleResult } from "../../ir/executable.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { uniform } from "../../ir/random.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { runOn } from "../backends/wasm/compare.ts";
import {
  type RandomNetwork,
  annNetworks,
  exactOnes,
  framedNetworks,
  spikingNetworks,
  temporalNetworks,
} from "../random/module.ts";

const engines = [typedEngine, wasmEngine];

/** What a value is replaced with. */
const special = [NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-42, -1e-42];

/** A network, and which of its inputs' elements are replaced with what. */
type Spoilt = readonly [RandomNetwork, readonly number[], number];

function spoilt(networks: fc.Arbitrary<RandomNetwork>): fc.Arbitrary<Spoilt> {
  const values = fc.array(fc.constantFrom(...special), { minLength: 1, maxLength: 3 });
  return fc.tuple(networks, values, fc.nat({ max: 999 }));
}

/** The inputs with each of `values` in a place of its own, or over one that was there before. */
function withValues(
  inputs: readonly Tensor[],
  values: readonly number[],
  seed: number,
): readonly Tensor[] {
  return inputs.map(({ dtype, shape, data }, input) => {
    const given = Array.from(data);
    // An input over time may be of no frames.
    if (given.length === 0) return tensorOf(dtype, shape, given);
    values.forEach((value, i) => {
      given[Math.floor(uniform(seed, i, input, 0) * given.length)] = value;
    });
    return tensorOf(dtype, shape, given);
  });
}

/** Alike in what is finite and what is not, and close to each other where both are finite. */
function expectAlike(found: ProbeData, wanted: ProbeData): void {
  const finite = Array.from(wanted).filter(Number.isFinite).map(Math.abs);
  const scale = Math.max(1e-6, ...finite);
  const near = Array.from(wanted, (y, i) => {
    const x = known(found[i], "an element");
    return Math.abs(x - y) <= 1e-4 * scale ? y : x;
  });
  expect(near).toEqual(Array.from(wanted));
}

function expectSame(found: SampleResult, wanted: SampleResult): void {
  expect(found.spikes).toEqual(wanted.spikes);
  wanted.outputs.forEach((y, i) => {
    expectAlike(known(found.outputs[i], "an output"), y);
  });
}

async function expectAgreement([{ module, inputs }, values, seed]: Spoilt): Promise<void> {
  const given = withValues(inputs, values, seed);
  const { sample: wanted } = await runOn(interpretEngine, module, given, { timesteps: 3 });
  for (const engine of engines) {
    const { sample } = await runOn(engine, module, given, { timesteps: 3 });
    expectSame(sample, wanted);
  }
}

/** One convolution of 3 × 3 taps and 8 channels, all weights 1, as Winograd's tiles would do it. */
function tiledConvolution(): Module {
  const builder = new Builder();
  const loc = sourceLoc("tiles.onnx", "/conv", "Conv");
  const x = builder.input("x", real("f32", [1, 8, 4, 4]), loc);
  const weight = builder.tensor("w", tensorOf("f32", [8, 8, 3, 3], new Array<number>(576).fill(1)));
  const each = (n: number): number[] => [n, n];
  const attrs = {
    weight,
    bias: null,
    groups: 1,
    strides: each(1),
    padsBegin: each(0),
    padsEnd: each(0),
    dilations: each(1),
  };
  const y = builder.add("ann.conv", [x], attrs, loc);
  return builder.finish({ name: "tiles", outputs: [{ name: "y", value: y }] });
}

const tableOfRows = "f32[4] dense<[8, 4, 2, 1]>";
const extremeConstants = "f32[1, 6] dense<[inf, -inf, nan, 3.4e38, -3.4e38, 1e-42]>";

/**
 * Values that get extreme within the network: what a neuron of a framed code makes of them, and what
 * is left of them where they are summed up again. 4 ticks.
 */
function framedText(code: string, neuron: string, type: string): string {
  return `module @m attributes {code = "${code}", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 6]
  %1 = ann.constant() {value = @extremes} : real[1, 6]
  %2 = ann.add(%0, %1) : real[1, 6]
  %3 = snn.difference(%2) : current[1, 6]
  %4 = ${neuron} : ${type}[1, 6]
  %5 = snn.accumulate(%4) : real[1, 6]
  ann.output(%5) {name = "y"}
}
tensors {
  @extremes = ${extremeConstants}
  @rows = ${tableOfRows}
  @one = f32[] dense<1>
  @zero = f32[] dense<0>
}
`;
}

const fewSpikes =
  "snn.few-spikes(%3) {threshold = @rows, reset = @rows, amplitude = @rows, vInit = @zero}";
const ttfs = (resolution: string): string =>
  `snn.ttfs(%3) {threshold = @one, vInit = @zero, amplitude = @one, resolution = "${resolution}"}`;

const fired = [
  ["few-spikes", framedText("few-spikes", fewSpikes, "spike"), [15, 0, 0, 15, 0, 0]],
  [
    "few-spikes, of fewer than ticks",
    framedText("few-spikes", fewSpikes, "spike").replace(tableOfRows, "f32[2] dense<[8, 4]>"),
    [12, 0, 0, 12, 0, 0],
  ],
  ["ttfs by ticks", framedText("ttfs", ttfs("tick"), "spike"), [4, 0, 0, 4, 0, 0]],
  ["ttfs between ticks", framedText("ttfs", ttfs("continuous"), "spike"), [4, 0, 0, 4, 0, 1e-42]],
  [
    "increments in rate code",
    framedText("rate", "snn.temporal-bias(%3) {table = @rows}", "current").replace(
      tableOfRows,
      "f32[1] dense<[0]>",
    ),
    [Infinity, -Infinity, NaN, 3.4e38, -3.4e38, 1e-42],
  ],
] as const;

describe("engines agree on samples with values that are not finite, or hardly", () => {
  it.each([
    ["analogue networks", annNetworks(), 15],
    ["rate code", spikingNetworks().filter(exactOnes), 10],
    ["neurons of all kinds", temporalNetworks().filter(exactOnes), 10],
    ["frames", framedNetworks(), 20],
  ] as const)("in %s", async (_, networks, numRuns) => {
    await fc.assert(fc.asyncProperty(spoilt(networks), expectAgreement), { numRuns });
  });

  it.each(special)("where a tile of a convolution holds %d", async (value) => {
    const module = tiledConvolution();
    // Ones, but for the second pixel of the first channel: the upper two of 2 × 2 windows have it.
    const data = Array.from({ length: 128 }, (_, i) => (i === 1 ? value : 1));
    const x = tensorOf("f32", [1, 8, 4, 4], data);
    const upper = Math.fround(Math.fround(value) + 71);
    const wanted = Array.from({ length: 32 }, (_, i) => (i % 4 < 2 ? upper : 72));
    for (const engine of [interpretEngine, ...engines]) {
      const { sample } = await runOn(engine, module, [x], { timesteps: 1 });
      expect(Array.from(known(sample.outputs[0], "an output"))).toEqual(wanted);
    }
  });

  it.each(fired)("where values get extreme within the network, in %s", async (_, text, y) => {
    const module = parseModule(text, { file: "test" });
    const wanted = Array.from(y, Math.fround);
    for (const engine of [interpretEngine, ...engines]) {
      const inputs = [tensorOf("f32", [1, 6], new Array<number>(6).fill(0))];
      const { sample } = await runOn(engine, module, inputs, { timesteps: 4 });
      const [output] = sample.outputs;
      expect(Array.from(known(output, "an output")).slice(-6)).toEqual(wanted);
    }
  });

  it("where increments are pooled, within a chunk of timesteps and over several", async () => {
    const pool =
      "strides = [1], padsBegin = [0], padsEnd = [0], dilations = [1], kernel = [1], ceilMode = false";
    const text = framedText("rate", `snn.max-pool(%3) {${pool}}`, "current");
    const module = parseModule(text.replaceAll("[1, 6]", "[1, 1, 6]"), { file: "test" });
    const wanted = Array.from([Infinity, -Infinity, NaN, 3.4e38, -3.4e38, 1e-42], Math.fround);
    for (const engine of [interpretEngine, ...engines]) {
      for (const timesteps of [4, 70]) {
        const inputs = [tensorOf("f32", [1, 1, 6], new Array<number>(6).fill(0))];
        const { sample } = await runOn(engine, module, inputs, { timesteps });
        const [output] = sample.outputs;
        expect(Array.from(known(output, "an output")).slice(-6)).toEqual(wanted);
      }
    }
  });

  it("where terms of a sum overflow, but not the sum", async () => {
    const builder = new Builder();
    const loc = sourceLoc("sum.onnx", "/fc", "Gemm");
    const x = builder.input("x", real("f32", [1, 2]), loc);
    const weight = builder.tensor("w", tensorOf("f32", [1, 2], [2, -1.5]));
    const y = builder.add("ann.linear", [x], { weight, bias: null }, loc);
    const module = builder.finish({ name: "sum", outputs: [{ name: "y", value: y }] });
    const largest = Math.fround(3.4e38);
    for (const engine of [interpretEngine, ...engines]) {
      const inputs = [tensorOf("f32", [1, 2], [largest, largest])];
      const { sample } = await runOn(engine, module, inputs, { timesteps: 1 });
      expect(Array.from(known(sample.outputs[0], "an output"))).toEqual([largest / 2]);
    }
  });
});

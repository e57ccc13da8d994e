/**
 * Neurons on i32 in all engines, to the bit, with numbers that float32 does not hold: potentials and
 * spikes of up to 32 bits, in one chunk of timesteps and in several. Random networks have small ones.
 */
import { isNeuron } from "../../../../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../../../backends/typed/single.ts";
import { Builder } from "../../../../../ir/build.ts";
import type { Probe, SampleResult } from "../../../../../ir/executable.ts";
import type { Code, Module } from "../../../../../ir/module.ts";
import { type ValueId } from "../../../../../ir/op/op.ts";
import { tensorOf } from "../../../../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../../../../ir/type.ts";
import { verify } from "../../../../../ir/verify.ts";
import { loc } from "../../../../ir/one-op.ts";
import { both, hostKinds, runOn } from "../../compare.ts";

const shape = [1, 5, 3, 3];
const channels = [5, 1, 1];
const ticks = 6;
const largest = 2 ** 31 - 1;

/** Whole numbers of either sign, spread over a range; the first ones are its ends. */
function spread(extents: Shape, low: number, high: number, seed = 0) {
  return tensorOf(
    "i32",
    extents,
    Array.from({ length: elementCount(extents) }, (_, i) => {
      if (seed === 0 && i < 2) return i === 0 ? low : high;
      return low + (((i + 1 + 31 * seed) * 2654435761) % (high - low + 1));
    }),
  );
}

type Make = (builder: Builder, x: ValueId) => ValueId;

/** An input of any i32, or as many bits of an i8, in a module of its own. */
function moduleOf(make: Make, code: Code, timesteps: number, dtype: "i8" | "i32"): Module {
  const builder = new Builder();
  const x = builder.input("x", real(dtype, shape), loc);
  const value = builder.add("snn.accumulate", [make(builder, x)], {}, loc);
  return builder.finish({
    name: "integers",
    outputs: [{ name: "y", value }],
    code,
    timesteps,
    properties: new Set(["spiking"]),
  });
}

async function expectSame(module: Module, dtype: "i8" | "i32", timesteps: number): Promise<void> {
  expect(verify(module)).toEqual([]);
  expect(await hostKinds(module)).toEqual([]);
  const probes = module.ops.flatMap(({ result, type, kind }): Probe[] =>
    type.domain === "real" || kind === "ann.input" ? [] : [{ value: result, keep: "trace" }],
  );
  const states = module.ops
    .filter(isNeuron)
    .map(({ result }): Probe => ({ value: result, keep: "state" }));
  const data = dtype === "i32" ? spread(shape, -(2 ** 31), largest) : spread(shape, -128, 127);
  const inputs = [tensorOf(dtype, shape, data.data)];
  const options = { timesteps, probes: [...probes, ...states] };
  const { wanted, found } = await both(module, inputs, options);
  const typed = await runOn(singleThreadEngine, module, inputs, options);
  expect(told(found.sample)).toEqual(told(wanted.sample));
  expect(told(typed.sample)).toEqual(told(wanted.sample));
  const fired = wanted.sample.spikes.reduce((sum, n) => sum + n, 0);
  expect(fired).toBeGreaterThan(0);
}

function told({ outputs, probes, spikes, bits, activity }: SampleResult) {
  return { outputs, probes, spikes, bits, activity };
}

/** Numbers of 29 bits from those of an i8, and as increments. */
function enlarged(builder: Builder, x: ValueId): ValueId {
  const scale = builder.tensor("scale", tensorOf("i8", [], [127]));
  const shift = builder.tensor("shift", tensorOf("i32", [], [1]));
  let value = x;
  for (let i = 0; i < 3; i++) value = builder.add("ann.affine", [value], { scale, shift }, loc);
  return builder.add("snn.difference", [value], {}, loc);
}

function weighted(builder: Builder, x: ValueId): ValueId {
  const values = Array.from({ length: 25 }, (_, i) => (i % 7) - 3);
  const weight = builder.tensor("w", tensorOf("i8", [5, 5, 1, 1], values));
  const window = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };
  return builder.add("ann.conv", [x], { ...window, weight, bias: null, groups: 1 }, loc);
}

function lif(refractory: number, reset: "zero" | "subtract", leak: number, sizes = 3): Make {
  return (b, x) => {
    const attrs = {
      threshold: b.tensor("theta", spread(channels, 1, largest)),
      vInit: b.tensor("v", spread(shape.slice(1), -(2 ** 31), largest, 5)),
      amplitude: b.tensor("a", spread(channels, sizes === 0 ? 0 : -sizes, sizes)),
      leak,
      refractory,
      spikeTime: "step" as const,
      reset,
    };
    return weighted(b, b.add("snn.lif", [x], attrs, loc));
  };
}

const leaky: readonly (readonly [string, Make])[] = [
  ["reset to zero", lif(0, "zero", 1 / 65536)],
  ["reset by subtraction", lif(0, "subtract", 65535 / 65536)],
  ["a rest", lif(3, "zero", 0.75)],
  ["a rest and subtraction", lif(1, "subtract", 40001 / 65536)],
  ["no amplitude", lif(2, "subtract", 0.5, 0)],
];

function fewSpikes(extents: Shape, count: number, least: number): Make {
  return (b, x) => {
    const of = (name: string, low: number, high: number, seed: number) =>
      b.tensor(name, spread([count, ...extents], low, high, seed));
    const attrs = {
      threshold: of("theta", -(2 ** 28), 2 ** 28, 1),
      reset: of("reset", 0, 2 ** 26 + 1, 2),
      amplitude: of("a", least, 2 ** 25 + 1, 3),
      vInit: b.tensor("v", spread(extents, -(2 ** 27) - 1, 2 ** 27 + 1, 4)),
    };
    return weighted(b, b.add("snn.few-spikes", [enlarged(b, x)], attrs, loc));
  };
}

function ttfs(threshold: readonly [number, number], amplitude: readonly [number, number]): Make {
  return (b, x) => {
    const attrs = {
      threshold: b.tensor("q", spread(channels, ...threshold)),
      vInit: b.tensor("v", spread(shape.slice(1), -(2 ** 27) - 1, 2 ** 27 + 1, 4)),
      amplitude: b.tensor("a", spread(channels, ...amplitude)),
      resolution: "tick" as const,
    };
    return weighted(b, b.add("snn.ttfs", [enlarged(b, x)], attrs, loc));
  };
}

/** Rows of powers of two on the numbers of an i8: many a potential is at its threshold. */
const ties: Make = (b, x) => {
  const rows = b.tensor("rows", tensorOf("i32", [5], [16, 8, 4, 2, 1]));
  const vInit = b.tensor("v", tensorOf("i32", [], [0]));
  const attrs = { threshold: rows, reset: rows, amplitude: rows, vInit };
  return b.add("snn.few-spikes", [b.add("snn.difference", [weighted(b, x)], {}, loc)], attrs, loc);
};

const framed: readonly (readonly [string, Code, Make])[] = [
  ["few spikes", "few-spikes", fewSpikes([], 5, 1)],
  ["few spikes of each channel", "few-spikes", fewSpikes(channels, 4, -(2 ** 24) - 3)],
  ["few spikes, more than a frame has", "few-spikes", fewSpikes([], 9, 1)],
  ["few spikes of no amplitude", "few-spikes", fewSpikes(channels, 3, 0)],
  ["few spikes on ties", "few-spikes", ties],
  ["first spikes of large steps", "ttfs", ttfs([2 ** 25 + 1, 2 ** 27 + 3], [1, 2 ** 24 + 1])],
  ["first spikes of small steps", "ttfs", ttfs([1, 9], [-(2 ** 24) - 1, 2 ** 24 + 1])],
  ["first spikes of no amplitude", "ttfs", ttfs([2 ** 25 + 1, 2 ** 27 + 3], [0, 1])],
];

describe("neurons on integers", () => {
  it.each(leaky)("leak alike in all engines: %s", async (_, make) => {
    const module = moduleOf(make, "rate", 7, "i32");
    for (const timesteps of [7, 70]) await expectSame(module, "i32", timesteps);
  });

  it.each(framed)("take frames alike in all engines: %s", async (_, code, make) => {
    await expectSame(moduleOf(make, code, ticks, "i8"), "i8", 1);
  });

  it("reach three quarters of a power alike in all engines", async () => {
    // ¾ of the step is 50331651, which float32 rounds up; half of the neurons are one below.
    const x = spread(shape, -128, 127);
    const start = Array.from(x.data, (each, i) => 50331651 - (i % 2) - each);
    const make: Make = (b, value) => {
      const scale = b.tensor("scale", tensorOf("i8", [], [1]));
      const shift = b.tensor("shift", tensorOf("i32", [], [0]));
      const attrs = {
        threshold: b.tensor("theta", tensorOf("i32", [], [2 ** 26 + 4])),
        vInit: b.tensor("v", tensorOf("i32", shape, start)),
        amplitude: b.tensor("a", tensorOf("i32", [], [1])),
        ceiling: null,
        bits: 1,
        alphabet: "power",
        sign: "free",
        schedule: "constant",
        shares: null,
      } as const;
      const current = b.add("ann.affine", [value], { scale, shift }, loc);
      return b.add("snn.graded", [current], attrs, loc);
    };
    await expectSame(moduleOf(make, "burst", 7, "i8"), "i8", 1);
  });

  it("take differences of decoded integers alike in all engines", async () => {
    const make: Make = (b, x) => {
      const neuron = {
        threshold: b.tensor("theta", spread(channels, 100, 900)),
        vInit: b.tensor("v", spread([], 50, 50)),
        amplitude: b.tensor("one", tensorOf("i8", [], [1])),
        reset: "subtract",
      } as const;
      const spikes = b.add("snn.if", [weighted(b, x)], neuron, loc);
      const sum = b.add("snn.accumulate", [weighted(b, spikes)], {}, loc);
      const scale = b.constant("scale", tensorOf("f32", [], [0.25]), loc);
      const zero = b.constant("zero", tensorOf("i8", [], [0]), loc);
      const quantise = { axis: 0, to: "i8" } as const;
      const decoded = b.add("ann.quantize-linear", [sum, scale, zero], quantise, loc);
      return weighted(b, b.add("snn.difference", [weighted(b, decoded)], {}, loc));
    };
    const module = moduleOf(make, "differential", 7, "i8");
    for (const timesteps of [7, 70]) await expectSame(module, "i8", timesteps);
  });

  it("take steps from tables alike in all engines", async () => {
    const make: Make = (b, x) => {
      const attrs = {
        threshold: b.tensor("theta", spread(channels, 2 ** 18 + 1, 2 ** 20 + 1)),
        vInit: b.tensor("v", spread([], 3, 3)),
        amplitude: b.tensor("a", spread(channels, -3, 4)),
        ceiling: b.tensor("c", spread([], 2 ** 28, 2 ** 28)),
        bits: 2,
        schedule: "table" as const,
        shares: b.tensor("shares", spread([3, ...channels], 1, 65)),
      };
      const word = { ...attrs, alphabet: "word", sign: "retract" } as const;
      const power = { ...attrs, alphabet: "power", sign: "free" } as const;
      const first = b.add("snn.graded", [enlarged(b, x)], word, loc);
      return weighted(b, b.add("snn.graded", [weighted(b, first)], power, loc));
    };
    const module = moduleOf(make, "differential", 7, "i8");
    await expectSame(module, "i8", 3);
  });
});

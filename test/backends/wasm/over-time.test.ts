/**
 * Ops with a state in WebAssembly against the interpreter, to the bit on the same input: leaky and
 * framed neurons, biases over time, smoothing, sums and differences; in one chunk and in several.
 */
import { isNeuron } from "../../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { EarlyExit } from "../../../ir/run/early-exit.ts";
import type { Probe, RunOptions } from "../../../ir/executable.ts";
import type { Code, Module } from "../../../ir/module.ts";
import { type ValueId } from "../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../../ir/type.ts";
import { loc } from "../../ir/one-op.ts";
import { both, expectClose, hostKinds } from "./compare.ts";
import { noise } from "./one-op.ts";

const shape = [1, 5, 4, 6];
const channels = [5, 1, 1];

/** Multiples of 1/16: sums of them are exact in any order. */
function dyadic(extents: Shape, scale: number, seed: number): Tensor {
  const { data } = noise(extents, scale, seed);
  return tensorOf(
    "f32",
    extents,
    Array.from(data, (x) => Math.round(16 * x) / 16),
  );
}

function counting(extents: Shape, of: (i: number) => number, dtype: "f32" | "i32" = "f32"): Tensor {
  return tensorOf(
    dtype,
    extents,
    Array.from({ length: elementCount(extents) }, (_, i) => of(i)),
  );
}

/** What is driven: by an input that is constant, or by neurons that fire now and then. */
const drives = {
  "a constant": (_builder: Builder, x: ValueId) => x,
  "a convolution of the input": (builder: Builder, x: ValueId) => convolved(builder, x),
  "a convolution of spikes": (builder: Builder, x: ValueId) =>
    convolved(builder, fired(builder, x)),
} as const;

function convolved(builder: Builder, x: ValueId): ValueId {
  const weight = builder.tensor("w", dyadic([5, 5, 3, 3], 0.3, 7));
  const bias = builder.tensor("b", dyadic([5], 0.3, 8));
  const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
  return builder.add("ann.conv", [x], { ...window, weight, bias, groups: 1 }, loc);
}

function fired(builder: Builder, x: ValueId): ValueId {
  const scalar = (value: number) =>
    builder.tensor(
      "n",
      counting([], () => value),
    );
  const neuron = { threshold: scalar(0.75), vInit: scalar(0.25), amplitude: scalar(0.5) };
  return builder.add("snn.if", [x], { ...neuron, reset: "subtract" }, loc);
}

type Make = (builder: Builder, x: ValueId) => ValueId;

function moduleOf(make: Make, code: Code, timesteps: number): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", shape), loc);
  const value = make(builder, x);
  return builder.finish({
    name: "over time",
    outputs: [{ name: "y", value }],
    code,
    timesteps,
    properties: new Set(["spiking"]),
  });
}

async function expectSame(
  module: Module,
  timesteps: number,
  exact = true,
  earlyExit?: EarlyExit,
): Promise<void> {
  const made = module.ops.filter(({ kind }) => kind !== "ann.input");
  const means = made.map(({ result }): Probe => ({ value: result, keep: "mean" }));
  const states = made
    .filter(isNeuron)
    .map(({ result }): Probe => ({ value: result, keep: "state" }));
  // What is asked for is in memory; what is not may be taken in by the kernel that needs it.
  const how = { timesteps, ...(earlyExit === undefined ? {} : { earlyExit }) };
  await expectAlike(module, exact, { ...how, probes: [...means, ...states] });
  await expectAlike(module, exact, { ...how, probes: states });
}

async function expectAlike(module: Module, exact: boolean, options: RunOptions): Promise<void> {
  const inputs = [dyadic(shape, 2, 3)];
  const { wanted, found } = await both(module, inputs, options);
  found.sample.probes.forEach((probe, i) => {
    expectClose(probe, known(wanted.sample.probes[i], "a probe"), exact ? 0 : 1e-5);
  });
  if (exact) expect(found.sample.outputs).toEqual(wanted.sample.outputs);
  expect(found.sample.bits).toEqual(wanted.sample.bits);
  expect(found.sample.activity).toEqual(wanted.sample.activity);
}

const table = (extents: Shape, rows: number) => (builder: Builder) =>
  builder.tensor("table", dyadic([rows, ...extents], 0.5, 9));

const smoothed: Make = (builder, x) => builder.add("snn.low-pass", [x], { decay: 0.7 }, loc);
const biased =
  (extents: Shape, rows: number): Make =>
  (builder, x) =>
    builder.add("snn.temporal-bias", [x], { table: table(extents, rows)(builder) }, loc);

const stateful: readonly (readonly [string, Make])[] = [
  ["a bias over time for all", biased([], 3)],
  ["a bias over time per channel", biased(channels, 100)],
  ["a bias over time per neuron", biased(shape.slice(1), 4)],
  ["biases over time for neurons", (b, x) => fired(b, biased(channels, 5)(b, x))],
  ["biases of neurons for neurons", (b, x) => fired(b, biased(shape.slice(1), 5)(b, x))],
  ["a sum of biases", (b, x) => fired(b, biased([], 3)(b, biased(channels, 100)(b, x)))],
  ["smoothing", smoothed],
  ["a sum", (b, x) => b.add("snn.accumulate", [convolved(b, fired(b, x))], {}, loc)],
  ["a sum of spikes", (b, x) => b.add("snn.accumulate", [fired(b, x)], {}, loc)],
  [
    "differences",
    (b, x) => {
      const sum = b.add("snn.accumulate", [convolved(b, fired(b, x))], {}, loc);
      return b.add("snn.difference", [b.add("ann.relu", [sum], {}, loc)], {}, loc);
    },
  ],
];

function lif(
  refractory: number,
  spikeTime: "step" | "exact",
  reset: "zero" | "subtract",
  amplitude = 0.5,
): Make {
  return (b, x) =>
    convolved(
      b,
      b.add(
        "snn.lif",
        [x],
        {
          threshold: b.tensor(
            "n",
            counting(channels, (i) => 0.5 + i / 8),
          ),
          vInit: b.tensor(
            "n",
            counting([], () => 0.125),
          ),
          amplitude: b.tensor(
            "n",
            counting(channels, (i) => (i === 2 ? amplitude : 0.5)),
          ),
          leak: 0.95,
          refractory,
          spikeTime,
          reset,
        },
        loc,
      ),
    );
}

const leaky: readonly (readonly [string, Make])[] = [
  ["leaky neurons", lif(0, "step", "zero")],
  ["leaky neurons with subtraction", lif(0, "exact", "subtract")],
  ["leaky neurons of no amplitude", lif(0, "step", "zero", 0)],
  ["leaky neurons that rest", lif(2, "step", "zero")],
  ["leaky neurons that rest for parts of a step", lif(1.4, "exact", "subtract")],
  ["resting leaky neurons of no amplitude", lif(2, "step", "zero", 0)],
];

function rehearsed(rule: "offset" | "silence", amplitude = 0.5): Make {
  return (b, x) => {
    const thresholds = counting(channels, (i) => 0.5 + i / 8);
    const attrs = {
      threshold: b.tensor("n", thresholds),
      vInit: b.tensor(
        "n",
        counting(channels, (i) => 0.25 + i / 16),
      ),
      amplitude: b.tensor(
        "n",
        counting(channels, (i) => (i === 2 ? amplitude : 0.5)),
      ),
      rehearsal: 4,
      rule,
    };
    return b.add("snn.rehearsed-if", [x], attrs, loc);
  };
}

const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };

function pooledAnew(b: Builder, x: ValueId): ValueId {
  const attrs = { ...window, kernel: [3, 3], ceilMode: false, rehearsal: 4 };
  return b.add("snn.rehearsed-max-pool", [x], attrs, loc);
}

const readAnew =
  (start: number): Make =>
  (b, x) =>
    b.add("snn.rehearsed-readout", [convolved(b, x)], { start, rehearsal: 4 }, loc);

/** A bias that goes up and down by more than thresholds, so that neurons are silent first and overflow, too. */
function swinging(b: Builder, x: ValueId): ValueId {
  const table = b.tensor("swings", dyadic([9, ...channels], 6, 11));
  return b.add("snn.temporal-bias", [x], { table }, loc);
}

const rehearsing: readonly (readonly [string, Make])[] = [
  ["neurons that rehearse offsets", (b, x) => convolved(b, rehearsed("offset")(b, x))],
  [
    "neurons that rehearse offsets of swings",
    (b, x) => convolved(b, rehearsed("offset")(b, swinging(b, x))),
  ],
  ["neurons that rehearse silence", (b, x) => convolved(b, rehearsed("silence")(b, x))],
  [
    "rehearsing neurons, some of no amplitude",
    (b, x) => convolved(b, rehearsed("offset", 0)(b, x)),
  ],
  [
    "a pool that starts anew",
    (b, x) => convolved(b, pooledAnew(b, convolved(b, rehearsed("offset")(b, x)))),
  ],
  ["a read-out that starts anew", (b, x) => readAnew(0)(b, rehearsed("offset")(b, x))],
  ["a delayed read-out that starts anew", (b, x) => readAnew(3)(b, rehearsed("offset")(b, x))],
];

const ticks = 6;

function fewSpikes(amplitude: number, extents: Shape, rows: number): Make {
  return (b, x) => {
    const each = (scale: number): Tensor =>
      counting([rows, ...extents], (i) => {
        const row = Math.floor(i / elementCount(extents));
        return row === 1 && scale === 0 ? 0 : 2 ** (rows - 1 - row) / 8;
      });
    const rowsOf = (scale: number) => b.tensor("rows", each(scale));
    const attrs = { threshold: rowsOf(1), reset: rowsOf(1), amplitude: rowsOf(amplitude) };
    const vInit = b.tensor(
      "v",
      counting([], () => 1 / 16),
    );
    return b.add("snn.few-spikes", [x], { ...attrs, vInit }, loc);
  };
}

function ttfs(resolution: "tick" | "continuous", amplitude: number): Make {
  return (b, x) => {
    const threshold = b.tensor(
      "q",
      counting(channels, (i) => 0.25 + i / 16),
    );
    const sizes = counting(channels, (i) => (i === 1 ? amplitude : 0.25));
    const vInit = b.tensor(
      "v",
      counting([], () => 0.125),
    );
    return b.add(
      "snn.ttfs",
      [x],
      { threshold, vInit, amplitude: b.tensor("a", sizes), resolution },
      loc,
    );
  };
}

/** Two layers of framed neurons with a convolution between, moved before it, and one behind. */
function framed(neurons: Make): Make {
  const weighted = (b: Builder, x: ValueId, seed: number): ValueId => {
    const weight = b.tensor("w", dyadic([5, 5, 3, 3], 0.3, seed));
    const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
    return b.add("ann.conv", [x], { ...window, weight, bias: null, groups: 1 }, loc);
  };
  return (b, x) => {
    const first = neurons(b, b.add("snn.difference", [x], {}, loc));
    const cut = { starts: [0, 1, 0, 0], sizes: [1, 4, 4, 6], steps: [1, 1, 1, 1] };
    const pad = { begin: [0, 1, 0, 0], end: [0, 0, 0, 0], mode: "constant", value: 0 } as const;
    const moved = b.add("ann.pad", [b.add("ann.slice", [first], cut, loc)], pad, loc);
    const second = neurons(b, weighted(b, moved, 4));
    return b.add("snn.accumulate", [weighted(b, second, 5)], {}, loc);
  };
}

const framedNeurons: readonly (readonly [string, Make, Code])[] = [
  ["few spikes", fewSpikes(1, [], 5), "few-spikes"],
  ["few spikes with rows per channel", fewSpikes(1, channels, 6), "few-spikes"],
  ["few spikes, some of no amplitude", fewSpikes(0, [], 4), "few-spikes"],
  ["more rows than timesteps", fewSpikes(1, [], 9), "few-spikes"],
  ["first spikes at ticks", ttfs("tick", 0.5), "ttfs"],
  ["first spikes between ticks", ttfs("continuous", 0.5), "ttfs"],
  ["first spikes, some of no amplitude", ttfs("tick", 0), "ttfs"],
];

const driven = stateful.flatMap(([name, make]) =>
  Object.entries(drives).map(([drive, from]) => [name, drive, make, from] as const),
);

describe("ops with a state in WebAssembly", () => {
  it.each(driven)("%s of %s", async (name, _, make, from) => {
    const module = moduleOf((b, x) => make(b, from(b, x)), "rate", 7);
    expect(await hostKinds(module)).toEqual([]);
    for (const timesteps of [7, 70]) await expectSame(module, timesteps, name !== "smoothing");
  });

  it.each(leaky)("%s", async (_, make) => {
    const module = moduleOf(make, "rate", 7);
    expect(await hostKinds(module)).toEqual([]);
    for (const timesteps of [7, 70]) await expectSame(module, timesteps);
  });

  it.each(
    rehearsing.flatMap(([name, make]) =>
      Object.entries(drives).map(([drive, from]) => [name, drive, make, from] as const),
    ),
  )("%s, driven by %s", async (_, __, make, from) => {
    const module = moduleOf((b, x) => make(b, from(b, x)), "rate", 7);
    expect(await hostKinds(module)).toEqual([]);
    for (const timesteps of [3, 4, 5, 7, 12, 70]) await expectSame(module, timesteps);
    // Chunks of so many timesteps: the rehearsal ends within one, between two, and behind others.
    for (const every of [8, 4, 3]) {
      await expectSame(module, 12, true, { margin: Infinity, of: "output", minimum: 1, every });
    }
  });

  it.each(framedNeurons)("%s", async (_, make, code) => {
    const continuous = _.includes("between");
    const module = moduleOf(framed(make), code, ticks);
    expect(await hostKinds(module)).toEqual([]);
    await expectSame(module, 1, !continuous);
  });
});

/**
 * Graded neurons in WebAssembly against the interpreter, to the bit: weights and inputs are such that
 * every sum is exact, whatever its order. Spikes and synaptic operations too, behind moves as well.
 */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../../../ir/build.ts";
import { known } from "../../../../../ir/diagnostic.ts";
import type { Module } from "../../../../../ir/module.ts";
import type { Alphabet } from "../../../../../ir/op/attrs/shared.ts";
import type { OpOf, Sign, StepSchedule, ValueId } from "../../../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../../../../ir/type.ts";
import { loc } from "../../../../ir/one-op.ts";
import { both, expectClose, hostKinds } from "../../compare.ts";
import type { ProbeData } from "../../../../../ir/executable.ts";
import { dyadic, whole } from "../../one-op.ts";

interface Form {
  readonly alphabet: Alphabet;
  readonly sign: Sign;
  readonly schedule: StepSchedule;
  readonly bits: number;
  readonly ceiling: number | null;
  /** Shape of the threshold; amplitudes may differ from it. */
  readonly spread: Shape;
  readonly amplitude: number | null;
}

const usual: Form = {
  alphabet: "word",
  sign: "retract",
  schedule: "constant",
  bits: 3,
  ceiling: null,
  spread: [],
  amplitude: null,
};

const forms: readonly Partial<Form>[] = [
  {},
  { bits: 1, sign: "positive" },
  { bits: 1 },
  { bits: 1, sign: "free" },
  { bits: 1, ceiling: 20 },
  { bits: 1, sign: "free", ceiling: 20, spread: [5, 1, 1] },
  { bits: 1, sign: "positive", ceiling: 20 },
  { bits: 1, sign: "free", ceiling: -20 },
  { bits: 1, spread: [1, 5, 6, 6] },
  { bits: 1, sign: "free", amplitude: -0.75 },
  { bits: 1, amplitude: 0 },
  { bits: 2, sign: "free" },
  { bits: 4, sign: "positive", ceiling: 20 },
  { bits: 16, sign: "free" },
  { ceiling: 20 },
  { spread: [5, 1, 1] },
  { spread: [1, 5, 6, 6] },
  { spread: [5, 1, 1], amplitude: 0 },
  { amplitude: -0.75 },
  { alphabet: "power", sign: "positive" },
  { alphabet: "power", sign: "retract", bits: 4 },
  { alphabet: "power", sign: "free", bits: 2, ceiling: 20 },
  { alphabet: "power", sign: "free", spread: [5, 1, 1], amplitude: 0 },
  { schedule: "reciprocal", spread: [5, 1, 1] },
  { schedule: "reciprocal", sign: "free", bits: 2 },
  { schedule: "halving", bits: 1, sign: "positive" },
  { schedule: "table", bits: 4 },
  { schedule: "table", bits: 1, ceiling: 20 },
  { schedule: "table", alphabet: "power", sign: "free", spread: [5, 1, 1] },
  { schedule: "halving", bits: 3, alphabet: "power" },
];

function attrsOf(builder: Builder, form: Form, dtype: "f32" | "i32"): OpOf<"snn.graded">["attrs"] {
  const { alphabet, sign, schedule, bits, spread } = form;
  const unit = dtype === "f32" ? 1 / 8 : 1;
  const each = (of: (i: number) => number, shape: Shape): string =>
    builder.tensor(
      "neuron",
      tensorOf(
        dtype,
        shape,
        Array.from({ length: elementCount(shape) }, (_, i) => unit * of(i)),
      ),
    );
  return {
    threshold: each((i) => 5 + (i % 7), spread),
    vInit: each(() => 2, []),
    amplitude:
      form.amplitude === null
        ? each((i) => 5 + (i % 7), spread)
        : each((i) => (i % 2 === 0 ? (form.amplitude ?? 1) * 4 : 3), [5, 1, 1]),
    ceiling: form.ceiling === null ? null : each(() => form.ceiling ?? 0, []),
    bits,
    alphabet,
    sign,
    schedule,
    shares:
      schedule === "table"
        ? builder.tensor(
            "shares",
            tensorOf(
              dtype,
              [3, 5, 1, 1],
              // Not multiples of each other, so that neurons take back more than they sent. Of integers
              // the finest step is the unit.
              [64, 44, 12].flatMap((share) =>
                [0, 1, 2, 3, 4].map((i) => (share - i) / (dtype === "f32" ? 64 : 1)),
              ),
            ),
          )
        : null,
  };
}

/** Two populations on images with moves between, and a linear layer; biased, so that potentials fall. */
function networkOf(form: Form, dtype: "f32" | "i32"): Module {
  const builder = new Builder();
  const isFloat = dtype === "f32";
  const weights = (shape: Shape, scale: number, seed: number): string =>
    builder.tensor("w", isFloat ? dyadic(shape, scale, seed) : whole("i8", shape, 6 * scale, seed));
  const biases = (shape: Shape, scale: number, seed: number): string =>
    builder.tensor(
      "b",
      isFloat ? dyadic(shape, scale, seed) : whole("i32", shape, 6 * scale, seed),
    );
  const x = builder.input("x", real(isFloat ? "f32" : "i8", [1, 3, 6, 6]), loc);
  const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
  const conv = (value: ValueId, inputs: number, seed: number): ValueId =>
    builder.add(
      "ann.conv",
      [value],
      {
        ...window,
        weight: weights([5, inputs, 3, 3], 0.5, seed),
        bias: biases([5], 1, seed),
        groups: 1,
      },
      loc,
    );
  const first = builder.add("snn.graded", [conv(x, 3, 1)], attrsOf(builder, form, dtype), loc);
  const second = builder.add("snn.graded", [conv(first, 5, 2)], attrsOf(builder, form, dtype), loc);
  const both = builder.add("ann.concat", [first, second], { axis: 1 }, loc);
  const slice = { starts: [0, 3, 0, 1], sizes: [1, 4, 3, 5], steps: [1, 1, 2, 1] };
  const sliced = builder.add("ann.slice", [both], slice, loc);
  const pad = { begin: [0, 0, 1, 0], end: [0, 0, 0, 2], mode: "constant", value: 0 } as const;
  const padded = builder.add("ann.pad", [sliced], pad, loc);
  const turned = builder.add("ann.transpose", [padded], { perm: [0, 2, 3, 1] }, loc);
  const flat = builder.add("ann.reshape", [turned], { shape: [1, 112] }, loc);
  const linear = { weight: weights([6, 112], 0.5, 3), bias: null };
  const current = builder.add("ann.linear", [flat], linear, loc);
  const value = builder.add("snn.readout", [current], { start: 0 }, loc);
  return builder.finish({
    name: "graded",
    outputs: [{ name: "y", value }],
    code: "burst",
    timesteps: 7,
    properties: new Set(["spiking"]),
  });
}

/** No spike is −0 where it could only have been taken back; masks do not tell it from 0. */
function unsigned(all: readonly ProbeData[]): readonly ProbeData[] {
  return all.map((data) => data.map((x: number) => x + 0));
}

async function expectSame(module: Module, inputs: readonly Tensor[], timesteps: number) {
  const neurons = module.ops.filter(({ kind }) => kind === "snn.graded");
  const probes = neurons.flatMap(({ result }) => [
    { value: result, keep: "trace" as const },
    { value: result, keep: "state" as const },
    { value: result, keep: "mean" as const },
  ]);
  expect(await hostKinds(module)).toEqual([]);
  const { wanted, found } = await both(module, inputs, { timesteps, probes });
  // Told by its first element: a diff of all of them takes minutes.
  found.sample.probes.forEach((y, i) => {
    expectClose(y, known(wanted.sample.probes[i], "a probe"), 0);
  });
  const rest = { probes: [], outputs: unsigned(wanted.sample.outputs) };
  const outputs = unsigned(found.sample.outputs);
  expect({ ...found.sample, probes: [], outputs }).toEqual({ ...wanted.sample, ...rest });
}

describe("graded neurons in WebAssembly", () => {
  it.each(forms)("give the interpreter's spikes and counts: %j", async (partial) => {
    const form = { ...usual, ...partial };
    // What is sent in steps of 1/t is not exact, and neither are sums of it.
    const inputs = [dyadic([1, 3, 6, 6], 1, 5)];
    if (form.schedule === "reciprocal") {
      await expectSame(alone(form), [dyadic([1, 5, 6, 6], 2, 5)], 7);
    } else await expectSame(networkOf(form, "f32"), inputs, 7);
  });

  it.each(forms.filter(({ schedule }) => schedule === undefined || schedule === "table"))(
    "do so on integers: %j",
    async (partial) => {
      const form = { ...usual, ...partial };
      await expectSame(networkOf(form, "i32"), [whole("i8", [1, 3, 6, 6], 3, 5)], 7);
    },
  );

  it.each(["f32", "i32"] as const)(
    "make up for what they took back too much: %s",
    async (dtype) => {
      for (const alphabet of ["word", "power"] as const) {
        for (const bits of [1, 2, 4]) {
          const form: Form = { ...usual, schedule: "table", alphabet, bits };
          const x = dtype === "f32" ? dyadic([1, 5, 6, 6], 2, 5) : whole("i8", [1, 5, 6, 6], 20, 5);
          await expectSame(swinging(form, dtype), [x], 7);
        }
      }
    },
  );

  it.each(["constant", "reciprocal", "halving", "table"] as const)(
    "go on from chunk to chunk: steps that are %s",
    async (schedule) => {
      for (const bits of [1, 3]) {
        const form = { ...usual, schedule, ceiling: 20, bits };
        await expectSame(alone(form), [dyadic([1, 5, 6, 6], 2, 5)], 130);
      }
    },
  );
});

/** One population on a current that rises and falls. */
function swinging(form: Form, dtype: "f32" | "i32"): Module {
  const builder = new Builder();
  const isFloat = dtype === "f32";
  const x = builder.input("x", real(isFloat ? "f32" : "i8", [1, 5, 6, 6]), loc);
  const weight = isFloat ? dyadic([5, 5, 1, 1], 1, 4) : whole("i8", [5, 5, 1, 1], 20, 4);
  const window = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };
  const attrs = { ...window, weight: builder.tensor("w", weight), bias: null, groups: 1 };
  const current = builder.add("ann.conv", [x], attrs, loc);
  const swing = [40, -90, -13, 7, 55, -120, 3].map((each) => (isFloat ? each / 16 : 8 * each));
  const table = builder.tensor("swing", tensorOf(dtype, [7, 1, 1, 1], swing));
  const moved = builder.add("snn.temporal-bias", [current], { table }, loc);
  const value = builder.add("snn.graded", [moved], attrsOf(builder, form, dtype), loc);
  return builder.finish({
    name: "swinging",
    outputs: [{ name: "y", value }],
    code: "differential",
    timesteps: 7,
    properties: new Set(["spiking"]),
  });
}

/** One population on the input itself. */
function alone(form: Form): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1, 5, 6, 6]), loc);
  const y = builder.add("snn.graded", [x], attrsOf(builder, form, "f32"), loc);
  return builder.finish({
    name: "alone",
    outputs: [{ name: "y", value: y }],
    code: "differential",
    timesteps: 7,
    properties: new Set(["spiking"]),
  });
}

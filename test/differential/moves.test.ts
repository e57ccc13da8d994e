/**
 * What only moves elements changes nothing that is counted: every move, set to leave everything
 * where it is, in front of and behind neurons and synapses of each kind, on each engine.
 */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { typedEngine } from "../../backends/typed/engine.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { Builder } from "../../ir/build.ts";
import type { Code, Module } from "../../ir/module.ts";
import type { NeuronKind, ValueId } from "../../ir/op/op.ts";
import { isOpKind, specOf, specs } from "../../ir/op/table.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import { runOn } from "../backends/wasm/compare.ts";
import { dyadic } from "../backends/wasm/one-op.ts";
import { f, loc } from "../ir/one-op.ts";

/** Gives the value as it was. */
type Move = (builder: Builder, x: ValueId, shape: Shape) => ValueId;

const zeros = (shape: Shape): number[] => shape.map(() => 0);
const ones = (shape: Shape): number[] => shape.map(() => 1);
const indices = (builder: Builder, shape: Shape, values: readonly number[]): ValueId =>
  builder.constant("indices", tensorOf("i64", shape, values), loc);

const moves: Readonly<Record<string, Move>> = {
  identity: (builder, x) => builder.add("ann.identity", [x], {}, loc),
  reshape(builder, x, shape) {
    const flat = builder.add("ann.reshape", [x], { shape: [elementCount(shape)] }, loc);
    return builder.add("ann.reshape", [flat], { shape }, loc);
  },
  transpose(builder, x, shape) {
    const perm = shape.map((_, axis) => shape.length - 1 - axis);
    const turned = builder.add("ann.transpose", [x], { perm }, loc);
    return builder.add("ann.transpose", [turned], { perm }, loc);
  },
  concat: (builder, x) => builder.add("ann.concat", [x], { axis: 1 }, loc),
  slice: (builder, x, shape) =>
    builder.add("ann.slice", [x], { starts: zeros(shape), sizes: shape, steps: ones(shape) }, loc),
  pad: (builder, x, shape) =>
    builder.add(
      "ann.pad",
      [x],
      { begin: zeros(shape), end: zeros(shape), mode: "constant", value: 0 },
      loc,
    ),
  expand: (builder, x, shape) => builder.add("ann.expand", [x], { shape }, loc),
  tile: (builder, x, shape) => builder.add("ann.tile", [x], { repeats: ones(shape) }, loc),
  trilu: (builder, x) => builder.add("ann.trilu", [x], { upper: false, diagonal: 100 }, loc),
  gather(builder, x, shape) {
    const all = Array.from({ length: shape[1] ?? 1 }, (_, i) => i);
    return builder.add("ann.gather", [x, indices(builder, [all.length], all)], { axis: 1 }, loc);
  },
  "gather-elements"(builder, x, shape) {
    const inner = elementCount(shape.slice(2));
    const own = Array.from(
      { length: elementCount(shape) },
      (_, i) => Math.floor(i / inner) % (shape[1] ?? 1),
    );
    return builder.add("ann.gather-elements", [x, indices(builder, shape, own)], { axis: 1 }, loc);
  },
  "gather-nd": (builder, x) =>
    builder.add("ann.gather-nd", [x, indices(builder, [1, 1], [0])], { batchDims: 0 }, loc),
};

const everyMove: Move = (builder, x, shape) =>
  Object.values(moves).reduce((value, move) => move(builder, value, shape), x);

const operand: Shape = [1, 2, 3, 3];

/** Neurons between two synapses, with `move` in front of and behind each of the three. */
function network(kind: NeuronKind, move: Move): Module {
  const builder = new Builder();
  const put = (name: string, value: Tensor): string => builder.tensor(name, value);
  const unit = put("unit", f([], [1]));
  const rows = put("rows", f([3], [1, 0.5, 0.25]));
  const neurons = (x: ValueId): ValueId => {
    const alike = { threshold: unit, vInit: unit, amplitude: unit } as const;
    switch (kind) {
      case "snn.if":
        return builder.add(kind, [x], { ...alike, reset: "subtract" }, loc);
      case "snn.rehearsed-if":
        return builder.add(kind, [x], { ...alike, rehearsal: 2, rule: "offset" }, loc);
      case "snn.graded":
        return builder.add(
          kind,
          [x],
          {
            ...alike,
            ceiling: null,
            bits: 3,
            alphabet: "word",
            sign: "free",
            schedule: "constant",
            shares: null,
          },
          loc,
        );
      case "snn.lif":
        return builder.add(
          kind,
          [x],
          { ...alike, leak: 0.5, refractory: 0, spikeTime: "step", reset: "zero" },
          loc,
        );
      case "snn.few-spikes":
        return builder.add(
          kind,
          [x],
          { threshold: rows, reset: rows, amplitude: rows, vInit: unit },
          loc,
        );
      case "snn.ttfs":
        return builder.add(kind, [x], { ...alike, resolution: "tick" }, loc);
    }
  };
  const code: Code =
    kind === "snn.few-spikes" ? "few-spikes" : kind === "snn.ttfs" ? "ttfs" : "rate";
  const framed = code !== "rate";
  const around = (x: ValueId): ValueId => move(builder, x, builder.typeOf(x).shape);
  const weight = put("conv", dyadic([2, 2, 3, 3], 1, 1));
  const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
  const conv = (x: ValueId): ValueId =>
    builder.add("ann.conv", [x], { ...window, weight, bias: null, groups: 1 }, loc);
  let value = builder.input("x", real("f32", operand), loc);
  value = around(conv(around(value)));
  if (framed) value = builder.add("snn.difference", [value], {}, loc);
  value = around(conv(around(neurons(around(value)))));
  // The second time a synapse on a currents' sum of spikes, and a pool with a fan-out of its own.
  const again = { ...window, padsBegin: [0, 0], padsEnd: [0, 0], kernel: [2, 2], ceilMode: false };
  value = neurons(around(value));
  value = builder.add(
    "ann.average-pool",
    [around(value)],
    { ...again, countIncludePad: false },
    loc,
  );
  value = builder.add("ann.reshape", [around(value)], { shape: [1, 8] }, loc);
  value = around(neurons(around(value)));
  const last = put("linear", dyadic([3, 8], 1, 2));
  value = builder.add("ann.linear", [value], { weight: last, bias: null }, loc);
  value = framed
    ? builder.add("snn.accumulate", [around(value)], {}, loc)
    : kind === "snn.rehearsed-if"
      ? builder.add("snn.rehearsed-readout", [around(value)], { start: 0, rehearsal: 2 }, loc)
      : builder.add("snn.readout", [around(value)], { start: 0 }, loc);
  return builder.finish({
    name: "moves",
    outputs: [{ name: "y", value }],
    code,
    timesteps: 4,
    properties: new Set(["spiking"]),
  });
}

/** What is counted in a run, and what comes out. */
async function countsOf(engine: typeof wasmEngine, module: Module): Promise<object> {
  expect(verify(module)).toEqual([]);
  const options = { timesteps: module.timesteps };
  const { sample } = await runOn(engine, module, [dyadic(operand, 4, 3)], options);
  const { outputs, spikes, bits, activity } = sample;
  return { outputs, spikes, bits, activity };
}

const neuronKinds = Object.keys(specs)
  .filter(isOpKind)
  .filter((kind): kind is NeuronKind => specOf(kind).traits.isNeuron);

describe.each(neuronKinds)("around %s", (kind) => {
  it("every move changes neither outputs nor counts", async () => {
    const plain = network(kind, (_, x) => x);
    const moved = network(kind, everyMove);
    const wanted = await countsOf(interpretEngine, plain);
    expect(wanted).toHaveProperty("activity");
    for (const engine of [interpretEngine, typedEngine, wasmEngine]) {
      expect({ engine: engine.name, ...(await countsOf(engine, moved)) }).toEqual({
        engine: engine.name,
        ...wanted,
      });
    }
  });
});

describe("each move by itself", () => {
  it.each(Object.keys(moves))("%s behind graded neurons costs nothing", async (name) => {
    const move = moves[name] ?? everyMove;
    const wanted = await countsOf(
      interpretEngine,
      network("snn.graded", (_, x) => x),
    );
    expect(await countsOf(interpretEngine, network("snn.graded", move))).toEqual(wanted);
  });
});

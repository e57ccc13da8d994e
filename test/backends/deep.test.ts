/** Networks that are deeper than the call stack, on each engine: no op is lowered within all before it. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { typedEngine } from "../../backends/typed/engine.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { Builder } from "../../ir/build.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { real } from "../../ir/type.ts";
import { f, loc } from "../ir/one-op.ts";
import { expectClose, runOn } from "./wasm/compare.ts";

const count = 2000;
const x = f([1, 2], [0.5, -0.25]);

type Link = (builder: Builder, value: ValueId, input: ValueId) => ValueId;

const links = {
  rectifiers: (builder: Builder, value: ValueId) => builder.add("ann.relu", [value], {}, loc),
  // Of the input, and not of spikes again: the interpreter would follow the words of each sum through all behind it.
  sums: (builder: Builder, value: ValueId, input: ValueId) =>
    builder.add("ann.add", [value, input], {}, loc),
  "linear layers": (builder: Builder, value: ValueId) => {
    const weight = builder.tensor("w", f([2, 2], [0, 1, 1, 0]));
    return builder.add("ann.linear", [value], { weight, bias: null }, loc);
  },
} satisfies Record<string, Link>;

function chain(link: Link, over: "time" | "nothing"): Module {
  const builder = new Builder();
  const input = builder.input("x", real("f32", [1, 2]), loc);
  let value = over === "time" ? spikesOf(builder, input) : input;
  for (let i = 0; i < count; i++) value = link(builder, value, input);
  if (over === "nothing") return builder.finish({ name: "deep", outputs: [{ name: "y", value }] });
  const end = spikesOf(builder, builder.add("ann.neg", [value], {}, loc));
  return builder.finish({
    name: "deep",
    outputs: [{ name: "y", value: builder.add("snn.readout", [end], { start: 0 }, loc) }],
    code: "rate",
    timesteps: 2,
    properties: new Set(["spiking"]),
  });
}

function spikesOf(builder: Builder, value: ValueId): ValueId {
  const unit = builder.tensor("unit", f([], [1]));
  const neuron = { threshold: unit, vInit: unit, amplitude: unit, reset: "subtract" } as const;
  return builder.add("snn.if", [value], neuron, loc);
}

describe("networks deeper than the call stack", () => {
  it.each([
    ["rectifiers", "nothing"],
    ["linear layers", "nothing"],
    ["sums", "time"],
  ] as const)("run on every engine: %s over %s", async (name, over) => {
    const module = chain(links[name], over);
    const options = { timesteps: module.timesteps };
    const wanted = await runOn(interpretEngine, module, [x], options);
    for (const engine of [typedEngine, wasmEngine]) {
      const { sample } = await runOn(engine, module, [x], options);
      sample.outputs.forEach((y, i) => expectClose(y, wanted.sample.outputs[i] ?? y));
      expect(sample.spikes).toEqual(wanted.sample.spikes);
      expect(sample.activity).toEqual(wanted.sample.activity);
    }
  });
});

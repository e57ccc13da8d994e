/** Inputs over time, real recordings and encoded values: every engine computes the same at each timestep. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { typedEngine } from "../../backends/typed/engine.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { limit } from "../../calibrate/data/dataset.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { known } from "../../ir/diagnostic.ts";
import { interpret } from "../../ir/interpret.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { expectClose, runOn } from "../backends/wasm/compare.ts";
import { converted, sourceOf } from "../passes/convert/networks.ts";
import { shared } from "../models/shared.ts";

const file = join(shared, "data/nmnist/test.npz");
const there = existsSync(file);
if (!there) process.stderr.write(`NOT TESTED on events of N-MNIST: none in ${shared}/data\n`);

const window = "strides = [2, 2], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1]";
const text = `module @events attributes {code = "rate", timesteps = 4, properties = []} {
  %0 = snn.input() {name = "events"} : spike[1, 2, 34, 34]
  %1 = ann.average-pool(%0) {${window}, kernel = [2, 2], ceilMode = false, countIncludePad = false} : current[1, 2, 17, 17]
  %2 = snn.if(%1) {threshold = @half, vInit = @zero, amplitude = @half, reset = "subtract"} : spike[1, 2, 17, 17]
  %3 = snn.readout(%2) {start = 0} : real[1, 2, 17, 17]
  ann.output(%3) {name = "y"}
}
tensors {
  @half = f32[] dense<0.5>
  @zero = f32[] dense<0>
}
`;

describe.skipIf(!there)("events of N-MNIST", () => {
  it("run through a network in every engine, with the same outputs at each timestep", async () => {
    const module = parseModule(text, { file: "events.snnir" });
    const set = limit(await openDataset(file, { inputs: ["events"] }), 1);
    const source = sampleSource(set, modelInputs(module), null);
    const timesteps = known(source.longest(), "frames");
    expect(timesteps).toBe(303);
    const inputs = source.get(0);
    const wanted = interpret(module, inputs, { timesteps });
    expect(wanted.activity.spikes.at(-1)).toBeGreaterThan(500);
    // Each place is in one window, so each word meets one weight: places where anything happened in a frame.
    const words = Array.from(inputs[0]?.data ?? []).filter((x) => x !== 0).length;
    expect(wanted.activity.events.at(-1)).toBe(words);
    for (const engine of [typedEngine, singleThreadWasmEngine]) {
      const { sample: found } = await runOn(engine, module, inputs, { timesteps });
      expect(found.activity).toEqual(wanted.activity);
      const [given, expected] = [found, wanted].map(({ outputs }) => known(outputs[0], "y"));
      expect(given?.length).toBe(timesteps * 2 * 17 * 17);
      const off = expected?.findIndex((y, i) => !(Math.abs(y - (given?.[i] ?? NaN)) <= 1e-6));
      expect(off, engine.name).toBe(-1);
    }
  });
});

const still = `module @still attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 4]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real[1, 2]
  %2 = ann.relu(%1) : real[1, 2]
  %3 = ann.linear(%2) {weight = @v, bias = none} : real[1, 2]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = f32[2, 4] dense<[1, -0.5, 0.25, 2, -1, 1, 0.75, 0.5]>
  @b = f32[2] dense<[0.25, 0]>
  @v = f32[2, 2] dense<[1, -1, 0.5, 2]>
}
`;

describe("an input that encode-input sends", () => {
  it.each([
    "convert-activations,encode-input{encoder=poisson}",
    "convert-activations,encode-input{encoder=phase}",
    "convert-differential,encode-input{encoder=phase}",
    "convert-differential,encode-input{encoder=delta}",
    "convert-differential,encode-input{encoder=latency}",
  ])("gives the same in every engine: %s", async (passes) => {
    const inputs = [tensorOf("f32", [1, 4], [1, -0.7, 0.3, 0.05])];
    const module = parseModule(still, { file: "still.snnir" });
    const { snn } = await converted(module, sourceOf([inputs]), passes, 8);
    const wanted = interpret(snn, inputs, { timesteps: 8 });
    for (const engine of [typedEngine, singleThreadWasmEngine]) {
      const { sample: found } = await runOn(engine, snn, inputs, { timesteps: 8 });
      expect(found.activity, engine.name).toEqual(wanted.activity);
      expectClose(known(found.outputs[0], "y"), known(wanted.outputs[0], "y"), 1e-6);
    }
  });
});

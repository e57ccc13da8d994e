/**
 * Inputs that change over time: frame t at timestep t, zeros behind the last, and what spikes from
 * outside count, worked by hand and on all engines.
 */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import { type Code, inputsOf, type Module } from "../../../ir/module.ts";
import { accountOf, latencyOf } from "../../../ir/account/account.ts";
import { decodePackage, encodePackage } from "../../../ir/file/package.ts";
import { interpret } from "../../../ir/interpret.ts";
import { fitsInput } from "../../../ir/run/frames.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { printModule } from "../../../ir/text/print.ts";
import { tensorOf, zeros } from "../../../ir/tensor.ts";
import type { Domain } from "../../../ir/type.ts";
import { verify } from "../../../ir/verify.ts";
import { known } from "../../../ir/diagnostic.ts";
import { runOn } from "../../../scripts/verify/graphs/run.ts";

const loc = sourceLoc("events.nir", "events", "Input");
const engines = [interpretEngine, singleThreadEngine, singleThreadWasmEngine];

/** Three events a frame times the weights [1, 2, 4], summed over time; the second input stays the same. */
function network(domain: Domain = "spike", code: Code = "rate", timesteps = 4): Module {
  const builder = new Builder();
  const events = builder.inputOverTime("events", { domain, dtype: "f32", shape: [1, 3] }, loc);
  const still = builder.input("still", { domain: "real", dtype: "f32", shape: [1, 1] }, loc);
  const weight = builder.tensor("w", tensorOf("f32", [1, 3], [1, 2, 4]));
  const weighted = builder.add("ann.linear", [events], { weight, bias: null }, loc);
  const sum = builder.add("ann.add", [weighted, still], {}, loc);
  const value = domain === "real" ? sum : builder.add("snn.accumulate", [sum], {}, loc);
  return builder.finish({ name: "events", outputs: [{ name: "y", value }], code, timesteps });
}

const frames = tensorOf("f32", [3, 1, 3], [1, 0, -1, 0, 3, 0, 0.5, 1, 0]);
const still = tensorOf("f32", [1, 1], [10]);

describe("an input over time", () => {
  it("is frame t at timestep t, and 0 behind the last, on every engine", async () => {
    const module = network();
    expect(verify(module)).toEqual([]);
    for (const engine of engines) {
      const { outputs, activity } = await runOn(engine, module, [frames, still], []);
      // Sums of 10 + (1 − 4), 10 + 6, 10 + 2.5, 10.
      expect([...known(outputs[0], "y")], engine.name).toEqual([7, 23, 35.5, 45.5]);
      expect([...activity.spikes], engine.name).toEqual([0, 0, 0, 0]);
      expect([...activity.events], engine.name).toEqual([2, 3, 5, 5]);
      // 3 and 0.5 are multiplied; 3 has two digits.
      expect([...activity.plainEvents], engine.name).toEqual([2, 2, 3, 3]);
      expect([...activity.eventBits], engine.name).toEqual([2, 4, 6, 6]);
    }
  });

  it("goes on through chunks, and ends where a run ends", async () => {
    const T = 150;
    const module = network("current", "rate", T);
    const long = tensorOf(
      "f32",
      [T, 1, 3],
      Array.from({ length: 3 * T }, (_, i) => i % 7),
    );
    const wanted = interpret(module, [long, still], { timesteps: T }).outputs;
    for (const engine of engines) {
      const { outputs } = await runOn(engine, module, [long, still], []);
      expect(outputs, engine.name).toEqual(wanted);
    }
  });

  it("may have no frame at all", async () => {
    for (const engine of engines) {
      const none = zeros("f32", [0, 1, 3]);
      const { outputs } = await runOn(engine, network(), [none, still], []);
      expect([...known(outputs[0], "y")], engine.name).toEqual([10, 20, 30, 40]);
    }
  });

  it("of real values needs no code, and weights multiply them at each timestep", async () => {
    const module = network("real", "none", 3);
    expect(verify(module)).toEqual([]);
    for (const engine of engines) {
      const { outputs } = await runOn(engine, module, [frames, still], []);
      expect([...known(outputs[0], "y")], engine.name).toEqual([7, 16, 12.5]);
    }
    expect(accountOf(module)).toMatchObject({ inputProducts: 0, currentProducts: 3 });
    expect(latencyOf(module, 3).timesteps).toBe(3);
  });

  it("says what fits", () => {
    const module = network();
    const [events, other] = inputsOf(module);
    expect(fitsInput(known(events, "an input"), frames)).toBe(true);
    expect(fitsInput(known(events, "an input"), zeros("f32", [1, 3]))).toBe(false);
    expect(fitsInput(known(events, "an input"), zeros("f32", []))).toBe(false);
    expect(fitsInput(known(other, "an input"), still)).toBe(true);
  });

  it("comes back from text and file, which is of version 2 then", () => {
    const module = network();
    const text = printModule(module, { locs: "full" });
    expect(text).toContain('%0 = snn.input() {name = "events"} : spike[1, 3]');
    const { tensors } = module;
    expect(printModule(parseModule(text, { file: "x.snnir", tensors }), { locs: "full" })).toBe(
      text,
    );
    const bytes = encodePackage({ module, provenance: {} });
    expect(new TextDecoder().decode(bytes)).toContain('"snnc.format":"2"');
    expect(printModule(decodePackage(bytes, "x.snn").module, { locs: "full" })).toBe(text);
  });

  it("is refused where it cannot be", () => {
    const numbers = (module: Module) => verify(module).map((each) => each.invariant);
    expect(numbers({ ...network(), code: "few-spikes" })).toContain(13);
    expect(numbers({ ...network("current"), code: "none" })).toContain(12);
    const module = network();
    const twice = module.ops.map((op) =>
      op.kind === "snn.input" ? { ...op, attrs: { name: "still" } } : op,
    );
    expect(numbers({ ...module, ops: twice })).toEqual([9]);
  });
});

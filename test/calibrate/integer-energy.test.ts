/** What the energy of networks of integers is of: a word times a weight is no addition, a spike of 1 or −1 is. */
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { energyTablesFor, workOf } from "../../calibrate/energy.ts";
import { noOperations } from "../../ir/account/operations.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { isNeuron } from "../../ir/op/known.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensor } from "../../ir/tensor.ts";
import { evaluateModule } from "../../library/assess.ts";
import { convert } from "../../library/convert.ts";
import { sourceOf } from "../passes/convert/networks.ts";

/** Two neurons, each of whose words meets three weights. */
const network = parseModule(
  `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @u, bias = none} : real[1, 2]
  %2 = ann.relu(%1) : real[1, 2]
  %3 = ann.linear(%2) {weight = @w, bias = none} : real[1, 3]
  ann.output(%3) {name = "y"}
}
tensors {
  @u = f32[2, 2] dense<[0.9, -0.4, 0.3, 0.8]>
  @w = f32[3, 2] dense<[0.9, -0.4, 0.3, 0.8, 0.5, 0.1]>
}`,
  { file: "m.snnir" },
);
const fanOut = 3;

const samples = Array.from({ length: 8 }, (_, i) => [
  tensor("f32", [1, 2], Float32Array.of(((i * 7) % 16) / 8 - 1, ((i * 5) % 16) / 8 - 0.5)),
]);
const source = sourceOf(samples);
const running = { engine: singleThreadEngine, threads: 1 };

/** Words other than 0 that the neurons send, mean over samples. */
async function wordsOf(module: Module): Promise<number> {
  const { timesteps } = module;
  const { result } = known(module.ops.find(isNeuron), "neurons");
  let words = 0;
  const executable = await singleThreadEngine.load(module, { threads: 1 });
  const probes = [{ value: result, keep: "trace" as const }];
  await executable.run(source, { timesteps, probes }, ({ probes: [trace] }) => {
    words += known(trace, "a trace").filter((word) => word !== 0).length;
  });
  await executable.close();
  return words / samples.length;
}

describe("the energy of integers", () => {
  it.each([
    ["signed-rate", "additions"],
    ["differential", "multiplyAccumulates"],
  ])("counts what %s sends as %s", async (pipeline, kind) => {
    const options = { pipeline, integer: true, timesteps: 4 };
    const { module } = await convert(network, source, running, options);
    const found = await evaluateModule(module, { samples: source, labels: null }, running, {});
    const { input, real, events } = workOf(found);
    expect(events).toEqual({ ...noOperations, [kind]: fanOut * (await wordsOf(module)) });
    expect(events).not.toEqual(noOperations);
    // The first layer once: two inputs by two weights.
    expect(input).toEqual({ ...noOperations, multiplyAccumulates: 4 });
    expect(real).toEqual(noOperations);
    expect(energyTablesFor(found).own.name).toBe("int8");
  });
});

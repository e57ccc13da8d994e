/** Every named pipeline with `--integer`: it makes integers, or says why not and what does. */
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { DiagnosticError } from "../../../ir/diagnostic.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { tensor } from "../../../ir/tensor.ts";
import { convert } from "../../../library/convert.ts";
import { pipelines } from "../../../passes/index.ts";
import { breachesOf } from "../../../passes/properties.ts";
import { sourceOf } from "../convert/networks.ts";

/** Planes, a pool of whole planes, and a layer behind it. */
const network = parseModule(
  `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 1, 2, 2]
  %1 = ann.conv(%0) {strides = [1, 1], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1], weight = @w, bias = @b, groups = 1} : real[1, 2, 2, 2]
  %2 = ann.relu(%1) : real[1, 2, 2, 2]
  %3 = ann.average-pool(%2) {strides = [1, 1], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1], kernel = [2, 2], ceilMode = false, countIncludePad = false} : real[1, 2, 1, 1]
  %4 = ann.reshape(%3) {shape = [1, 2]} : real[1, 2]
  %5 = ann.linear(%4) {weight = @u, bias = none} : real[1, 2]
  %6 = ann.relu(%5) : real[1, 2]
  %7 = ann.linear(%6) {weight = @u, bias = none} : real[1, 2]
  ann.output(%7) {name = "y"}
}
tensors {
  @w = f32[2, 1, 1, 1] dense<[1, -0.7]>
  @b = f32[2] dense<[0.1, 0.3]>
  @u = f32[2, 2] dense<[0.9, -0.4, 0.3, 0.8]>
}`,
  { file: "m.snnir" },
);

const samples = Array.from({ length: 8 }, (_, i) => [
  tensor(
    "f32",
    [1, 1, 2, 2],
    Float32Array.from({ length: 4 }, (_, k) => ((i * 7 + k * 5) % 16) / 8 - 1),
  ),
]);

/** Those that make none, and what is said then. */
const refused = new Map([
  ["canonical", "property-missing"],
  ["exact", "no-integer-form: convert with convert-ttfs{resolution=tick}, as --pipeline ttfs does"],
]);

describe("--integer", () => {
  it.each([...pipelines.keys()])("makes integers of what %s converts", async (pipeline) => {
    const running = { engine: singleThreadEngine, threads: 1 };
    const options = { pipeline, integer: true, timesteps: 6 };
    const said: string[] = [];
    try {
      const { module } = await convert(network, sourceOf(samples), running, options);
      expect(module.properties.has("integer")).toBe(true);
      expect(breachesOf(module, "integer")).toEqual([]);
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      said.push(...error.diagnostics.map(({ code, help }) => `${code}: ${help ?? ""}`));
    }
    expect(said.length > 0).toBe(refused.has(pipeline));
    for (const each of said) expect(each).toContain(refused.get(pipeline));
  });

  it("says that it leaves out the filter of leaky neurons, and leaves none out that is asked for", async () => {
    const running = { engine: singleThreadEngine, threads: 1 };
    const said = async (pipeline: string, integer: boolean): Promise<readonly string[]> => {
      try {
        const options = { pipeline, integer, timesteps: 6 };
        const { diagnostics } = await convert(network, sourceOf(samples), running, options);
        return diagnostics.map(({ code }) => code);
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        return error.diagnostics.map(({ code }) => code);
      }
    };
    expect(await said("lif", true)).toContain("filter-left-out");
    expect(await said("lif", false)).not.toContain("filter-left-out");
    expect(await said("rate", true)).not.toContain("filter-left-out");
    const asked = "canonical,centre-activations,soft-lif{synapse=5},delay-readout";
    const filtered = await said(asked, true);
    expect(filtered).toContain("no-integer-form");
    expect(filtered).not.toContain("filter-left-out");
  });
});

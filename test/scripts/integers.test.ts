/** The bar `integers`: what it watches, and that it sees a single word, potential or event that differs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { known } from "../../ir/diagnostic.ts";
import type { ProbeData, SampleResult } from "../../ir/executable.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { runOn } from "../../scripts/verify/graphs/run.ts";
import { differenceIn, integersOf } from "../../scripts/verify/integers.ts";
import { integerFrames } from "../random/integer.ts";

const module = parseModule(
  `module @m attributes {code = "differential", timesteps = 2, properties = ["integer"]} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.constant() {value = @unit} : real[]
  %2 = ann.constant() {value = @zero} : real<i16>[]
  %3 = ann.quantize-linear(%0, %1, %2) {axis = 0, to = i16} : real<i16>[1, 2]
  %4 = ann.cast(%3) {to = i32, saturate = true} : real<i32>[1, 2]
  %5 = snn.difference(%4) : current<i32>[1, 2]
  %6 = snn.graded(%5) {threshold = @one, vInit = @none, amplitude = @one, ceiling = none, bits = 4, alphabet = "word", sign = "retract", schedule = "table", shares = @shares} : spike<i32>[1, 2]
  %7 = ann.linear(%6) {weight = @w, bias = none} : current<i32>[1, 2]
  %8 = snn.accumulate(%7) : real[1, 2]
  ann.output(%8) {name = "y"}
}
tensors {
  @unit = f32[] dense<0.0625>
  @zero = i16[] dense<0>
  @one = i32[] dense<1>
  @none = i32[1, 1] dense<[0]>
  @shares = i32[2, 1, 1] dense<[2, 1]>
  @w = i8[2, 2] dense<[1, 2, -3, 4]>
}`,
  { file: "m.ir" },
);
const probes = integersOf(module);

function changed(result: SampleResult, probe: number, at: number): SampleResult {
  const off = (data: ProbeData): ProbeData => data.map((x, i) => (i === at ? x + 1 : x));
  return { ...result, probes: result.probes.map((data, i) => (i === probe ? off(data) : data)) };
}

describe("the bar", () => {
  it("watches neurons and both borders of the integers", () => {
    expect(probes.map(({ value, keep }) => `${keep} %${value}`)).toEqual([
      ...["trace %3", "trace %6", "state %6", "trace %7"],
    ]);
  });

  it("says at which timestep and in which layer a run differs first", async () => {
    const inputs = [tensorOf("f32", [1, 2], [0.5, 0.3])];
    const result = await runOn(interpretEngine, module, inputs, probes);
    const differing = (found: SampleResult): string | null =>
      differenceIn(module, probes, result, found);
    expect(differing(result)).toBeNull();
    const trace = known(result.probes[1], "a trace");
    expect(differing(changed(result, 1, 3))).toContain(
      `word 1 is ${(trace[3] ?? 0) + 1}, not ${trace[3] ?? 0}`,
    );
    expect(differing(changed(result, 1, 3))).toContain("timestep 2, snn.graded %6");
    expect(differing(changed(result, 2, 0))).toContain("timestep 1, snn.graded %6");
    expect(differing(changed(changed(result, 3, 0), 1, 2))).toContain("timestep 1, ann.linear %7");
    const events = result.activity.events.map((count, t) => (t === 1 ? count + 1 : count));
    const more = { ...result, activity: { ...result.activity, events } };
    expect(differing(more)).toContain("timestep 2: events up to here");
    const outputs = result.outputs.map((output) => output.map((x) => x * (1 + 3e-6)));
    expect(differing({ ...result, outputs })).toContain("output 0 is off by");
  });

  it("compares whole frames where a run gives one answer", async () => {
    for (const { module, inputs } of fc.sample(integerFrames(), { numRuns: 6, seed: 3 })) {
      const watched = integersOf(module);
      const result = await runOn(interpretEngine, module, inputs, watched);
      const differing = (found: SampleResult): string | null =>
        differenceIn(module, watched, result, found);
      expect(differing(result)).toBeNull();
      expect(differing(changed(result, 0, 0))).toContain("timestep 1, ");
    }
  });
});

/** Drift of firing rates: the distance on numbers that are written out, and the rates of a network by hand. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { compareRates, earthMoversDistance } from "../../../calibrate/compare/drift.ts";
import type { Module } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { tensorOf } from "../../../ir/tensor.ts";

describe("earthMoversDistance", () => {
  it("moves each number to the one of its rank", () => {
    const [a, b] = [Float64Array.of(0.5, 0, 1), Float64Array.of(0.75, 1, 0.25)];
    expect(earthMoversDistance(a, b)).toBeCloseTo((0.25 + 0.25 + 0) / 3, 12);
    expect(earthMoversDistance(b, a)).toBe(earthMoversDistance(a, b));
  });

  it("is 0 where only places differ, and the shift where all move alike", () => {
    const a = Float64Array.of(0.1, 0.4, 0.2);
    expect(earthMoversDistance(a, Float64Array.of(0.4, 0.2, 0.1))).toBe(0);
    expect(
      earthMoversDistance(
        a,
        a.map((x) => x + 0.3),
      ),
    ).toBeCloseTo(0.3, 12);
  });
});

/** Neurons of two channels that get a constant current, with these thresholds. */
function neurons(first: number, second: number): Module {
  return parseModule(
    `module @m attributes {code = "rate", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = none} : real[1, 2]
  %2 = snn.if(%1) {threshold = @t, vInit = @v, amplitude = @t, reset = "subtract"} : spike[1, 2]
  %3 = snn.readout(%2) {start = 0} : real[1, 2]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = f32[2, 2] dense<[1, 0, 0, 1]>
  @t = f32[1, 2] dense<[${first}, ${second}]>
  @v = f32[] dense<0>
}
`,
    { file: "neurons" },
  );
}

describe("compareRates", () => {
  it("counts spikes by channel, over samples and timesteps", async () => {
    const inputs = [
      [1, 0.5],
      [0, 1],
    ];
    const samples = {
      count: 2,
      get: (i: number) => [tensorOf("f32", [1, 2], inputs[i] ?? [])],
    };
    const load = (module: Module) => interpretEngine.load(module, { threads: 1 });
    // In 4 timesteps the first neuron fires 4 and 0 times at a threshold of 1; the second 2 and 4 times at 1, and
    // 1 and 2 times at 2.
    const [floats, integers] = [await load(neurons(1, 1)), await load(neurons(1, 2))];
    const [drift, ...others] = await compareRates(floats, integers, samples, 4);
    expect(others).toEqual([]);
    expect(drift).toMatchObject({ channels: 2, floatRate: 10 / 16, integerRate: 7 / 16 });
    // Sorted: 4/8 and 6/8 become 3/8 and 4/8.
    expect(drift?.distance).toBeCloseTo((1 / 8 + 2 / 8) / 2, 12);
    expect((await compareRates(floats, floats, samples, 4))[0]?.distance).toBe(0);
  });
});

/** What passes are shown of values: the elements that they ask for, and no value that is not finite. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { valueIdOf } from "../../ir/build.ts";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import type { ProbeData, SampleSource } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { byContent, calibrationOn } from "../../library/measure.ts";

const timesteps = 3;

function networkOf(weight: string) {
  return parseModule(
    `module @m attributes {code = "rate", timesteps = 3, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2, 3, 2]
  %1 = snn.if(%0) {threshold = @th, vInit = @v, amplitude = @a, reset = "subtract"} : spike[1, 2, 3, 2]
  %2 = ann.conv(%1) {strides = [1, 1], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1], weight = @w, bias = none, groups = 1} : current[1, 2, 3, 2]
  %3 = snn.readout(%2) {start = 0} : real[1, 2, 3, 2]
  ann.output(%3) {name = "y"}
}
tensors {
  @th = f32[] dense<[0.5]>
  @v = f32[] dense<[0.25]>
  @a = f32[] dense<[4]>
  @w = f32[2, 2, 1, 1] dense<[${weight}]>
}
`,
    { file: "m.snnir" },
  );
}

/** The last of them is too large for float32 sums, and runs apart. */
const samples: SampleSource = {
  count: 4,
  get: (index) => {
    const scale = index === 3 ? 2 ** 70 : 1;
    const values = Array.from({ length: 12 }, (_, i) => scale * (((i * 5 + index) % 7) / 4 - 0.5));
    return [tensorOf("f32", [1, 2, 3, 2], values)];
  },
};

const elements = (index: number): Int32Array => Int32Array.from([index, 7, 11]);

describe("what passes are shown", () => {
  it("is what they ask for, with every engine", async () => {
    const module = networkOf("1, -0.5, 0.25, 2");
    const value = valueIdOf(2);
    for (const engine of [interpretEngine, singleThreadWasmEngine]) {
      const { watch } = calibrationOn(samples, { engine, threads: 1 });
      for (const keep of ["trace", "mean"] as const) {
        const shown: ProbeData[] = [];
        await watch(module, [{ value, keep }], { timesteps, elements }, ([x], index) => {
          shown[index] = known(x, "a probe");
        });
        for (let index = 0; index < samples.count; index++) {
          const inputs = byContent(samples).get(index);
          const { probes } = interpret(module, inputs, { timesteps, probes: [{ value, keep }] });
          const whole = known(probes[0], "a probe");
          const wanted = Array.from({ length: whole.length / 12 }, (_, t) =>
            [...elements(index)].map((at) => whole[t * 12 + at]),
          );
          expect([...known(shown[index], "a sample")]).toEqual(wanted.flat());
        }
      }
    }
  });

  it("is what they ask for of each probe", async () => {
    const module = networkOf("1, -0.5, 0.25, 2");
    const probes = [
      { value: valueIdOf(2), keep: "mean" },
      { value: valueIdOf(2), keep: "trace" },
      { value: valueIdOf(0), keep: "mean" },
    ] as const;
    const chosen = [[3], [], [11, 0, 4]];
    for (const engine of [interpretEngine, singleThreadWasmEngine]) {
      const { watch } = calibrationOn(samples, { engine, threads: 1 });
      const run = {
        timesteps,
        elements: (_: number, probe: number) => Int32Array.from(chosen[probe] ?? []),
      };
      let seen = 0;
      await watch(module, probes, run, (shown, index) => {
        seen++;
        const inputs = byContent(samples).get(index);
        const whole = interpret(module, inputs, { timesteps, probes }).probes;
        // A trace of no elements has none at any timestep.
        const wanted = chosen.map((all, i) => all.map((at) => known(whole[i], "a probe")[at]));
        expect(shown.map((data) => [...data])).toEqual(wanted);
      });
      expect(seen).toBe(samples.count);
    }
  });

  it("is refused where an element is not finite that they do not ask for", async () => {
    // The second channel overflows; only elements of the first are looked at.
    const module = networkOf("1, 1, 3e38, 3e38");
    const first = (): Int32Array => Int32Array.from([0, 5]);
    for (const engine of [interpretEngine, singleThreadWasmEngine]) {
      const { watch } = calibrationOn(samples, { engine, threads: 1 });
      const probes = [{ value: valueIdOf(2), keep: "trace" as const }];
      const looked = watch(module, probes, { timesteps, elements: first }, () => undefined);
      await expect(looked).rejects.toThrow(DiagnosticError);
      await expect(looked).rejects.toThrow(/finite/);
    }
  });
});

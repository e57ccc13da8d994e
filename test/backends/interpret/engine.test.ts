/** The interpreter behind the engine's interface: order, progress and statistics. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { Builder } from "../../../ir/build.ts";
import type { SampleResult, SampleSource } from "../../../ir/executable.ts";
import { scalar, tensorOf } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";

const b = new Builder();
const loc = { kind: "text", file: "test", line: 1, column: 1 } as const;
const x = b.input("x", real("f32", [1, 2]), loc);
const one = b.tensor("one", scalar("f32", 1));
const zero = b.tensor("zero", scalar("f32", 0));
const attrs = { threshold: one, vInit: zero, amplitude: one, reset: "subtract" } as const;
const spikes = b.add("snn.if", [x], attrs, loc);
const rate = b.add("snn.readout", [spikes], { start: 0 }, loc);
const outputs = [{ name: "rate", value: rate }];
const module = b.finish({ name: "m", code: "rate", timesteps: 4, outputs });

const samples: SampleSource = {
  count: 3,
  get: (index) => [tensorOf("f32", [1, 2], [index / 4, 0.5])],
};

describe("interpretEngine", () => {
  it("runs samples in order and says how far it is", async () => {
    const executable = await interpretEngine.load(module, { threads: 2 });
    const results: SampleResult[] = [];
    const progress: string[] = [];
    await executable.run(
      samples,
      { timesteps: 4, onProgress: (done, total) => progress.push(`${done}/${total}`) },
      (result) => results.push(result),
    );
    await executable.close();
    expect(executable.neurons).toEqual([spikes]);
    expect(results.map((r) => r.index)).toEqual([0, 1, 2]);
    expect(results.map((r) => [...(r.outputs[0]?.subarray(6) ?? [])])).toEqual([
      [0, 0.5],
      [0.25, 0.5],
      [0.5, 0.5],
    ]);
    expect(Object.keys(results[0] ?? {})).not.toContain("means");
    expect(progress).toEqual(["1/3", "2/3", "3/3"]);
  });

  it("gathers statistics of means over the timesteps, by scope", async () => {
    const executable = await interpretEngine.load(module, { threads: 1 });
    const statistics = await executable.run(samples, {
      timesteps: 4,
      observe: [
        { value: spikes, scope: "channel", axis: 1 },
        { value: x, scope: "layer", axis: 0 },
      ],
    });
    expect(statistics.samples).toBe(3);
    const channels = statistics.values.get(spikes)?.channels ?? [];
    expect(channels.map((c) => [c.count, c.min, c.max, c.mean])).toEqual([
      [3, 0, 0.5, 0.25],
      [3, 0.5, 0.5, 0.5],
    ]);
    const [layer] = statistics.values.get(x)?.channels ?? [];
    expect([layer?.count, layer?.max]).toEqual([6, 0.5]);
  });
});

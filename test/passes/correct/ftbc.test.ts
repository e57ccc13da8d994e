/** Which samples forward temporal bias correction looks at, and what comes of it. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { known } from "../../../ir/diagnostic.ts";
import { opsOf, tensorAt } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { uniform } from "../../../ir/random.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { calibrationOn } from "../../../library/measure.ts";
import type { Calibration } from "../../../passes/pass.ts";
import { converted, sourceOf } from "../convert/networks.ts";

const module = parseModule(
  `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 1, 6]
  %1 = ann.relu(%0) : real[1, 1, 6]
  ann.output(%1) {name = "y"}
}
tensors {
}
`,
  { file: "m.snnir" },
);

function samplesOf(count: number): Calibration {
  const values = (s: number): number[] =>
    Array.from({ length: 6 }, (_, i) => uniform(1, s, i, 0) - 0.25);
  const all = Array.from({ length: count }, (_, s) => [tensorOf("f32", [1, 1, 6], values(s))]);
  return calibrationOn(sourceOf(all), { engine: interpretEngine, threads: 1 });
}

describe("ftbc", () => {
  it.each([
    [32, 8, 8, { corrected: 8, heldOut: 8 }],
    [12, 128, 64, { corrected: 8, heldOut: 4 }],
    [2, 128, 128, { corrected: 1, heldOut: 1 }],
  ])("of %i samples corrects on some and judges by others", async (count, samples, held, parts) => {
    const calibration = samplesOf(count);
    const ranges = { corrected: new Set<number>(), judged: new Set<number>() };
    const spied: Calibration = {
      measure: (...asked) => calibration.measure(...asked),
      watch: (network, probes, run, onSample) =>
        calibration.watch(network, probes, run, (kept, index, spikes) => {
          const judges = probes.some(({ value }) => network.outputs[0]?.name === "y" && value > 1);
          if (probes.length > 0 && network.code !== "none") {
            ranges[judges ? "judged" : "corrected"].add(index);
          }
          onSample(kept, index, spikes);
        }),
    };
    const passes = `convert-activations,balance-max,set-initial-potential{share=0},ftbc{samples=${samples},heldOut=${held}}`;
    await converted(module, spied, passes, 2);
    const { corrected, heldOut } = parts;
    expect([...ranges.corrected]).toEqual(Array.from({ length: corrected }, (_, i) => i));
    expect([...ranges.judged]).toEqual(Array.from({ length: heldOut }, (_, i) => corrected + i));
  });

  it("brings the means of every timestep to the mean activation", async () => {
    const calibration = samplesOf(300);
    const passes =
      "convert-activations,balance-max,set-initial-potential{share=0},ftbc{samples=200,heldOut=100,rounds=40}";
    const { snn } = await converted(module, calibration, passes, 3);
    const [bias] = opsOf(snn, "snn.temporal-bias");
    expect(tensorAt(snn, known(bias, "biases").attrs.table).shape).toEqual([3, 1, 1, 1]);
    const [neuron] = opsOf(snn, "snn.if");
    const value = known(neuron, "neurons").result;
    const sums = [0, 0, 0];
    let wanted = 0;
    await calibration.watch(
      snn,
      [
        { value, keep: "trace" },
        { value: known(snn.ops[0], "an input").result, keep: "mean" },
      ],
      { timesteps: 3, samples: 200 },
      ([trace, x]) => {
        trace?.forEach((y, i) => {
          const t = Math.floor(i / 6);
          sums[t] = (sums[t] ?? 0) + y;
        });
        x?.forEach((each) => (wanted += Math.max(0, each)));
      },
    );
    for (const sum of sums) expect(sum / 1200).toBeCloseTo(wanted / 1200, 1);
  });

  it("takes batches in their turn", async () => {
    const tableOf = async (options: string): Promise<string> => {
      const passes = `convert-activations,balance-max,set-initial-potential{share=0},ftbc{samples=16,heldOut=16,${options}}`;
      const { snn } = await converted(module, samplesOf(32), passes, 2);
      return opsOf(snn, "snn.temporal-bias")
        .map((op) => [...tensorAt(snn, op.attrs.table).data].join())
        .join();
    };
    const one = await tableOf("batches=1,rounds=1");
    expect(one).not.toBe("");
    expect(await tableOf("batches=4,rounds=1")).not.toBe(one);
    expect(await tableOf("batches=1,rounds=1")).toBe(one);
  });
});

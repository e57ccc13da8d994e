/** Small networks worked out by hand, for what random ones rarely meet. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf, tensorAt } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { ChannelStatistics } from "../../../ir/run/stats.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { stepsOf } from "../../../library/convert.ts";
import { runPipeline } from "../../../passes/manager.ts";
import { converted, sourceOf } from "../convert/networks.ts";

/** `activation` of an input of `shape`, and nothing else. */
function rectified(shape: readonly number[], activation: string): Module {
  const type = `real[${shape.join(", ")}]`;
  const text = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : ${type}
  %1 = ${activation.replace("x", "%0")} : ${type}
  ann.output(%1) {name = "y"}
}
tensors {
}
`;
  return parseModule(text, { file: "test" });
}

async function thresholds(
  shape: readonly number[],
  activation: string,
  rows: readonly (readonly number[])[],
  passes: string,
): Promise<{ values: number[]; shape: readonly number[]; codes: readonly string[]; snn: Module }> {
  const samples = sourceOf(rows.map((row) => [tensorOf("f32", shape, row)]));
  const all = `convert-activations,${passes}`;
  const { snn, codes } = await converted(rectified(shape, activation), samples, all);
  const [neuron] = opsOf(snn, "snn.if");
  if (neuron === undefined) throw new Error("no neuron");
  const held = tensorAt(snn, neuron.attrs.threshold);
  return { values: [...held.data], shape: held.shape, codes, snn };
}

describe("balancing", () => {
  it("gives a silent channel its layer's largest threshold, and says so", async () => {
    const { values, codes } = await thresholds(
      [1, 3],
      "ann.relu(x)",
      [[2, -1, 0.5]],
      "balance-max",
    );
    expect(values).toEqual([2, 2, 0.5]);
    expect(codes).toEqual(["dead-channels"]);
    // Single neurons are silent all the time.
    const alone = await thresholds(
      [1, 3],
      "ann.relu(x)",
      [[2, -1, 0.5]],
      "balance-max{scope=neuron}",
    );
    expect(alone).toMatchObject({ values: [2, 2, 0.5], codes: [] });
  });

  it("gives a silent layer 1, or its ceiling where that is lower", async () => {
    const relu = await thresholds([1, 2], "ann.relu(x)", [[-1, 0]], "balance-mmse");
    expect(relu.values).toEqual([1, 1]);
    const clip = "ann.clip(x) {min = 0, max = 0.25}";
    const clipped = await thresholds([1, 2], clip, [[-1, 0]], "balance-mmse");
    expect(clipped.values).toEqual([0.25, 0.25]);
  });

  it("does not take a channel for silent that is only rarely active", async () => {
    const rows = [
      [-1, 4],
      [-1, 4],
      [-1, 4],
      [2, 4],
    ];
    const { values, codes } = await thresholds(
      [1, 2],
      "ann.relu(x)",
      rows,
      "balance-percentile{p=50}",
    );
    expect(values).toEqual([2, 4]);
    expect(codes).toEqual([]);
  });

  it("counts percent of all activations", async () => {
    const row = Array.from({ length: 1000 }, (_, i) => 1.05 ** i);
    const passes = "balance-percentile{scope=layer,p=50}";
    const { values } = await thresholds([1, 1000], "ann.relu(x)", [row], passes);
    expect(Math.abs((values[0] ?? 0) / 1.05 ** 499 - 1)).toBeLessThan(0.011);
  });

  it("resolves as many levels as asked for, or as there are timesteps", async () => {
    const row = [...Array.from({ length: 200 }, (_, i) => 1 + i / 200), 20];
    const [few, many] = await Promise.all(
      ["balance-mmse{scope=layer}", "balance-mmse{scope=layer,levels=500}"].map((passes) =>
        thresholds([1, row.length], "ann.relu(x)", [row], passes),
      ),
    );
    const asked = await thresholds(
      [1, row.length],
      "ann.relu(x)",
      [row],
      "balance-mmse{scope=layer,levels=8}",
    );
    expect(few?.values).toEqual(asked.values);
    expect(many?.values).toEqual([20]);
    expect(few?.values[0]).toBeLessThan(18);
  });

  it("saturates a ReLU6 where it does, however large its operand", async () => {
    const clip = "ann.clip(x) {min = 0, max = 6}";
    for (const pass of ["balance-max", "balance-percentile", "balance-local"]) {
      const { values, snn } = await thresholds([1, 2], clip, [[50, 3]], `${pass}{scope=layer}`);
      expect(values).toEqual([6]);
      const run = interpret(snn, [tensorOf("f32", [1, 2], [50, 3])], { timesteps: 8 });
      expect([...(run.outputs[0] ?? [])].slice(-2)).toEqual([6, 3]);
    }
  });

  it.each(["layer", "channel", "neuron"])("takes a scalar, by %s", async (scope) => {
    const { values, shape } = await thresholds(
      [],
      "ann.relu(x)",
      [[3]],
      `balance-max{scope=${scope}}`,
    );
    expect(values).toEqual([3]);
    expect(shape).toEqual([]);
  });

  it("takes more neurons than a function has arguments", async () => {
    const count = 200_000;
    const module = rectified([1, count], "ann.relu(x)");
    const statistics = new ChannelStatistics();
    statistics.add([2], 0, 1, 1);
    const channels = Array<ChannelStatistics>(count).fill(statistics);
    const passes = "convert-activations,balance-max{scope=neuron}";
    const { snn } = await converted(
      module,
      {
        measure: (_, observe) => {
          const values = new Map(observe.map((o) => [o.value, { ...o, channels }]));
          return Promise.resolve({ samples: 1, values });
        },
        watch: () => Promise.resolve(),
      },
      passes,
    );
    const [neuron] = opsOf(snn, "snn.if");
    expect(neuron && tensorAt(snn, neuron.attrs.threshold).data.every((x) => x === 2)).toBe(true);
  });

  it("measures an operand of two neurons once, and gives each its own threshold", async () => {
    const text = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.relu(%0) : real[1, 2]
  %2 = ann.clip(%0) {min = 0, max = 6} : real[1, 2]
  %3 = ann.sub(%1, %2) : real[1, 2]
  ann.output(%3) {name = "y"}
}
tensors {
}
`;
    const module = parseModule(text, { file: "test" });
    const samples = sourceOf([[tensorOf("f32", [1, 2], [8, 2])]]);
    const passes = "convert-activations,balance-max{scope=layer}";
    const { snn } = await converted(module, samples, passes);
    const found = opsOf(snn, "snn.if").map((op) => [...tensorAt(snn, op.attrs.threshold).data]);
    expect(found).toEqual([[8], [6]]);
  });

  it.each(["set-initial-potential{share=0.3}", "delay-readout{pace=2}"])(
    "finds nothing to do the second time: %s",
    async (pass) => {
      const { snn } = await converted(
        rectified([1, 2], "ann.relu(x)"),
        null,
        "convert-activations",
      );
      const steps = stepsOf(`${pass},${pass}`);
      const { passes } = await runPipeline(snn, steps, { timesteps: 8 });
      expect(passes.map((p) => p.changed)).toEqual([true, false]);
    },
  );

  it("needs the analogue network in the same run, and a calibration set", async () => {
    const module = rectified([1, 2], "ann.relu(x)");
    const { snn } = await converted(module, null, "convert-activations");
    await expect(converted(snn, sourceOf([]), "balance-max")).rejects.toThrow(
      "needs the analogue network too",
    );
    await expect(converted(module, null, "convert-activations,balance-max")).rejects.toThrow(
      "no calibration set was given",
    );
  });
});

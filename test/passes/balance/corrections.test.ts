/** Bias and potential corrections: worked by hand, and what they must leave as it is on any network. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channelAxisOf } from "../../../ir/analysis/channels.ts";
import { known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf, producerOf, tensorAt } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { verify } from "../../../ir/verify.ts";
import { type BiasPlaces, withBias } from "../../../passes/bias.ts";
import { groupsAlong } from "../../../passes/correct/layerwise.ts";
import { converted, convertibleNetworks, sourceOf } from "../convert/networks.ts";

const rectified = parseModule(
  `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.relu(%0) : real[1, 2]
  ann.output(%1) {name = "y"}
}
tensors {
}
`,
  { file: "m.snnir" },
);
const rows = (...values: readonly (readonly number[])[]): ReturnType<typeof sourceOf> =>
  sourceOf(values.map((row) => [tensorOf("f32", [1, 2], row)]));

async function corrected(passes: string, samples = rows([1, 0.5], [0.3, 2])): Promise<Module> {
  const { snn } = await converted(
    rectified,
    samples,
    `convert-activations,balance-max,${passes}`,
    4,
  );
  return snn;
}

describe("correct-bias", () => {
  it("adds what the mean of the spikes lacks of the mean activation", async () => {
    // Channel 0 has θ = 1: 1 is sent as 1, 0.3 as one spike in four, so (0.3 − 0.25)/2 is missing.
    // Channel 1 has θ = 2: 0.5 is one spike in four, and 2 is four.
    const snn = await corrected("correct-bias");
    const [affine] = opsOf(snn, "ann.affine");
    const shift = tensorAt(snn, known(affine, "an affine map").attrs.shift);
    expect(shift.shape).toEqual([1, 2]);
    expect(shift.data[0]).toBeCloseTo(0.025, 6);
    expect(shift.data[1]).toBe(0);
  });

  it("takes away what is sent too much by spikes of several sizes too", async () => {
    // θ = 1/3 and v[0] = 0: 0.3 rounds to one unit at each step but one of ten, here at all four.
    const samples = rows([1, 0], [0.3, 0]);
    const { snn } = await converted(
      rectified,
      samples,
      "convert-activations{bits=2},balance-max,correct-bias",
      4,
    );
    const [affine] = opsOf(snn, "ann.affine");
    const shift = tensorAt(snn, known(affine, "an affine map").attrs.shift);
    expect(shift.data[0]).toBeCloseTo((0.3 - 1 / 3) / 2, 6);
  });

  it("looks at as many samples as it is told to, whatever their order", async () => {
    const all = [
      [1, 0.5],
      [0.3, 2],
      [0.45, 0.1],
    ] as const;
    const shiftOf = async (order: readonly number[], samples: number): Promise<string> => {
      const source = rows(...order.map((i) => known(all[i], "a row")));
      const snn = await corrected(`correct-bias{samples=${samples}}`, source);
      return opsOf(snn, "ann.affine")
        .map((op) => [...tensorAt(snn, op.attrs.shift).data].join())
        .join();
    };
    const two = await shiftOf([0, 1, 2], 2);
    expect(await shiftOf([2, 0, 1], 2)).toBe(two);
    expect(await shiftOf([0, 1, 2], 3)).not.toBe(two);
  });

  it("leaves a network without errors as it is", async () => {
    const snn = await corrected("correct-bias", rows([1, 2], [0.5, 1]));
    expect(opsOf(snn, "ann.affine")).toEqual([]);
  });
});

describe("calibrate-potential", () => {
  it("starts from the charge that is missing at the end", async () => {
    const snn = await corrected("calibrate-potential");
    const [neuron] = opsOf(snn, "snn.if");
    const vInit = tensorAt(snn, known(neuron, "a neuron").attrs.vInit);
    expect(vInit.shape).toEqual([1, 2]);
    expect(vInit.data[0]).toBeCloseTo(0.5 + 4 * 0.025, 6);
    expect(vInit.data[1]).toBe(1);
  });

  it("can do so neuron by neuron", async () => {
    const wide = parseModule(
      `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 1, 2]
  %1 = ann.relu(%0) : real[1, 1, 2]
  ann.output(%1) {name = "y"}
}
tensors {
}
`,
      { file: "m.snnir" },
    );
    const samples = sourceOf([[tensorOf("f32", [1, 1, 2], [1, 0.3])]]);
    const passes = "convert-activations,balance-max,calibrate-potential{scope=neuron}";
    const { snn } = await converted(wide, samples, passes, 4);
    const [neuron] = opsOf(snn, "snn.if");
    const vInit = tensorAt(snn, known(neuron, "a neuron").attrs.vInit);
    expect(vInit.shape).toEqual([1, 1, 2]);
    expect([...vInit.data].map((v) => Math.round(v * 1000))).toEqual([500, 700]);
  });
});

const anywhere: BiasPlaces = {
  pass: "test",
  into: ["ann.conv", "ann.conv-transpose", "ann.linear", "ann.affine"],
  otherwise: "ann.affine",
};
const beside: BiasPlaces = {
  pass: "test",
  into: ["ann.conv", "ann.linear"],
  otherwise: "snn.temporal-bias",
};
const places = fc.constantFrom(anywhere, beside);

describe("a shift of a neuron's operand", () => {
  it("moves that operand and nothing before it, on any network", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(8), fc.nat(), places, async (network, pick, where) => {
        const { module, samples } = network;
        const { snn } = await converted(module, null, "convert-activations", 4);
        const neurons = opsOf(snn, "snn.if");
        const neuron = known(neurons[pick % neurons.length], "a neuron");
        const axis = channelAxisOf(snn, neuron.result);
        const { count, of, shape } = groupsAlong(neuron.type.shape, axis);
        const shift = tensorOf(
          "f32",
          shape,
          Array.from({ length: count }, (_, i) => (i + 1) / 8),
        );
        const moved = withBias(snn, neuron, shift, where);
        expect(verify(moved)).toEqual([]);
        // All neurons that do not hear of it fire as before.
        const heard = new Set([neuron.result]);
        for (const op of snn.ops) if (op.inputs.some((v) => heard.has(v))) heard.add(op.result);
        const others = neurons.filter((op) => !heard.has(op.result)).map((op) => op.result);
        const traced = (of: Module): readonly (Float32Array | Int32Array)[] => {
          const [operand] = producerOf(of, neuron.result).inputs;
          const probes = [known(operand, "an operand"), ...others].map((value) => ({
            value,
            keep: "trace" as const,
          }));
          return interpret(of, known(samples[0], "a sample"), { timesteps: 3, probes }).probes;
        };
        const [before, ...spikes] = traced(snn);
        const [after, ...same] = traced(moved);
        expect(same).toEqual(spikes);
        after?.forEach((x, i) => {
          const step = shift.data[of[i % of.length] ?? 0] ?? 0;
          expect(x).toBeCloseTo((before?.[i] ?? 0) + step, 3);
        });
      }),
      { numRuns: 150 },
    );
  });

  it("leaves weights alone that drive something else besides", () => {
    const shared = parseModule(
      `module @m attributes {code = "rate", timesteps = 4, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real[1, 2]
  %2 = snn.if(%1) {threshold = @t, vInit = @t, amplitude = @t, reset = "subtract"} : spike[1, 2]
  %3 = snn.readout(%2) {start = 0} : real[1, 2]
  ann.output(%3) {name = "y"}
  ann.output(%1) {name = "z"}
}
tensors {
  @w = f32[2, 2] dense<[1, 0, 0, 1]>
  @b = f32[2] dense<[0, 0]>
  @t = f32[] dense<1>
}
`,
      { file: "m.snnir" },
    );
    const [neuron] = opsOf(shared, "snn.if");
    const shift = tensorOf("f32", [1, 2], [1, 2]);
    const moved = withBias(shared, known(neuron, "a neuron"), shift, anywhere);
    expect(verify(moved)).toEqual([]);
    expect(opsOf(moved, "ann.affine").length).toBe(1);
    const [, z] = interpret(moved, [tensorOf("f32", [1, 2], [3, 4])], { timesteps: 1 }).outputs;
    expect([...(z ?? [])]).toEqual([3, 4]);
  });
});

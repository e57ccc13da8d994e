/**
 * What users of other converters reported as broken, each as a small model that is taken the whole
 * way. Beside each stands the thread that it would have closed.
 */
import { weights } from "./parts.ts";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { type Diagnostic, DiagnosticError, known } from "../../ir/diagnostic.ts";
import { opsOf } from "../../ir/module.ts";
import { checkModel } from "../../library/check.ts";
import { floats, model, node, value } from "../frontend/build-model.ts";
import { importBytes } from "../frontend/run.ts";
import { converge } from "./converge.ts";
import { type StructureName, structures } from "./models.ts";

/** What everyone needs and nobody complained of. */
const noThread = "no thread";

const threads: Readonly<Record<StructureName, string>> = {
  "batchnorm-after-relu": "snn_toolbox#134, #71; spikingjelly#212",
  "batchnorm-after-relu-before-pool": "snn_toolbox#71",
  "max-pool-after-relu": "snn_toolbox#103, #10; spikingjelly#432",
  "max-pool-of-spikes": "spikingjelly#145: pooling spikes is wrong",
  "overlapping-max-pool-of-current": "snn_toolbox#10",
  "residual-add": "snn_toolbox#66, #10; sinabs PR#245",
  "residual-add-of-other-scale": "snn_toolbox#66",
  "residual-add-with-projection": "snn_toolbox#66; spikingjelly#364; PyTorch-Spiking-YOLOv3#39",
  "pre-activation-residual": "spikingjelly#364",
  "asymmetric-pads": "snn_toolbox#96, #130: wrong until padding layers were put in by hand",
  depthwise: noThread,
  "transposed-convolution": "hls4ml#860",
  "encoder-decoder": "spikingjelly#170",
  "split-concat": "hls4ml#1346; spikingjelly#170",
  "dense-concat": "spikingjelly#170",
  "channel-shuffle": "sinabs PR#245: only sequential models",
  "depth-to-space": "spikingjelly#170",
  "resize-nearest": "spikingjelly#170; PyTorch-Spiking-YOLOv3#39",
  "resize-linear": "spikingjelly#170",
  "shared-activation": "sinabs PR#245",
  "max-with-zero": "spikingjelly#517: functional ReLUs stayed analogue",
  "clip-without-upper-bound": "spikingjelly#517",
  "relu6-that-saturates": "spikingjelly#461",
  "global-average-pool": noThread,
  "pools-with-padding": "snn_toolbox#130",
  "max-pool-of-negative-current": "spikingjelly#460",
  "nhwc-transposes": "snn_toolbox#65: chains of converters",
  "identity-and-sum": "sinabs#201: Identity",
  dropout: noThread,
  "softmax-at-the-output": noThread,
  "relu-of-the-input": "snn_toolbox#93: where is the encoding?",
  "two-outputs": "spikingjelly#148, #410; snn_toolbox#56: detection heads",
  "one-dimensional": "snn_toolbox#72, #88: 1-D signals",
  "gemm-only": noThread,
};

describe("a spiking network comes ever closer to the network it was made from", () => {
  it.each(structures)("with $name", async ({ name, build }) => {
    const { errors, conversion } = await converge(build(), { pipeline: "max", ownSamples: true });
    expect(errors[255], threads[name]).toBeLessThan(0.02);
    // Four times the timesteps, a quarter of the error.
    expect(errors[255], threads[name]).toBeLessThan(0.4 * known(errors[63], "step 64"));
    expect(conversion.diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  });
});

describe("with default options, on samples that were not calibrated on", () => {
  it.each([
    ["residual-add-with-projection", 0.05],
    ["max-pool-after-relu", 0.03],
    ["depthwise", 0.05],
    ["one-dimensional", 0.03],
  ] as const)("%s is within %d of the original", async (name, bound) => {
    const { build } = known(
      structures.find((s) => s.name === name),
      name,
    );
    expect((await converge(build())).relativeError).toBeLessThan(bound);
  });
});

describe("how it gets there", () => {
  const build = (name: StructureName): Uint8Array =>
    known(structures.find((s) => s.name === name)?.build(), name);

  it("the interpreter and the engine agree (lava-dl#77, #92: simulator and target differ)", async () => {
    const trial = { timesteps: 16, samples: 1, pipeline: "max", ownSamples: true };
    for (const name of ["residual-add", "max-pool-of-spikes"] as const) {
      const engine = await converge(build(name), trial);
      const oracle = await converge(build(name), { ...trial, interpret: true });
      for (const [t, error] of oracle.errors.entries()) {
        expect(engine.errors[t]).toBeCloseTo(error, 4);
      }
    }
  });

  it("every activation becomes neurons (spikingjelly#517: none did, without a word)", async () => {
    const { conversion } = await converge(build("residual-add-with-projection"), { timesteps: 1 });
    expect(opsOf(conversion.module, "snn.graded")).toHaveLength(4);
    expect(opsOf(conversion.module, "ann.relu")).toEqual([]);
  });

  it.each([
    ["0 to 46", (x: number) => 46 * x],
    ["−3 to 3", (x: number) => 6 * x - 3],
    ["0 to 10⁻³", (x: number) => 1e-3 * x],
  ])("input of %s needs no normalising (snn_toolbox#98)", async (_range, scale) => {
    const trial = { scale, pipeline: "max", ownSamples: true };
    expect((await converge(build("gemm-only"), trial)).relativeError).toBeLessThan(0.02);
    expect((await converge(build("max-pool-after-relu"), trial)).relativeError).toBeLessThan(0.02);
  });

  it("outputs do not collapse to one class (snn_toolbox#72)", async () => {
    const { errors } = await converge(build("softmax-at-the-output"), { timesteps: 64 });
    expect(errors[63]).toBeLessThan(0.05);
  });

  it("a batch fixed at export is taken out", async () => {
    const bytes = model({
      inputs: [value("x", [16, 6])],
      outputs: [value("y", [16, 3])],
      nodes: [
        node("Gemm", ["x", "w1"], ["a"], { transB: 1 }),
        node("Relu", ["a"], ["r"]),
        node("Gemm", ["r", "w2"], ["y"], { transB: 1 }),
      ],
      initializers: [weights("w1", [8, 6]), weights("w2", [3, 8])],
    });
    const { conversion, relativeError } = await converge(bytes, {
      pipeline: "max",
      ownSamples: true,
    });
    expect(relativeError).toBeLessThan(0.02);
    expect(conversion.module.ops[0]?.type.shape).toEqual([1, 6]);
  });
});

describe("what cannot be converted is refused, and why is said", () => {
  /** Two layers with these nodes between "a" and "r". */
  const dense = (...between: readonly ReturnType<typeof node>[]): Uint8Array =>
    model({
      inputs: [value("x", ["batch", 6])],
      outputs: [value("y", ["batch", 3])],
      nodes: [
        node("Gemm", ["x", "w1"], ["a"], { transB: 1 }),
        ...between,
        node("Gemm", ["r", "w2"], ["b"], { transB: 1 }),
        node("Relu", ["b"], ["y"]),
      ],
      initializers: [
        weights("w1", [6, 6]),
        weights("w2", [3, 6]),
        floats("slope", [6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        floats("low", [], [-1]),
        floats("high", [], [1]),
      ],
    });

  async function refusal(bytes: Uint8Array): Promise<readonly Diagnostic[]> {
    try {
      await converge(bytes, { timesteps: 1, pipeline: "mmse" });
    } catch (error) {
      if (error instanceof DiagnosticError) return error.diagnostics;
      throw error;
    }
    return [];
  }

  it.each([
    ["LeakyRelu", node("LeakyRelu", ["a"], ["r"]), "spikingjelly#460"],
    ["PRelu", node("PRelu", ["a", "slope"], ["r"]), "hybrid-snn-conversion#7"],
    ["Sigmoid", node("Sigmoid", ["a"], ["r"]), "brevitas#385"],
    ["Clip from −1", node("Clip", ["a", "low", "high"], ["r"]), "spikingjelly#461"],
    ["Softmax inside", node("Softmax", ["a"], ["r"], { axis: 1 }), "spikingjelly#562"],
    [
      "a product of activations",
      [node("Relu", ["a"], ["p"]), node("Mul", ["p", "p"], ["r"])],
      "spikingjelly#562",
    ],
  ])("%s", async (_name, between, thread) => {
    const bytes = dense(...[between].flat());
    const [found, ...rest] = await refusal(bytes);
    expect(found?.code, thread).toBe("no-spiking-form");
    expect(found?.help).toMatch(/--allow-analogue/);
    expect(rest).toEqual([]);
    const { convertible, obstacles } = await checkModel(importBytes(bytes), interpretEngine, {
      code: "rate",
    });
    expect(convertible).toBe(false);
    expect(obstacles).toHaveLength(1);
  });

  it("runs on decoded values where that is asked for (spikingjelly#461)", async () => {
    const { relativeError, conversion } = await converge(
      dense(node("LeakyRelu", ["a"], ["r"], { alpha: { float: 0.1 } })),
      { allowAnalogue: true, pipeline: "max", ownSamples: true },
    );
    expect(relativeError).toBeLessThan(0.02);
    expect(conversion.diagnostics.map((d) => d.code)).toContain("analogue-inside");
  });

  it("a model without activations (spikingjelly#517)", async () => {
    const bytes = model({
      inputs: [value("x", ["batch", 6])],
      outputs: [value("y", ["batch", 3])],
      nodes: [node("Gemm", ["x", "w"], ["y"], { transB: 1 })],
      initializers: [weights("w", [3, 6])],
    });
    expect((await refusal(bytes)).map((d) => d.code)).toEqual(["no-activation"]);
    const check = await checkModel(importBytes(bytes), interpretEngine);
    expect(check.convertible).toBe(false);
    expect(check.obstacles.map((o) => o.help)).toEqual([
      "the model has no activation that could become a neuron; a model without activations gains " +
        "nothing from spikes; `snnc run` and `snnc eval` take it without conversion",
    ]);
  });
});

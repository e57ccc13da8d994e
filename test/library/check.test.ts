/** What `snnc check` says: the fate of each op, and every obstacle at once. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import type { ImportResult } from "../../frontend/import.ts";
import { Builder } from "../../ir/build.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { checkModel } from "../../library/check.ts";
import { convert } from "../../library/convert.ts";
import { neuronsIn, withoutNeurons } from "../../library/neurons.ts";
import { loc } from "../ir/one-op.ts";
import { images, network, running } from "./network.ts";

function imported(module: Module | null, parts: Partial<ImportResult> = {}): ImportResult {
  return {
    module,
    diagnostics: [],
    unsupported: [],
    inputs: [],
    operators: new Map([["Conv", 1]]),
    opset: 17,
    producer: "",
    ...parts,
  };
}

/** The sum of spikes and of what is made of them feeds the last layer: no neurons stand between. */
const bottleneck = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.relu(%0) : real[1, 2] loc("m.onnx" "/relu" Relu)
  %2 = ann.linear(%1) {weight = @w, bias = @b} : real[1, 2] loc("m.onnx" "/inner" Gemm)
  %3 = ann.add(%1, %2) : real[1, 2] loc("m.onnx" "/sum" Add)
  %4 = ann.linear(%3) {weight = @u, bias = none} : real[1, 1] loc("m.onnx" "/last" Gemm)
  ann.output(%4) {name = "y"}
}
tensors {
  @w = f32[2, 2] dense<[1, -1, 2, 1]>
  @b = f32[2] dense<[0.5, -2]>
  @u = f32[1, 2] dense<[1, 2]>
}
`;

/** One rectifier, and three activations of other kinds: before it, behind it, and at the output. */
const curves = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real[1, 2] loc("m.onnx" "/first" Gemm)
  %2 = ann.sigmoid(%1) : real[1, 2] loc("m.onnx" "/sigmoid" Sigmoid)
  %3 = ann.linear(%2) {weight = @w, bias = @b} : real[1, 2] loc("m.onnx" "/second" Gemm)
  %4 = ann.relu(%3) : real[1, 2] loc("m.onnx" "/relu" Relu)
  %5 = ann.linear(%4) {weight = @w, bias = @b} : real[1, 2] loc("m.onnx" "/third" Gemm)
  %6 = ann.tanh(%5) : real[1, 2] loc("m.onnx" "/tanh" Tanh)
  %7 = ann.linear(%6) {weight = @w, bias = none} : real[1, 2] loc("m.onnx" "/last" Gemm)
  %8 = ann.tanh(%7) : real[1, 2] loc("m.onnx" "/out" Tanh)
  ann.output(%8) {name = "y"}
}
tensors {
  @w = f32[2, 2] dense<[1, -1, 2, 1]>
  @b = f32[2] dense<[0.5, -2]>
}
`;

describe("checkModel", () => {
  it("counts soft-LIF among what becomes neurons", async () => {
    const builder = new Builder();
    const x = builder.input("x", real("f32", [1, 2]), loc);
    const attrs = { tauRc: 0.02, tauRef: 0.002, sigma: 0.02, amplitude: 0.01 };
    const value = builder.add("ann.soft-lif", [x], attrs, loc);
    const module = builder.finish({ name: "m", outputs: [{ name: "y", value }] });
    const { convertible, fates } = await checkModel(imported(module), interpretEngine, {
      pipeline: "lif",
    });
    expect(convertible).toBe(true);
    expect(fates).toEqual(new Map([["neuron", new Map([["soft-lif", 1]])]]));
    // The pipeline of the code has no leaky neurons, and its help names the one that has.
    const rate = await checkModel(imported(module), interpretEngine, { code: "rate" });
    expect(rate.convertible).toBe(false);
  });

  it("says what becomes of every op", async () => {
    const { convertible, fates, obstacles, operators, parameters } = await checkModel(
      imported(network()),
      interpretEngine,
    );
    expect(convertible).toBe(true);
    expect(obstacles).toEqual([]);
    expect(operators).toEqual(new Map([["Conv", 1]]));
    const plain = Object.fromEntries(
      [...fates].map(([fate, ops]) => [fate, Object.fromEntries(ops)]),
    );
    expect(plain).toEqual({
      // The pool stands in front of the neurons, so it works on the image's own features.
      shared: { conv: 1, "max-pool": 1, reshape: 1, linear: 2 },
      neuron: { relu: 2 },
      tail: { softmax: 1 },
    });
    // Batch normalisation is folded: 27 + 3 of the convolution, 72 + 6 and 18.
    expect(parameters).toBe(126);
  });

  it("lists no fates where feedback keeps a network from being converted, and says so", async () => {
    const text = `module @m attributes {code = "none", timesteps = 3, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = snn.previous() {initial = @start, domain = "real"} : real[1, 2]
  %2 = ann.add(%0, %1) : real[1, 2]
  snn.carry(%2, %1)
  ann.output(%2) {name = "y"}
}
tensors {
  @start = f32[1, 2] dense<[0, 0]>
}
`;
    const { convertible, fates, obstacles } = await checkModel(
      imported(parseModule(text, { file: "m.snnir" })),
      interpretEngine,
    );
    expect(convertible).toBe(false);
    expect(fates).toEqual(new Map());
    expect(obstacles.map(({ help }) => help).join()).toContain("the network has feedback");
  });

  it("asks about what convert makes by itself unless told", async () => {
    const { code } = await checkModel(imported(network()), interpretEngine);
    const { module } = await convert(network(), images(1), running, {});
    expect(module.code).toBe(code);
  });

  it("says which layers stay real, as convert does", async () => {
    const module = parseModule(bottleneck, { file: "m" });
    const samples = { count: 1, get: () => [tensorOf("f32", [1, 2], [1, -0.5])] };
    const saidBy = async (code: "rate" | "signed-rate" | "differential"): Promise<string[]> => {
      const { remarks } = await checkModel(imported(module), interpretEngine, { code });
      const { diagnostics } = await convert(module, samples, running, { code, timesteps: 2 });
      const said = diagnostics.filter((each) => each.code === "real-layers");
      expect(said.map(({ message }) => message)).toEqual(remarks.map(({ message }) => message));
      return remarks.map(({ message }) => message);
    };
    expect(await saidBy("rate")).toEqual([
      "the weights of 1 layer meet real values instead of spikes, 2 multiply-accumulates at every timestep: /last",
    ]);
    expect(await saidBy("signed-rate")).toEqual([]);
    expect(await saidBy("differential")).toEqual([]);
  });

  it("names each kind of obstacle with its places, and agrees with convert", async () => {
    const module = network({ activation: "ann.sigmoid", first: "ann.sigmoid" });
    const code = "rate";
    const { convertible, obstacles, fates } = await checkModel(imported(module), interpretEngine, {
      code,
    });
    expect(convertible).toBe(false);
    expect(obstacles).toMatchObject([{ op: "sigmoid", count: 2, opset: 17 }]);
    expect(obstacles[0]?.nodes).toEqual(["/relu1", "/act"]);
    expect([...(fates.get("refused") ?? [])]).toEqual([["sigmoid", 2]]);
    const options = { timesteps: 4, code } as const;
    await expect(convert(module, images(1), running, options)).rejects.toThrow(DiagnosticError);
  });

  it("computes on decoded values what codes that send increments can carry", async () => {
    const module = network({ activation: "ann.sigmoid", first: "ann.sigmoid" });
    for (const code of ["differential", "few-spikes", "ttfs"] as const) {
      const found = await checkModel(imported(module), interpretEngine, { code });
      expect(found).toMatchObject({ code, convertible: true, obstacles: [] });
      expect([...(found.fates.get("decoded") ?? [])]).toEqual([["sigmoid", 2]]);
      expect(found.fates.has("refused")).toBe(false);
      await expect(convert(module, images(1), running, { code })).resolves.toBeDefined();
    }
    const rate = await checkModel(imported(module), interpretEngine, { code: "burst" });
    expect(rate.convertible).toBe(false);
  });

  it("names what has no integer form by kind and reason, as convert refuses it", async () => {
    const module = parseModule(curves, { file: "m" });
    const samples = { count: 2, get: () => [tensorOf("f32", [1, 2], [1, -0.5])] };
    const found = await checkModel(imported(module), interpretEngine, { integer: true });
    expect(found).toMatchObject({ integer: true, convertible: false, neurons: null });
    const instead =
      "train with ReLU or ReLU6 in its place, or fit neurons to it with " +
      "convert-few-spikes{activations=fitted}; or leave out --integer or quantise, and run it in float32";
    expect(found.obstacles).toEqual([
      {
        ...{ op: "sigmoid", domain: "", opset: 17, count: 1, nodes: ["/sigmoid"] },
        help: `sigmoid has no integer form: it is neither linear nor a neuron; ${instead}`,
      },
      // The tanh at the output is computed on floats, as ever.
      {
        ...{ op: "tanh", domain: "", opset: 17, count: 1, nodes: ["/tanh"] },
        help: `tanh has no integer form: it is computed on values that were read out, with neurons behind it; ${instead}`,
      },
    ]);
    const options = { integer: true, timesteps: 2 } as const;
    const refused = await convert(module, samples, running, options).catch((e: unknown) => e);
    const told = refused instanceof DiagnosticError ? refused.diagnostics : [];
    expect(told.map(({ code, message }) => `${code}: ${message.split(" has ")[0] ?? ""}`)).toEqual([
      "no-integer-form: sigmoid (/sigmoid)",
      "no-integer-form: tanh (/tanh)",
    ]);
    // The way out that is named: neurons of their own.
    const fitted = await checkModel(imported(module), interpretEngine, {
      pipeline: "canonical,convert-few-spikes{activations=fitted},balance-max,quantise",
    });
    expect(fitted).toMatchObject({ integer: true, convertible: true, obstacles: [] });
  });

  it("counts ops of one kind and reason together, each node once", async () => {
    const { obstacles, code } = await checkModel(imported(network()), interpretEngine, {
      pipeline: "exact",
      integer: true,
    });
    expect(code).toBe("ttfs");
    expect(obstacles).toMatchObject([{ op: "ttfs", count: 2, nodes: ["/relu1", "/act"] }]);
    expect(obstacles[0]?.help).toMatch(
      /^ttfs has no integer form: its spikes fall between ticks; /,
    );
  });

  it.each(["rate", "signed-rate", "burst", "differential", "few-spikes", "ttfs"] as const)(
    "finds nothing against integers of %s code where convert makes them",
    async (code) => {
      const options = { code, integer: true, weightBits: { mean: 3.5 } };
      const found = await checkModel(imported(network()), interpretEngine, options);
      expect(found).toMatchObject({ code, integer: true, convertible: true, obstacles: [] });
      const { module } = await convert(network(), images(2), running, { ...options, timesteps: 4 });
      expect(module.properties.has("integer")).toBe(true);
      // Its first layer and the rounding of its input are no activations that neurons should replace.
      expect(withoutNeurons(module)).toEqual([]);
    },
  );

  it("refuses bits of weights that stay floats, as convert does", async () => {
    const options = { code: "rate", weightBits: 4 } as const;
    const code = "weight-bits-of-floats";
    const refused = { diagnostics: [{ code }] };
    await expect(checkModel(imported(network()), interpretEngine, options)).rejects.toMatchObject(
      refused,
    );
    await expect(convert(network(), images(1), running, options)).rejects.toMatchObject(refused);
    const own = await checkModel(imported(network()), interpretEngine, {
      pipeline: "integer",
      weightBits: 4,
    });
    expect(own).toMatchObject({ integer: true, convertible: true });
  });

  it("counts neurons, those of either sign, and says what none of them replaces", async () => {
    const module = parseModule(curves, { file: "m" });
    const { neurons, withoutNeuron } = await checkModel(imported(module), interpretEngine);
    // Two of the rectifier, two for the sigmoid's values, two for the tanh's between the layers.
    expect(neurons).toEqual({
      populations: 3,
      count: 6,
      kinds: new Map([["snn.graded", 3]]),
      eitherSign: { count: 4, nodes: ["/sigmoid", "/tanh"] },
    });
    expect(withoutNeuron).toMatchObject([
      { op: "sigmoid", where: "before", nodes: ["/sigmoid"] },
      { op: "tanh", where: "between", nodes: ["/tanh"] },
      { op: "tanh", where: "after", nodes: ["/out"] },
    ]);
    expect(withoutNeuron.map(({ why, help }) => [why, help])).toEqual([
      [
        "it stands before the first neurons, and is computed once for each sample",
        "on hardware this needs a unit that computes it; train with ReLU or ReLU6 in its place, or " +
          "fit neurons to it with convert-few-spikes{activations=fitted}",
      ],
      [
        "it is computed at each timestep, on the values decoded so far",
        "on hardware this needs a unit that computes it; train with ReLU or ReLU6 in its place, or " +
          "fit neurons to it with convert-few-spikes{activations=fitted}",
      ],
      [
        "no neurons follow: it is computed on the decoded output",
        "nothing needs to change: the output is not a spike train",
      ],
    ]);
    // A value of either sign is shared by two neurons here, each of which is one.
    const pairs = await checkModel(imported(module), interpretEngine, { code: "ttfs" });
    expect(pairs.neurons).toMatchObject({
      populations: 5,
      count: 10,
      eitherSign: { count: 8, nodes: ["/sigmoid", "/tanh"] },
    });
    const rate = await checkModel(imported(module), interpretEngine, { code: "rate" });
    expect(rate).toMatchObject({ convertible: false, neurons: null, withoutNeuron: [] });
  });

  it("says that neurons replace all activations where they do", async () => {
    const found = await checkModel(imported(network()), interpretEngine);
    expect(found.withoutNeuron).toEqual([]);
    expect(found.neurons?.kinds).toEqual(new Map([["snn.graded", 2]]));
  });

  it("says of an analogue network that it has no neurons", () => {
    const module = parseModule(bottleneck, { file: "m" });
    expect(neuronsIn(module)).toMatchObject({ populations: 0, count: 0 });
    expect(withoutNeurons(module)).toEqual([
      {
        op: "relu",
        where: "never",
        nodes: ["/relu"],
        why: "the network has no neurons: it is not converted",
        help: "convert the ONNX model that it was made from with `snnc convert`",
      },
    ]);
  });

  it("refuses a network without activations", async () => {
    const linear = (): Module => {
      const module = network({ activation: "ann.identity" });
      const ops = module.ops.map((op) =>
        op.kind === "ann.relu" ? { ...op, kind: "ann.identity" as const } : op,
      );
      return { ...module, ops };
    };
    for (const code of ["rate", "differential"] as const) {
      const found = await checkModel(imported(linear()), interpretEngine, { code });
      expect(found.convertible).toBe(false);
      expect(found.obstacles).toMatchObject([{ op: "(none)", count: 0 }]);
    }
  });

  it("passes on what could not be imported", async () => {
    const unsupported = [
      { op: "LSTM", domain: "", opset: 17, count: 1, nodes: ["/lstm"], help: "none" },
    ];
    const result = await checkModel(imported(null, { unsupported }), interpretEngine);
    expect(result).toMatchObject({ convertible: false, obstacles: unsupported, parameters: 0 });
  });
});

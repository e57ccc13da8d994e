/** The whole way of a small network: converted, measured, packed, and found again. */
import { isNeuron } from "../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { reportSchema } from "../../calibrate/report/schema.ts";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import type { Engine, SampleSource } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { type Module, opsOf, producerOf } from "../../ir/module.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { verify } from "../../ir/verify.ts";
import { evaluatePair, lossByPass } from "../../library/assess.ts";
import { convert, stepsOf } from "../../library/convert.ts";
import { calibrationOn } from "../../library/measure.ts";
import { rebuildReference } from "../../library/reference.ts";
import { makeReport } from "../../library/report.ts";
import { printPipeline } from "../../passes/pipeline.ts";
import { images, network, predictions, running } from "./network.ts";

const calibration = images(12);
const timesteps = 32;

/** Codes of the diagnostics that `work` fails with. */
async function failureOf(work: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof DiagnosticError ? error.diagnostics.map((d) => d.code) : [String(error)];
}

describe("convert", () => {
  it("makes a balanced spiking network that answers as the analogue one does", async () => {
    const module = network();
    const conversion = await convert(module, calibration, running, { timesteps, pipeline: "mmse" });
    const snn = conversion.module;
    expect([...snn.properties].sort()).toEqual([
      "balanced",
      "batchnorm-free",
      "canonical",
      "spiking",
    ]);
    expect([snn.code, snn.timesteps]).toEqual(["rate", timesteps]);
    expect(opsOf(snn, "snn.if")).toHaveLength(2);
    expect(conversion.diagnostics.map((d) => d.code)).toEqual(["analogue-tail", "dead-channels"]);
    const reference = known(conversion.reference, "a reference");
    for (const neuron of opsOf(snn, "snn.if")) {
      expect(producerOf(reference, neuron.result).kind).toBe("ann.relu");
    }
    const labels = predictions(module, calibration);
    const data = { samples: calibration, labels };
    const { ann, snn: spiking } = await evaluatePair(module, snn, data, running, 256);
    expect(ann.accuracy).toEqual([1]);
    expect(spiking.accuracy?.at(-1)).toBe(1);
    expect(spiking.relativeLogitError?.at(-1)).toBeLessThan(1e-3);
  });

  it("gives the same bytes each time", async () => {
    const bytes = async (): Promise<Uint8Array> => {
      const { module } = await convert(network(), calibration, running, { timesteps });
      return encodePackage({ module, provenance: {} });
    };
    expect(await bytes()).toEqual(await bytes());
  });

  it("tells of each pass as it runs, and leaves the given network alone", async () => {
    const module = network();
    const before = structuredClone(module.ops);
    const seen: string[] = [];
    const options = {
      timesteps,
      pipeline: "max",
      onPass: (r: { pass: string }) => seen.push(r.pass),
    };
    const { passes, steps } = await convert(module, calibration, running, options);
    expect(seen).toEqual(passes.map((p) => p.pass));
    expect(seen).toEqual(steps.map((s) => s.pass.name));
    expect(module.ops).toEqual(before);
  });

  it("has no reference where nothing was converted", async () => {
    const { reference, module } = await convert(network(), null, running, {
      timesteps,
      pipeline: "canonical",
    });
    expect(reference).toBeNull();
    expect(module.code).toBe("none");
  });

  it("fails with what the user can mend", async () => {
    const sigmoid = network({ activation: "ann.sigmoid" });
    expect(await failureOf(convert(network(), null, running, { timesteps }))).toEqual([
      "no-calibration",
    ]);
    expect(
      await failureOf(convert(sigmoid, calibration, running, { timesteps, pipeline: "mmse" })),
    ).toEqual(["no-spiking-form"]);
    const misspelt = { timesteps, pipeline: "defualt" };
    expect(await failureOf(convert(network(), calibration, running, misspelt))).toEqual([
      "unknown-pass",
    ]);
  });

  it("runs what has no spiking form on decoded values where that is allowed", async () => {
    const module = network({ activation: "ann.sigmoid" });
    const options = { timesteps, pipeline: "mmse", allowAnalogue: true };
    const { module: snn, diagnostics } = await convert(module, calibration, running, options);
    expect(diagnostics.map((d) => d.code)).toContain("analogue-inside");
    const sample = calibration.get(0);
    const wanted = known(interpret(module, sample, { timesteps: 1 }).outputs[0], "an output");
    const found = known(interpret(snn, sample, { timesteps: 1024 }).outputs[0], "an output");
    wanted.forEach((y, i) => {
      expect(found[1023 * wanted.length + i]).toBeCloseTo(y, 2);
    });
  });
});

describe("stepsOf", () => {
  it("allows analogue ops in convert-activations, and only there", () => {
    const plain = printPipeline(stepsOf("mmse"), { full: true });
    const allowed = printPipeline(stepsOf("mmse", { allowAnalogue: true }), { full: true });
    expect(plain).toContain("analogue=refuse");
    expect(allowed).toBe(plain.replace("analogue=refuse", "analogue=decode"));
  });

  it("reads what it printed", () => {
    const text = "fold-constants,convert-activations{reset=zero},balance-mmse{scope=layer}";
    expect(printPipeline(stepsOf(text))).toBe(text);
    const full = printPipeline(stepsOf("local"), { full: true });
    expect(printPipeline(stepsOf(full), { full: true })).toBe(full);
  });
});

describe("calibrationOn", () => {
  it("runs a network once for each question", async () => {
    let loads = 0;
    const engine: Engine = {
      name: "counting",
      load(module, options) {
        loads++;
        return interpretEngine.load(module, options);
      },
    };
    const { measure } = calibrationOn(calibration, { engine, threads: 1 });
    const module = network();
    const value = known(opsOf(module, "ann.relu")[0], "a relu").result;
    const byChannel = [{ value, scope: "channel", axis: 1 }] as const;
    const first = await measure(module, byChannel, 1);
    expect(await measure(module, structuredClone(byChannel), 1)).toBe(first);
    expect(loads).toBe(1);
    const byLayer = await measure(module, [{ value, scope: "layer", axis: 1 }], 1);
    expect(byLayer.values.get(value)?.channels).toHaveLength(1);
    expect(first.values.get(value)?.channels).toHaveLength(3);
    await measure(network(), byChannel, 1);
    expect(loads).toBe(3);
  });

  it("lets several conversions look once", async () => {
    let loads = 0;
    const engine: Engine = {
      name: "counting",
      load(module, options) {
        loads++;
        return interpretEngine.load(module, options);
      },
    };
    const shared = calibrationOn(calibration, { engine, threads: 1 });
    const { module } = await convert(network(), null, running, {
      timesteps,
      pipeline: "canonical",
    });
    for (const pass of ["balance-max", "balance-local"]) {
      await convert(module, shared, running, {
        timesteps,
        pipeline: `convert-activations,${pass}`,
      });
    }
    expect(loads).toBe(1);
  });

  it("names the first layer that overflows", async () => {
    const samples: SampleSource = {
      count: 1,
      get: () => [tensorOf("f32", [1, 1, 4, 4], Array<number>(16).fill(3e38))],
    };
    // Those of means are measured first; those of "rate" fit to single samples.
    for (const pipeline of ["differential", "rate"]) {
      const options = { timesteps, pipeline };
      expect(await failureOf(convert(network(), samples, running, options))).toEqual([
        "value-not-finite",
      ]);
    }
  });
});

describe("lossByPass", () => {
  it("has a row for the import and for every pass that changed the network", async () => {
    const module = network();
    const { passes } = await convert(module, calibration, running, { timesteps, pipeline: "mmse" });
    const data = { samples: calibration, labels: predictions(module, calibration) };
    const rows = await lossByPass(module, passes, data, running, 128);
    const changed = passes.filter((p) => p.changed).map((p) => p.pass);
    expect(rows.map((row) => row.pass)).toEqual(["import", ...changed]);
    expect(changed).toContain("fold-batchnorm");
    const start = { pass: "import", accuracy: 1, agreement: 1, relativeLogitError: 0 };
    expect(rows[0]).toEqual({ ...start, relativeRmseToAnn: null });
    const errorAfter = (pass: string): number =>
      known(rows.find((row) => row.pass === pass)?.relativeLogitError, `a row of ${pass}`);
    for (const row of rows.slice(1)) {
      if (changed.indexOf(row.pass) >= changed.indexOf("convert-activations")) break;
      expect(row.relativeLogitError).toBeLessThan(1e-10);
      expect(row.agreement).toBe(1);
    }
    // Before balancing, thresholds of 1 clip what is larger.
    expect(errorAfter("convert-activations")).toBeGreaterThan(1e-3);
    expect(errorAfter("balance-mmse")).toBeLessThan(errorAfter("convert-activations") / 4);
  });
});

describe("rebuildReference", () => {
  const pipeline = printPipeline(stepsOf("mmse"), { full: true });

  async function packed(module: Module): Promise<Module> {
    const conversion = await convert(module, calibration, running, { timesteps, pipeline });
    const bytes = encodePackage({ module: conversion.module, provenance: {} });
    return decodePackage(bytes, "net.snn").module;
  }

  it("finds the analogue network of a file, with the file's value numbers", async () => {
    const snn = await packed(network());
    const { reference: found, isPaired } = known(
      await rebuildReference(network(), snn, pipeline, running),
      "a reference",
    );
    expect(isPaired).toBe(true);
    expect(verify(found)).toEqual([]);
    for (const neuron of opsOf(snn, "snn.if")) {
      expect(producerOf(found, neuron.result).kind).toBe("ann.relu");
    }
    const sample = calibration.get(3);
    const [wanted] = interpret(network(), sample, { timesteps: 1 }).outputs;
    const [y] = interpret(found, sample, { timesteps: 1 }).outputs;
    known(y, "an output").forEach((v, i) => {
      expect(v).toBeCloseTo(known(wanted?.[i], "an element"), 5);
    });
  });

  it("refuses a model that leads to other neurons, or to none", async () => {
    const snn = await packed(network());
    const from = (module: Module, passes = pipeline) =>
      rebuildReference(module, snn, passes, running);
    expect(await from(network({ hidden: 5 }))).toBeNull();
    expect(await from(network({ activation: "ann.identity" }))).toBeNull();
    expect(await from(network({ activation: "ann.sigmoid" }))).toBeNull();
    expect(await from(network(), "fold-batchnorm")).toBeNull();
  });

  it("takes the calibration set for networks with constants of it, and pairs nothing without", async () => {
    const text = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real[1, 2]
  %2 = ann.relu(%1) : real[1, 2]
  %3 = ann.linear(%2) {weight = @v, bias = none} : real[1, 1]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = f32[2, 2] dense<[1, 0, 0, 1]>
  @b = f32[2] dense<[100, 100]>
  @v = f32[1, 2] dense<[1, -1]>
}
`;
    const module = parseModule(text, { file: "m.snnir" });
    const samples: SampleSource = {
      count: 16,
      get: (i) => [tensorOf("f32", [1, 2], [Math.sin(i), Math.cos(2 * i)])],
    };
    const passes = printPipeline(stepsOf("centre-activations,convert-activations,balance-max"), {
      full: true,
    });
    const options = { timesteps, pipeline: passes };
    const { module: snn } = await convert(module, samples, running, options);
    const neurons = snn.ops.filter(isNeuron);
    expect(neurons).toHaveLength(2);
    const alone = known(await rebuildReference(module, snn, passes, running), "a reference");
    expect(alone.isPaired).toBe(false);
    const its = known(await rebuildReference(module, snn, passes, running, samples), "a reference");
    expect(its.isPaired).toBe(true);
    const kinds = neurons.map(({ result }) => producerOf(its.reference, result).kind);
    expect(kinds).toEqual(["ann.relu", "ann.clip"]);
    for (const { reference } of [alone, its]) {
      const [y] = interpret(reference, samples.get(3), { timesteps: 1 }).outputs;
      // x = sin 3 + 100 and cos 6 + 100; y = x₀ − x₁.
      expect(known(y, "an output")[0]).toBeCloseTo(Math.sin(3) - Math.cos(6), 4);
    }
    // Other samples lead to no constant, and so to other neurons.
    const far: SampleSource = {
      count: 16,
      get: (i) => [tensorOf("f32", [1, 2], [300 * i, -9 * i])],
    };
    expect(await rebuildReference(module, snn, passes, running, far)).toBeNull();
  });
});

describe("makeReport", () => {
  /** The report on a network that was converted just now. */
  async function reportOn(samples: SampleSource, steps: number, pipeline = "mmse") {
    const imported = network();
    const conversion = await convert(imported, calibration, running, {
      timesteps: steps,
      pipeline,
    });
    const reference = known(conversion.reference, "a reference");
    const { module: snn, passes, diagnostics } = conversion;
    const data = { samples, labels: predictions(imported, samples) };
    const report = await makeReport(
      {
        version: "1.2.3",
        model: { file: "/somewhere/net.onnx", sha256: "0".repeat(64), imported },
        reference,
        snn,
        passes,
        timesteps: steps,
        seed: 0,
        calibration: { samples: calibration, labels: null, name: "c.npz", sha256: "1".repeat(64) },
        evaluation: { ...data, name: "e.npz", sha256: "2".repeat(64) },
        evaluations: await evaluatePair(reference, snn, data, running, steps),
        diagnostics,
      },
      running,
    );
    return { report, passes };
  }

  it("keeps to its schema and says what the conversion cost", async () => {
    const { report, passes } = await reportOn(images(20, 8), timesteps);
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    expect(report.model).toMatchObject({ file: "net.onnx", name: "net", ops: 10 });
    expect(report.accuracy.ann).toBe(1);
    expect(report.accuracy.snn).toHaveLength(timesteps);
    expect(report.layers).toHaveLength(2);
    expect(report.layerSamples).toBe(20);
    expect(report.lossByPass.at(0)?.pass).toBe("import");
    expect(report.pipeline.map((p) => p.pass)).toEqual(passes.map((p) => p.pass));
    expect(report.calibrationData?.samples).toBe(12);
    expect(report.evaluationData).toMatchObject({ samples: 20, labelled: true });
  });

  it("compares layers and passes on the first samples only", async () => {
    const { report } = await reportOn(images(130, 8), 1);
    expect(report.evaluationData.samples).toBe(130);
    expect([report.layerSamples, report.lossByPassData?.samples]).toEqual([128, 128]);
  });

  it("says of a network of integers how far firing rates have drifted", async () => {
    expect((await reportOn(images(8, 8), 8)).report.rateDrift).toBeUndefined();
    const { report } = await reportOn(images(8, 8), 8, "mmse,quantise");
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    expect(report.rateDrift?.map(({ name, channels }) => [name, channels])).toEqual([
      ["/relu1", 3],
      ["/act", 6],
    ]);
    for (const { floatRate, integerRate, distance } of report.rateDrift ?? []) {
      expect(floatRate).toBeGreaterThan(0);
      expect(distance).toBeGreaterThanOrEqual(Math.abs(floatRate - integerRate) - 1e-12);
      expect(distance).toBeLessThan(0.1);
    }
  });
});

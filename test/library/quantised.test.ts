/**
 * Quantised models become spiking networks in every named pipeline, and their integer networks are made
 * of the models' own integers.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { Budget } from "../../calibrate/data/budget.ts";
import { parseNpy } from "../../calibrate/data/formats/npy.ts";
import { known } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { type Module, opsOf, tensorAt } from "../../ir/module.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { checkModel } from "../../library/check.ts";
import { type Conversion, convert } from "../../library/convert.ts";
import { samplesOf } from "../../library/samples.ts";
import { pipelines } from "../../passes/index.ts";
import { pseudoRandom } from "../frontend/build-model.ts";
import { integersOf, qdqModel, qonnxModel, qoperatorModel } from "../frontend/quantised-models.ts";
import { importBytes, moduleOf } from "../frontend/run.ts";
import { shared } from "../models/shared.ts";

const running = { engine: singleThreadEngine, threads: 1 };
const count = 12;

const images = tensorOf(
  "f32",
  [count, 2, 6, 6],
  pseudoRandom(count * 72, "samples").map((each) => 2 * each),
);

type Answers = readonly Float32Array[];

function answersOf(module: Module, samples: SampleSource): Answers {
  return Array.from({ length: samples.count }, (_, i) => {
    const { timesteps } = module;
    const [all = new Float32Array()] = interpret(module, samples.get(i), { timesteps }).outputs;
    const size = all.length / (module.code === "none" ? 1 : timesteps);
    return all.slice(-Math.min(all.length, framed(module) ? all.length : size));
  });
}

function framed({ code }: Module): boolean {
  return code === "few-spikes" || code === "ttfs";
}

/** Root of the mean squared difference, as a share of the standard deviation of what is wanted. */
function errorOf(answers: Answers, wanted: Answers): number {
  const all = wanted.flatMap((each) => [...each]);
  const mean = all.reduce((sum, y) => sum + y, 0) / all.length;
  const variance = all.reduce((sum, y) => sum + (y - mean) ** 2, 0) / all.length;
  const squares = answers.flatMap((each, i) =>
    Array.from(each, (y, k) => (y - (wanted[i]?.[k] ?? NaN)) ** 2),
  );
  return Math.sqrt(squares.reduce((sum, d) => sum + d, 0) / all.length / variance);
}

interface Subject {
  readonly module: Module;
  readonly samples: SampleSource;
  readonly wanted: Answers;
}

function subjectOf(bytes: Uint8Array): Subject {
  const module = moduleOf(bytes);
  const samples = samplesOf(module, images);
  return { module, samples, wanted: answersOf(module, samples) };
}

async function converted(
  { module, samples, wanted }: Subject,
  pipeline: string,
  timesteps?: number,
): Promise<Conversion & { readonly error: number }> {
  const options = { pipeline, ...(timesteps === undefined ? {} : { timesteps }) };
  const conversion = await convert(module, samples, running, options);
  return { ...conversion, error: errorOf(answersOf(conversion.module, samples), wanted) };
}

/** The largest error of each pipeline: of its code with the timesteps that it has by default. */
const bars: Readonly<Record<string, number>> = {
  differential: 0.03,
  sparse: 0.04,
  "low-latency": 0.03,
  "signed-rate": 0.06,
  rate: 0.06,
  burst: 0.06,
  "few-spikes": 0.03,
  ttfs: 0.03,
  exact: 0.03,
  integer: 0.1,
  // Leaky neurons answer late.
  lif: 0.25,
  mmse: 0.1,
  max: 0.15,
  percentile: 0.15,
  local: 0.15,
};

describe("a model of Q/DQ pairs", () => {
  const subject = subjectOf(qdqModel());
  const named = [...pipelines.keys()].filter((name) => name !== "canonical");

  it("has a bar for every pipeline", () => {
    expect(Object.keys(bars).sort()).toEqual(named.sort());
  });

  it.each(named)("converts by %s", async (name) => {
    const { error } = await converted(subject, name);
    expect(error).toBeLessThan(known(bars[name], "a bar"));
  });

  it("says what becomes of its roundings", async () => {
    const { diagnostics } = await converted(subject, "differential");
    const textOf = (code: string): string | undefined =>
      diagnostics.find((each) => each.code === code)?.message;
    expect(textOf("rounding-dropped")).toMatch(/b1\.quantize 0\.\d+ %, p1\.quantize 0\.\d+ %$/);
    expect(textOf("activations-quantised")).toMatch("a2.quantize 0.20 %, c1.quantize 0.20 %");
  });

  it.each(["rate", "signed-rate", "burst", "differential", "few-spikes", "ttfs"] as const)(
    "can be converted to %s, says check",
    async (code) => {
      const result = await checkModel(importBytes(qdqModel()), singleThreadEngine, { code });
      expect(result.convertible).toBe(true);
      expect(result.fates.get("neuron")?.get("fake-quantize")).toBe(3);
    },
  );
});

describe("a model of quantised operators", () => {
  const subject = subjectOf(qoperatorModel());

  it.each(["differential", "rate", "signed-rate", "integer"])("converts by %s", async (name) => {
    const { error } = await converted(subject, name);
    expect(error).toBeLessThan(known(bars[name], "a bar"));
  });
});

describe("a model of QONNX", () => {
  const subject = subjectOf(qonnxModel(4));

  // Neurons that send more than 15 values do not round to 15 as the model does.
  it.each(["differential", "rate", "signed-rate", "integer"])(
    "of 4 bits converts by %s",
    async (name) => {
      const { error } = await converted(subject, name);
      expect(error).toBeLessThan(0.15);
    },
  );

  it("is sent as it is by neurons that tell as many values apart", async () => {
    for (const [name, timesteps] of [
      ["few-spikes", 4],
      ["ttfs", 15],
      ["differential", 1],
    ] as const) {
      const { error } = await converted(subject, name, timesteps);
      // The mean of the pool is sent, too, by neurons that round it as the model does not.
      expect(error, name).toBeLessThan(0.03);
    }
    const bits8 = subjectOf(qonnxModel(8));
    expect((await converted(bits8, "few-spikes")).error).toBeLessThan(0.002);
  });

  it("of 2 bits needs its rounding, and keeps it where neurons round alike", async () => {
    const bits2 = subjectOf(qonnxModel(2));
    expect((await converted(bits2, "few-spikes", 2)).error).toBeLessThan(0.2);
    expect((await converted(bits2, "few-spikes", 8)).error).toBeGreaterThan(0.3);
  });
});

describe("the integer network of a quantised model", () => {
  const weightsOf = (module: Module, name: string): readonly number[] => {
    const op = opsOf(module, "ann.conv", "ann.linear").find(({ loc }) =>
      JSON.stringify(loc).includes(`"${name}"`),
    );
    return [...tensorAt(module, known(op, name).attrs.weight).data];
  };

  it.each([
    ["Q/DQ pairs", qdqModel],
    ["quantised operators", qoperatorModel],
  ])("has the model's integers, of %s", async (_, made) => {
    const { module, diagnostics } = await converted(subjectOf(made()), "integer");
    expect(weightsOf(module, "conv1")).toEqual(integersOf["conv1"]);
    expect(weightsOf(module, "fc")).toEqual(integersOf["fc"]);
    expect(diagnostics.map(({ code }) => code)).toContain("own-units");
  });

  it("has integers of 4 bits where the model has, and thresholds of whole steps", async () => {
    const { module } = await converted(subjectOf(qonnxModel(4)), "integer");
    for (const { attrs } of opsOf(module, "ann.conv", "ann.linear")) {
      const { data } = tensorAt(module, attrs.weight);
      expect(Math.max(...Array.from(data, Math.abs))).toBeLessThanOrEqual(7);
    }
  });
});

const cases = join(shared, "cases");

describe.runIf(existsSync(join(cases, "qdq.onnx")))("the case qdq", () => {
  it.each(["differential", "rate", "signed-rate", "integer"])(
    "converts by %s",
    async (pipeline) => {
      const read = (file: string): Tensor =>
        parseNpy(readFileSync(join(cases, file)), file, new Budget());
      const module = moduleOf(readFileSync(join(cases, "qdq.onnx")));
      const samples = samplesOf(module, read("qdq.x.npy"));
      const expected = read("qdq.expected.npy").data;
      const some = { count: 16, get: (i: number) => samples.get(i) };
      const wanted = Array.from({ length: some.count }, (_, i) =>
        Float32Array.from(expected.slice(10 * i, 10 * (i + 1))),
      );
      const { error } = await converted({ module, samples: some, wanted }, pipeline);
      expect(error).toBeLessThan(0.1);
    },
  );
});

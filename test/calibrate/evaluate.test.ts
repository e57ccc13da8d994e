/** Accuracy, agreement, logit error and operations at every timestep, worked out by hand. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { type EvaluateOptions, type Evaluation, evaluate } from "../../calibrate/evaluate.ts";
import { argmax } from "../../calibrate/tasks/decisions.ts";
import { evaluationJson } from "../../calibrate/evaluation-json.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { type Layer, network, samplesOf } from "./networks.ts";

/** Two neurons and two classes: a class each. */
const layer: Layer = {
  weight: [
    [1, 0],
    [0, 1],
  ],
  threshold: [1],
  vInit: [0],
};
const readout = [
  [1, 0],
  [0, 1],
];
const ann = network("ann", [layer], readout);
const snn = network("snn", [layer], readout);
const rows = [
  [0.5, 0.25],
  [0.25, 0.75],
] as const;
const labels = Int32Array.of(0, 1);

async function evaluated(
  module: Module,
  options: Partial<EvaluateOptions> = {},
  given: { rows?: readonly (readonly number[])[]; labels?: Int32Array | null } = {},
): Promise<Evaluation> {
  const executable = await interpretEngine.load(module, { threads: 1 });
  const wanted = given.labels === undefined ? labels : given.labels;
  return evaluate(executable, samplesOf(given.rows ?? rows), wanted, { timesteps: 4, ...options });
}

async function codesOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(({ code }) => code);
    throw error;
  }
  return [];
}

describe("an ANN", () => {
  it("has one accuracy, at timestep 0, and no spikes", async () => {
    const found = await evaluated(ann);
    expect(found).toMatchObject({
      kind: "ann",
      timesteps: [0],
      accuracy: [1],
      spikesPerSample: [0],
      synapticOperationsPerSample: [0],
      latencyTimesteps: 0,
      multiplyAccumulatesPerSample: [8],
    });
  });

  it("keeps its logits where it is to be a reference", async () => {
    const { logits, predictions } = await evaluated(ann, { keepLogits: true });
    expect([...(logits ?? [])]).toEqual([0.5, 0.25, 0.25, 0.75]);
    expect([...predictions]).toEqual([0, 1]);
    expect((await evaluated(ann)).logits).toBeNull();
  });
});

describe("an SNN", () => {
  it("is measured at each timestep of one run", async () => {
    const found = await evaluated(snn);
    expect(found.timesteps).toEqual([1, 2, 3, 4]);
    // 0.75 fires first at t = 2 and 0.5 too; until then all logits are 0 and class 0 wins the tie.
    expect(found.accuracy).toEqual([0.5, 1, 1, 1]);
    expect(found.spikesPerSample).toEqual([0, 1, 1.5, 3.5]);
    // A spike goes to both classes, also where the weight happens to be 0.
    expect(found.synapticOperationsPerSample).toEqual([0, 2, 3, 7]);
    expect(found.latencyTimesteps).toBe(4);
    expect(found.distinctPredictions).toBe(2);
  });

  it("agrees with a reference and has a logit error at each timestep", async () => {
    const reference = await evaluated(ann, { keepLogits: true });
    const found = await evaluated(snn, { reference });
    // As in the test above: at t = 1 everything is of class 0, as the first sample is for the ANN.
    expect(found.agreement).toEqual([0.5, 1, 1, 1]);
    // Nothing has fired at t = 1; at t = 4 every rate is exact.
    expect(found.relativeLogitError?.[0]).toBe(1);
    expect(found.relativeLogitError?.[3]).toBe(0);
    // At t = 1 the ANN alone is right on one of two: √((1/2 − (1/2)²)/2).
    expect(found.lossStandardError?.[0]).toBeCloseTo(Math.sqrt(0.125), 14);
    expect(found.lossStandardError?.slice(1)).toEqual([0, 0, 0]);
    expect(evaluationJson(found, { model: "m", seconds: 1 }).lossStandardError).toEqual(
      found.lossStandardError,
    );
    expect((await evaluated(snn)).lossStandardError).toBeNull();
  });

  it("tells the activity of each neuron op", async () => {
    const { neurons } = await evaluated(snn);
    expect(neurons).toMatchObject([{ name: "relu0", neurons: 2, spikesPerSample: 3.5 }]);
    expect(neurons[0]?.firingRate).toBeCloseTo(3.5 / 2 / 4, 12);
  });

  it("has no accuracy without labels and no agreement without a reference", async () => {
    const found = await evaluated(snn, {}, { labels: null });
    expect(found).toMatchObject({ accuracy: null, agreement: null, relativeLogitError: null });
  });

  it("says how far it has got", async () => {
    const seen: (readonly [number, number])[] = [];
    await evaluated(snn, { onProgress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });
});

describe("what cannot be measured", () => {
  it("is refused: labels that are too few, no class, or no samples", async () => {
    const tooFew = evaluated(snn, {}, { labels: Int32Array.of(0) });
    expect(await codesOf(tooFew)).toEqual(["labels-do-not-match-samples"]);
    const noClass = evaluated(snn, {}, { labels: Int32Array.of(0, 2) });
    await expect(noClass).rejects.toThrow(
      "labels of a network with 2 outputs lie between 0 and 1, but 1 of 2 do not; " +
        "the first is 2, of sample 1",
    );
    expect(await codesOf(evaluated(snn, {}, { rows: [] }))).toEqual(["no-samples"]);
  });

  it("is warned of: other outputs, and values that are not finite", async () => {
    const two = { ...snn, outputs: snn.outputs.flatMap((y) => [y, { ...y, name: "z" }]) };
    const found = await evaluated(two);
    expect(found.diagnostics.map(({ code }) => code)).toEqual(["labels-are-of-one-output"]);
    const broken = await evaluated(
      ann,
      {},
      {
        rows: [
          [NaN, 0],
          [0, 1],
        ],
      },
    );
    expect(broken.diagnostics.map(({ message }) => message)).toEqual([
      "the output holds NaN or infinity for 1 of 2 samples",
    ]);
  });
});

describe("argmax", () => {
  it("takes the first of equals, and passes over NaN", () => {
    expect(argmax(Float32Array.of(9, 1, 3, 3), 1, 3)).toBe(1);
    expect(argmax(Float32Array.of(NaN, 1), 0, 2)).toBe(1);
    expect(argmax(Float32Array.of(-2, -1), 0, 2)).toBe(1);
  });
});

describe("eval --json", () => {
  it("has the fields that others build on", async () => {
    const json = evaluationJson(await evaluated(snn), { model: "m.snn", seconds: 0.5 });
    expect(Object.keys(json)).toEqual(
      expect.arrayContaining([
        "model",
        "kind",
        "samples",
        "timesteps",
        "accuracy",
        "spikesPerSample",
        "synapticOperationsPerSample",
        "latencyTimesteps",
        "seconds",
        "samplesPerSecond",
      ]),
    );
    expect(json).toMatchObject({ model: "m.snn", kind: "snn", samples: 2, samplesPerSecond: 4 });
  });
});

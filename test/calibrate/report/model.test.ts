/** What a report says follows from its pieces. */
import { describe, expect, it } from "vitest";
import { buildReport } from "../../../calibrate/report/model.ts";
import { syntheticPieces, syntheticReport } from "./synthetic.ts";

describe("the smallest number of timesteps", () => {
  it("is the one from which accuracy stays near the ANN's", () => {
    const pieces = syntheticPieces({ timesteps: 6, annAccuracy: 0.9 });
    // Within a point at t = 2, then not at t = 3: one lucky timestep is no answer.
    const accuracy = [0.5, 0.895, 0.88, 0.891, 0.8955, 0.8995];
    const lossStandardError = accuracy.map(() => 1e-5);
    const report = buildReport({ ...pieces, snn: { ...pieces.snn, accuracy, lossStandardError } });
    expect(report.accuracy.smallestTimesteps).toEqual([
      { points: 1, timesteps: 4 },
      { points: 0.5, timesteps: 5 },
      { points: 0.1, timesteps: 6 },
    ]);
  });

  it("is null where T was too short, 1 where one step is enough, and absent without labels", () => {
    const short = syntheticReport({ limit: 0.6 }).accuracy.smallestTimesteps;
    expect(short.map(({ timesteps }) => timesteps)).toEqual([null, null, null]);
    const pieces = syntheticPieces({ timesteps: 2, annAccuracy: 0.9 });
    const accuracy = [0.9, 0.95];
    const lossStandardError = [0, 0.0002];
    const report = buildReport({ ...pieces, snn: { ...pieces.snn, accuracy, lossStandardError } });
    expect(report.accuracy.smallestTimesteps[2]?.timesteps).toBe(1);
    expect(syntheticReport({ annAccuracy: null }).accuracy.smallestTimesteps).toEqual([]);
  });
});

it("the smallest number of timesteps counts 1.96 standard errors, or 3/n where no sample differs", () => {
  const found = (lossStandardError: number[], samples: number): (number | null)[] => {
    const pieces = syntheticPieces({ timesteps: 3, annAccuracy: 0.9 });
    const snn = { ...pieces.snn, samples, accuracy: [0.896, 0.9, 0.9], lossStandardError };
    const { smallestTimesteps } = buildReport({ ...pieces, snn }).accuracy;
    return smallestTimesteps.map(({ timesteps }) => timesteps);
  };
  // 0.4 + 1.96 · 0.3 = 0.988 points, and then 1.96 · 0.3 = 0.588 of them.
  expect(found([0.003, 0.003, 0.003], 1000)).toEqual([1, null, null]);
  // 0.4 + 1.96 · 0.31 = 1.008 points.
  expect(found([0.0031, 0.003, 0.001], 1000)).toEqual([2, 3, null]);
  // 3/1000 is 0.3 points, 3/200 is 1.5.
  expect(found([0.0031, 0, 0], 1000)).toEqual([2, 2, null]);
  expect(found([0.0031, 0, 0], 200)).toEqual([null, null, null]);
});

describe("a report", () => {
  it("puts the ANN's operations beside the SNN's", () => {
    const { operations, energy, rival } = syntheticReport();
    expect(operations.annMultiplyAccumulates).toBe(40_551_000);
    // A sum and a comparison for each neuron and timestep, and a reset for each spike.
    const spikes = operations.spikes.at(-1) ?? 0;
    expect(operations.neuronUpdates / (2 * operations.neurons * 32 + spikes)).toBeCloseTo(1, 6);
    expect(operations.bitsAreAdditions).toBe(true);
    // 33 levels take six bits.
    expect(energy.map(({ table, isOwn }) => [table.name, isOwn])).toEqual([
      ["float32", true],
      ["int8", false],
      ["int8 × 6 bits", false],
    ]);
    expect(rival).toEqual({ bits: 6, table: "int8 × 6 bits", isSame: false });
    expect(energy[0]?.annPJ).toBeCloseTo(40_551_000 * 4.6, 3);
  });

  it("pairs a layer's spikes with its comparison", () => {
    const pieces = syntheticPieces();
    const { layers } = buildReport(pieces);
    expect(layers.map(({ spikesPerSample }) => spikesPerSample)).toEqual(
      pieces.snn.neurons.map(({ spikesPerSample }) => spikesPerSample),
    );
  });

  it("has null, as JSON needs it, where a network computed NaN", () => {
    const pieces = syntheticPieces({ timesteps: 2 });
    const [layer] = pieces.comparison.layers;
    if (layer === undefined) throw new Error("no layer");
    const nothing = {
      clipping: NaN,
      quantisation: NaN,
      inherited: NaN,
      unevenness: NaN,
      interaction: NaN,
      total: NaN,
    };
    const report = buildReport({
      ...pieces,
      snn: { ...pieces.snn, relativeLogitError: [NaN, 0.5] },
      lossByPass: [
        {
          pass: "import",
          accuracy: 0.1,
          agreement: null,
          relativeLogitError: NaN,
          relativeRmseToAnn: null,
        },
      ],
      comparison: { ...pieces.comparison, layers: [{ ...layer, error: nothing }] },
    });
    expect(report.accuracy.relativeLogitError).toEqual([null, 0.5]);
    expect(report.lossByPass[0]?.relativeLogitError).toBeNull();
    expect(report.layers[0]?.error).toBeNull();
  });

  it("gathers the diagnostics of every piece with their places", () => {
    const pieces = syntheticPieces();
    const [diagnostic] = pieces.diagnostics;
    if (diagnostic === undefined) throw new Error("no diagnostic");
    const report = buildReport({
      ...pieces,
      snn: { ...pieces.snn, diagnostics: [{ ...diagnostic, code: "from-snn", loc: null }] },
    });
    expect(report.diagnostics.map(({ code, place }) => [code, place])).toEqual([
      ["max-pool-over-time", 'resnet-mini.onnx node "/pool/MaxPool" (MaxPool)'],
      ["from-snn", null],
    ]);
  });
});

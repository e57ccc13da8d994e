/** The error of a layer is split into parts that telescope, each of which is what its name says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { type LayerError, LayerTally } from "../../calibrate/compare/layer-tally.ts";
import { pairNeurons } from "../../calibrate/compare/pairs.ts";
import { quantised, responseOf } from "../../calibrate/compare/response.ts";
import { type Comparison, compare } from "../../calibrate/compare.ts";
import { known } from "../../ir/diagnostic.ts";
import { opsOf } from "../../ir/module.ts";
import { type Layer, network, samplesOf } from "./networks.ts";

async function compared(
  layers: readonly Layer[],
  rows: readonly (readonly number[])[],
  timesteps: number,
): Promise<Comparison> {
  const width = layers.at(-1)?.weight.length ?? 0;
  const readout = [Array.from({ length: width }, () => 1)];
  const ann = await interpretEngine.load(network("ann", layers, readout), { threads: 1 });
  const snn = await interpretEngine.load(network("snn", layers, readout), { threads: 1 });
  return compare(ann, snn, samplesOf(rows), { timesteps });
}

async function errorOf(layer: Layer, x: number, timesteps: number): Promise<LayerError | null> {
  const { layers } = await compared([layer], [[x]], timesteps);
  return layers[0]?.error ?? null;
}

const unit: Layer = { weight: [[1]], threshold: [1], vInit: [0] };

describe("the parts of a layer's error", () => {
  it("is clipping alone where the activation is twice the threshold", async () => {
    // a = 2, y = 1: (2 − 1)² / 2².
    expect(await errorOf(unit, 2, 4)).toEqual({
      clipping: 0.25,
      quantisation: 0,
      inherited: 0,
      unevenness: 0,
      interaction: 0,
      total: 0.25,
    });
  });

  it("is quantisation alone where the rate falls between two levels", async () => {
    // ⌊0.375 · 4⌋ = 1, so y = 0.25: (0.375 − 0.25)² / 0.375².
    const error = await errorOf(unit, 0.375, 4);
    expect(error?.quantisation).toBeCloseTo(1 / 9, 12);
    expect(error).toMatchObject({ clipping: 0, inherited: 0, unevenness: 0 });
  });

  it("is unevenness where excitation comes before inhibition", async () => {
    const first: Layer = { weight: [[1], [1]], threshold: [1], vInit: [0.5, 0] };
    const second: Layer = { weight: [[1, -0.75]], threshold: [1], vInit: [0] };
    const { layers } = await compared([first, second], [[0.5]], 2);
    // The first neuron fires at t = 1 and the second at t = 2, so that the third, whose mean current
    // 0.125 is too small for a spike, fires once: y = 0.5 instead of 0, and a = 0.125.
    expect(layers[1]?.error?.unevenness).toBeCloseTo(0.5 ** 2 / 0.125 ** 2, 10);
    expect(layers[1]?.error?.quantisation).toBeCloseTo(1, 10);
    expect(layers[1]?.error?.inherited).toBe(0);
  });

  it("is inherited where the layer before it clipped", async () => {
    const { layers } = await compared([unit, { ...unit, threshold: [4] }], [[2]], 4);
    // The second layer could say 2 (a half of 4), but is given 1 a step, and says 1.
    expect(layers[1]?.error).toEqual({
      clipping: 0,
      quantisation: 0,
      inherited: 0.25,
      unevenness: 0,
      interaction: 0,
      total: 0.25,
    });
  });

  it("obeys the triangle inequality that the telescoping sum implies", () => {
    const value = fc.double({ min: -3, max: 3, noNaN: true });
    const samples = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 16 }), (rows, timesteps) => {
        const layer: Layer = { weight: [[1]], threshold: [0.75], vInit: [0.375] };
        const module = network("snn", [layer], [[1]]);
        const neuron = known(opsOf(module, "snn.if")[0], "a neuron");
        const tally = new LayerTally(responseOf(neuron, module, timesteps));
        for (const [z, x, y] of rows) {
          const one = (v: number): Float32Array => Float32Array.of(v);
          const values = { a: one(Math.max(0, z)), z: one(z), x: one(x), y: one(Math.abs(y)) };
          tally.add({ ...values, rate: null });
        }
        const { error } = tally.finish();
        if (error === null) return;
        const { clipping, quantisation, inherited, unevenness, total } = error;
        const norms = [clipping, quantisation, inherited, unevenness].map(Math.sqrt);
        expect(Math.sqrt(total)).toBeLessThanOrEqual(
          norms.reduce((a, b) => a + b, 0) * (1 + 1e-9) + 1e-9,
        );
      }),
    );
  });
});

describe("the error of a layer", () => {
  it("is relative to what varies, not to what is there", async () => {
    // Nothing is sent of 0.25 and 0.75: errors of 0.0625 and 0.5625, and a variance of 2 · 0.25².
    const { layers } = await compared([unit], [[0.25], [0.75]], 1);
    expect(layers[0]?.error?.total).toBeCloseTo(5, 12);
  });

  it("is not told where all samples are the same", async () => {
    const { layers } = await compared([unit], [[0.25], [0.25]], 1);
    expect(layers[0]?.error).toBeNull();
  });
});

describe("quantised", () => {
  it("is what an integrate-and-fire neuron does under constant current", async () => {
    // Sums of eighths are exact, so that a tie is a tie for both.
    const eighths = fc.integer({ min: -8, max: 24 }).map((n) => n / 8);
    await fc.assert(
      fc.asyncProperty(eighths, fc.constantFrom(0, 0.25, 0.5), async (x, vInit) => {
        const layer: Layer = { weight: [[1]], threshold: [1], vInit: [vInit] };
        const module = network("snn", [layer], [[1]]);
        const executable = await interpretEngine.load(module, { threads: 1 });
        const outputs: number[] = [];
        await executable.run(samplesOf([[x]]), { timesteps: 8 }, (result) =>
          outputs.push(...(result.outputs[0] ?? [])),
        );
        expect(outputs.at(-1)).toBe(quantised(x, 8, 1, 1, vInit));
      }),
      { numRuns: 50 },
    );
  });

  it("speaks in steps of the amplitude, not of the threshold", () => {
    expect(quantised(0.5, 4, 1, 3, 0)).toBe(1.5);
  });
});

describe("what neurons do", () => {
  it("counts dead, silenced and saturated neurons and the spread of thresholds", async () => {
    const layer: Layer = {
      weight: [[1], [-1], [0.125], [1]],
      threshold: [1, 1, 1, 0.5],
      vInit: [0],
    };
    const { layers } = await compared([layer], [[0.5], [0.75]], 4);
    const [found] = layers;
    // Second: negative in both networks. Third: active in the ANN, too weak for a spike in 4 steps.
    expect(found).toMatchObject({ dead: 0.5, silenced: 0.25, saturated: 0.25, neurons: 4 });
    expect(found?.firingRate).toBeCloseTo((0.5 + 0.75 + 1 + 1) / 8, 12);
    expect(found?.initialPotential).toBe(0);
    expect(found?.thresholds).toMatchObject({ count: 4, min: 0.5, median: 1, max: 1 });
    // 0.75 exceeds the fourth neuron's amplitude; 0.5 does not.
    expect(found?.clippedShare).toBe(1 / 8);
  });

  it("finds perfect correlation where the rates are the activations", async () => {
    const { layers } = await compared([unit], [[0.25], [0.5], [0.75], [1]], 4);
    expect(layers[0]?.correlation).toBeCloseTo(1, 12);
  });

  it("has no error and no correlation to tell of an ANN that is silent", async () => {
    const { layers } = await compared([unit], [[-1], [-2]], 4);
    expect(layers[0]).toMatchObject({ error: null, correlation: null, dead: 1, silenced: 0 });
  });
});

describe("pairs", () => {
  it("go by value id, in the SNN's order", () => {
    const ann = network("ann", [unit, unit], [[1]]);
    const snn = network("snn", [unit, unit], [[1]]);
    const { pairs, unpaired } = pairNeurons(ann, snn);
    expect(pairs.map(({ name }) => name)).toEqual(["relu0", "relu1"]);
    expect(pairs.every((pair) => pair.ann === pair.neuron.result)).toBe(true);
    expect(unpaired).toEqual([]);
  });

  it("reports neurons that the ANN has no counterpart of", async () => {
    const short = network("ann", [unit], [[1]]);
    const ann = { ...short, ops: short.ops.filter((op) => op.kind === "ann.input") };
    const snn = network("snn", [unit], [[1]]);
    expect(pairNeurons(ann, snn).unpaired).toEqual(["relu0"]);
    const comparison = await compare(
      await interpretEngine.load(short, { threads: 1 }),
      await interpretEngine.load(network("snn", [unit, unit], [[1]]), { threads: 1 }),
      samplesOf([[1]]),
      { timesteps: 2 },
    );
    expect(comparison.layers.map(({ name }) => name)).toEqual(["relu0"]);
    expect(comparison.diagnostics.map(({ code }) => code)).toEqual(["neuron-without-counterpart"]);
  });

  it("gives the same result however many samples are held at once", async () => {
    const rows = Array.from({ length: 7 }, (_, i) => [i / 4]);
    const ann = await interpretEngine.load(network("ann", [unit], [[1]]), { threads: 1 });
    const snn = await interpretEngine.load(network("snn", [unit], [[1]]), { threads: 1 });
    const all = await compare(ann, snn, samplesOf(rows), { timesteps: 4 });
    const some = await compare(ann, snn, samplesOf(rows), { timesteps: 4, atOnce: 3 });
    expect(some).toEqual(all);
  });

  it("tells of every sample once, in order", async () => {
    const rows = Array.from({ length: 20 }, (_, i) => [i / 16]);
    const seen: number[] = [];
    const all = await compared([unit], rows, 4);
    expect(all.samples).toBe(20);
    const ann = await interpretEngine.load(network("ann", [unit], [[1]]), { threads: 1 });
    const snn = await interpretEngine.load(network("snn", [unit], [[1]]), { threads: 1 });
    await compare(ann, snn, samplesOf(rows), {
      timesteps: 4,
      onProgress: (done) => seen.push(done),
    });
    expect(seen).toEqual(rows.map((_, i) => i + 1));
  });
});

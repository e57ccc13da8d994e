/** Energy is counts times a stated table, with nothing left out in silence. */
import { describe, expect, it } from "vitest";
import { energyCaveat, energyTables, estimateEnergy } from "../../calibrate/energy.ts";

const counts = {
  annMultiplyAccumulates: 1000,
  analogueOperations: 100,
  synapticOperations: 2000,
  neuronUpdates: 50,
};

describe("energy", () => {
  it("is the convention of the literature in float32", () => {
    const found = estimateEnergy(counts, energyTables[0]);
    expect(found.annPJ).toBeCloseTo(4600, 9);
    expect(found.snnAnaloguePJ).toBeCloseTo(460, 9);
    expect(found.snnSynapticPJ).toBeCloseTo(1800, 9);
    expect(found.snnNeuronPJ).toBeCloseTo(45, 9);
    expect(found.snnPJ).toBeCloseTo(2305, 9);
    expect(found.ratio).toBeCloseTo(2305 / 4600, 12);
    expect(found.ratioWithoutNeurons).toBeCloseTo(2260 / 4600, 12);
  });

  it("has no ratio to an ANN without multiply-accumulates", () => {
    const found = estimateEnergy({ ...counts, annMultiplyAccumulates: 0 }, energyTables[0]);
    expect(found).toMatchObject({ ratio: null, ratioWithoutNeurons: null });
  });

  it("says what it leaves out", () => {
    expect(energyCaveat).toContain("no memory traffic");
    expect(energyTables.every(({ source }) => source.includes("Horowitz"))).toBe(true);
  });
});

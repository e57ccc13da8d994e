/** Sentences on cost and latency: what they say of each kind of network. */
import { describe, expect, it } from "vitest";
import {
  answerWords,
  energyWords,
  latencyWords,
  rivalWords,
} from "../../../calibrate/report/words.ts";
import { renderReportHtml } from "../../../calibrate/report/html.ts";
import { verdict } from "../../../calibrate/report/verdict.ts";
import { syntheticReport } from "./synthetic.ts";

describe("latency in words", () => {
  it("has timesteps, layers that fire one after another, and a delay for each", () => {
    expect(latencyWords({ timesteps: 4, phases: 13, withDelay: 16 }, false)).toBe(
      "Answer after 4 timesteps: in each of them all 13 layers of neurons fire one after another, " +
        "without delay; with one timestep of delay from layer to layer it is 16.",
    );
    expect(latencyWords({ timesteps: 1, phases: 1, withDelay: 1 }, false)).toBe(
      "Answer after 1 timestep: one layer of neurons fires in it.",
    );
    expect(latencyWords({ timesteps: 3, phases: 0, withDelay: 3 }, false)).toBe(
      "Answer after 3 timesteps: there are no neurons.",
    );
    expect(latencyWords({ timesteps: 40, phases: 5, withDelay: 44 }, true)).toBe(
      "Answer after 40 timesteps: 5 layers of neurons one after another, each with a frame of its own; " +
        "with one timestep of delay from layer to layer it is 44.",
    );
  });
});

describe("a network that takes a frame for each layer", () => {
  it("answers after the frames of all layers, wherever a run has a length", async () => {
    const report = syntheticReport({ timesteps: 8 });
    const settings = { ...report.settings, latencyTimesteps: 48 };
    const framed = { ...report, settings };
    expect(answerWords(settings)).toBe("48 timesteps (a frame of 8 for each of 6 layers)");
    expect(answerWords({ timesteps: 8, latencyTimesteps: 8 })).toBe("8 timesteps");
    const words = "after 48 timesteps (a frame of 8 for each of 6 layers)";
    expect(verdict(framed)).toContain(`of 10000 samples ${words}, `);
    expect(await renderReportHtml(framed)).toContain(`<small>${words}</small>`);
    expect(await renderReportHtml(report)).toContain("<small>after 8 timesteps</small>");
  });
});

describe("energy in words", () => {
  const table = { name: "float32" };

  it("is by events and by bits, and says where bits would multiply", () => {
    expect(energyWords({ table, ratio: 1.2, ratioByBits: 0.8 }, true)).toBe(
      "Energy of the arithmetic alone, by the float32 table, is 1.20 × the ANN's by events, 0.800 × by bits.",
    );
    expect(energyWords({ table, ratio: 0.5, ratioByBits: 0.5 }, true)).toMatch(
      /0\.500 × the ANN's, by events as by bits\.$/,
    );
    expect(energyWords({ table, ratio: 1.2, ratioByBits: null }, false)).toMatch(
      /by events; no figure by bits: steps are not powers of two, so each word would need a multiplication as well\.$/,
    );
    expect(energyWords({ table, ratio: null, ratioByBits: null }, true)).toBe("");
  });

  it("of integers is beside the same network as a plain ANN of integers", () => {
    expect(energyWords({ table: { name: "int8" }, ratio: 0.494, ratioByBits: 0.33 }, true)).toBe(
      "Energy of the arithmetic alone, by the int8 table, is 0.494 × that of the same network as a plain int8 ANN by events, 0.330 × by bits.",
    );
  });

  it("beside the plain quantised ANN says where that computes the same", () => {
    const report = syntheticReport({ timesteps: 3 });
    expect(rivalWords(report)).toMatch(
      /^Beside a plain quantised ANN with values of 2 bits .* × \(the accuracy of that network was not measured; `npm run accuracy -- --methods quantised-ann` does\)\.$/,
    );
    const { rival } = syntheticReport({ timesteps: 1 });
    expect(rival).toEqual({ bits: 1, table: "int8 × 1 bits", isSame: true });
    const same = syntheticReport({ timesteps: 1 });
    expect(rivalWords(same)).toMatch(
      /was not measured; .* But for the rounding of weights it computes the same, as each .*: what differs is zeros that are skipped, and products priced as shifted additions; a shift costs nothing here\.$/,
    );
    // Words of several bits are multiplied as in the ANN.
    const multiplied = { ...same.operations, plainSynapticOperations: [0] };
    expect(rivalWords({ ...same, operations: multiplied })).toMatch(
      /: what differs is zeros that are skipped\.$/,
    );
    expect(rivalWords({ ...report, rival: null })).toBe("");
  });
});

it("the page says why there is no energy by bits", async () => {
  const report = syntheticReport({ timesteps: 2 });
  const energy = report.energy.map((row) => ({
    ...row,
    snnBitsPJ: null,
    snnByBitsPJ: null,
    ratioByBits: null,
  }));
  const operations = {
    ...report.operations,
    bitsAreAdditions: false,
    realLayers: ["/fc1"],
    valueProducts: 7,
  };
  const page = await renderReportHtml({ ...report, energy, operations });
  expect(page).toContain("There is no energy by bits: steps are no powers of two");
  expect(page).toContain("at each timestep (/fc1)");
  expect(page).toContain("products of two values that change");
  expect(await renderReportHtml(report)).not.toContain("There is no energy by bits");
});

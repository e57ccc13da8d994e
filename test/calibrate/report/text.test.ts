/** What the terminal shows: frozen, within its width, and without codes that it would obey. */
import { describe, expect, it } from "vitest";
import {
  digits3,
  energy,
  labelsOf,
  landmarks,
  lossPoints,
  points,
  quantity,
  relative,
  shorten,
  withError,
} from "../../../calibrate/report/format.ts";
import { formatReport } from "../../../calibrate/report/text.ts";
import { syntheticReport } from "./synthetic.ts";

describe("the report on a terminal", () => {
  it("is a verdict, accuracy, layers, cost and advice", () => {
    const text = formatReport(syntheticReport({ timesteps: 8 }), { width: 80, color: false });
    expect(text).toMatchInlineSnapshot(`
      "resnet-mini: The spiking network is right on 89.08 % of 10000 samples after 8
      timesteps, 4.04 ± 0.36 points fewer than the ANN's 93.12 %.

      T    accuracy          loss  agreement  spikes  events/ANN  bits/ANN
      1     36.47 %  56.65 ± 0.81    38.29 %  4.79 k      0.0475    0.0475
      2     54.49 %  38.63 ± 0.69    57.21 %  9.58 k      0.0841    0.0841
      4     75.10 %  18.02 ± 0.52    78.86 %  19.2 k       0.157     0.157
      8     89.08 %   4.04 ± 0.36    93.53 %  38.3 k       0.304     0.304
      ANN   93.12 %

      Error by layer, % of the signal's variance:
      layer                        clip  quant  inherit  uneven  total
      /features/layer1/0/relu    0.24 %  9.6 %   0.40 %  0.80 %  9.9 %
      /features/layer1/0/relu_1  0.28 %  9.6 %   0.80 %   1.1 %   11 %
      /features/layer2/0/relu     3.1 %  9.6 %    1.2 %   1.4 %   14 %
      /features/layer2/0/relu_1  0.36 %  9.6 %    1.6 %   1.7 %   12 %
      /classifier/fc1            0.40 %  9.6 %    2.0 %   2.0 %   13 %
      (1 more layer with less error of their own)

      Per sample: 38.3 k spikes with 38.3 k bits set; 11.9 M events (words × weights),
        an addition each; 442 k multiply-accumulates on the input and 0 on other real
        values; beside 40.6 M multiply-accumulates of the ANN.
      Energy of the arithmetic alone, by the float32 table, is 0.0709 × the ANN's, by
        events as by bits.
      Beside a plain quantised ANN with values of 4 bits and weights of 8, both by the
        table int8 × 4 bits, it is 0.164 × (the accuracy of that network was not
        measured; \`npm run accuracy -- --methods quantised-ann\` does).
      Answer after 8 timesteps: in each of them all 6 layers of neurons fire one after
        another, without delay; with one timestep of delay from layer to layer it is
        13.

      still-rising: Accuracy is still rising: the second half of the 8 timesteps won
        13.98 points. Run longer before changing anything else. Option: -T 16

      quantisation-dominates: Of the errors that layers make themselves, quantisation
        is the largest: 9.6 % of the signal's variance in the mean over 6 layers. In T
        timesteps a neuron has only T + 1 levels. Use more timesteps, or fit layers to
        the values they receive. Option: -T 16 or fit-layers

      clipping-in-layer: In layer /features/layer2/0/relu/Relu clipping is 3.1 % of
        the signal's variance, far above the other layers' (median 0.36 %). Raise the
        thresholds: with more levels, the threshold with the least squared error is
        higher. Option: balance-mmse{levels=16}
      "
    `);
  });

  it("keeps to its width", () => {
    for (const width of [40, 60, 80, 120]) {
      const text = formatReport(syntheticReport({ limit: 0.8 }), { width, color: false });
      const longest = Math.max(...text.split("\n").map((line) => Array.from(line).length));
      expect(longest).toBeLessThanOrEqual(Math.max(width, 62));
    }
  });

  it("has colour only where it is asked for, and never a model's escape codes", () => {
    const report = syntheticReport({ names: ["\u001b[2Jevil\u0007", "b", "c"] });
    const escape = "\u001b";
    expect(formatReport(report, { width: 80, color: false })).not.toContain(escape);
    const coloured = formatReport(report, { width: 80, color: true });
    expect(coloured).toContain(`${escape}[1m`);
    expect(coloured).not.toContain(`${escape}[2J`);
  });
});

describe("numbers for people", () => {
  it("keep their size and their sign", () => {
    expect([0, 812, 3400, 999_700, 12_100_000].map(quantity)).toEqual([
      "0",
      "812",
      "3.40 k",
      "1.00 M",
      "12.1 M",
    ]);
    expect([0.5, -0.0012, 0.00001, null].map(points)).toEqual(["+50.00", "−0.12", "0.00", "–"]);
    expect([0.5, -0.0012, 0.00001, null].map(lossPoints)).toEqual(["50.00", "−0.12", "0.00", "–"]);
    expect([0, 0.12, 0.0031, 0.00004, 1e-9].map(relative)).toEqual([
      "0 %",
      "12 %",
      "0.31 %",
      "0.0040 %",
      "< 0.0001 %",
    ]);
    expect([5, 4200, 187e6].map(energy)).toEqual(["5.00 pJ", "4.20 nJ", "187 µJ"]);
    expect([1234.5, 0.25, 1e-7].map(digits3)).toEqual(["1235", "0.250", "1.00e−7"]);
  });

  it("have an error, unless no sample differs", () => {
    expect([0.003, 0.00002, 0, null].map((error) => withError("0.00", error))).toEqual([
      "0.00 ± 0.30",
      "0.00 ± < 0.01",
      "0.00 (no sample differs)",
      "0.00",
    ]);
    const report = syntheticReport({ timesteps: 1, annAccuracy: 0.5 });
    const accuracy = { ...report.accuracy, snn: [0.5], lossStandardError: [0] };
    const text = formatReport({ ...report, accuracy }, { width: 300, color: false });
    expect(text).toContain("as many as the ANN (no sample differs)");
    expect(text).toMatch(/^1 .* 0\.00 \(no sample differs\) /m);
  });

  it("stand at powers of two and at T", () => {
    expect(landmarks(Array.from({ length: 20 }, (_, i) => i + 1))).toEqual([1, 2, 4, 8, 16, 20]);
  });
});

describe("labels", () => {
  it("lose what all share, and stay distinct", () => {
    const names = ["/a/b/layer1/0/relu/Relu", "/a/b/layer2/0/relu/Relu"];
    expect(labelsOf(names, 40)).toEqual(["/a/b/layer1/0/relu", "/a/b/layer2/0/relu"]);
    expect(labelsOf(names, 16)).toEqual(["/a/b/l…r1/0/relu", "/a/b/l…r2/0/relu"]);
    // Cut in the middle both would read "abcd…efghi".
    expect(labelsOf(["abcdQQQQ1xxefghi", "abcdQQQQ2xxefghi"], 10)).toEqual([
      "…Q1xxefghi",
      "…Q2xxefghi",
    ]);
    const same = labelsOf(["x", "x"], 10);
    expect(new Set(same).size).toBe(2);
    expect(shorten("abcdefghij", 5)).toBe("ab…ij");
  });
});

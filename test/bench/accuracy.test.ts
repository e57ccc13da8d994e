/** What the accuracy benchmark says of its rows, and that all it compares can be read. */
import { describe, expect, it } from "vitest";
import { type Alphabet, alphabetOf } from "../../bench/accuracy/alphabet.ts";
import { methods, methodsOf } from "../../bench/accuracy/methods.ts";
import { curveColours, renderPage, spread } from "../../bench/accuracy/page.ts";
import { quantisedAnn } from "../../bench/accuracy/quantised.ts";
import { type Row, comparisons, dominates, familyOf, tableOf } from "../../bench/accuracy/rows.ts";
import { known } from "../../ir/diagnostic.ts";
import { interpret } from "../../ir/interpret.ts";
import { convert, stepsOf } from "../../library/convert.ts";
import { calibrationOn } from "../../library/measure.ts";
import { faultsOf } from "../geometry.ts";
import { images, network, running } from "../library/network.ts";

const samples = images(10);
const calibration = calibrationOn(samples, running);
/** As the benchmark hands it to each method. */
const { module: clean } = await convert(network(), null, running, {
  timesteps: 1,
  pipeline: "canonical,commute-max-pool",
});

const plain: Row = {
  model: "m",
  method: "mmse",
  code: "rate",
  alphabet: { words: "0, 1", size: 2, bits: 1, steps: "constant" },
  timesteps: 8,
  samples: 100,
  annAccuracy: 0.9,
  accuracy: 0.85,
  loss: 5,
  agreement: 0.9,
  lossStandardError: 0.8,
  relativeLogitError: 0.1,
  spikesPerNeuron: 1,
  bitsPerNeuron: 1,
  synapticOperations: 2e6,
  synapticBits: 2e6,
  multiplyAccumulates: 1e5,
  annOperations: 4e6,
  energyRatio: 0.4,
  energyRatioByBits: 0.4,
  energyTable: "float32",
  latencyTimesteps: 8,
  latencyPhases: 3,
  latencyWithDelay: 10,
  seconds: 1,
  ours: false,
};
const row = (some: Partial<Row>): Row => ({ ...plain, ...some });

describe("methods", () => {
  it("are pipelines that can be read, each under a name of its own", () => {
    for (const { pipeline } of methods) expect(stepsOf(pipeline).length).toBeGreaterThan(0);
    expect(new Set(methods.map(({ name }) => name)).size).toBe(methods.length);
  });

  it("can be named together, one by one, and written out", () => {
    expect(methodsOf("all")).toEqual(methods);
    expect(methodsOf("quantised-ann,peers,ours,mmse")).toEqual(methods);
    expect(methodsOf("ours").every(({ ours }) => ours)).toBe(true);
    const [written, mmse] = methodsOf('"convert-ttfs,balance-max",mmse');
    expect(written?.pipeline).toBe("convert-ttfs,balance-max");
    expect(mmse?.name).toBe("mmse");
    // Former names of pipelines are taken for the present ones, but for those that methods here have.
    expect(methodsOf("default,binary,one-spike").map(({ name }) => name)).toEqual([
      "differential",
      "signed-rate",
      "one-spike",
    ]);
  });
});

const signed: Alphabet = { words: "−1, 0, 1", size: 3, bits: 1, steps: "constant" };
const words: Alphabet = { words: "0 … 15", size: 16, bits: 4, steps: "constant" };
const signedWords: Alphabet = { words: "−15 … 15", size: 31, bits: 4, steps: "shrinking" };

describe("comparisons", () => {
  it("go by error, spikes and bits", () => {
    const better = { relativeLogitError: 0.1, spikesPerNeuron: 0.9, bitsPerNeuron: 1 };
    expect(dominates(better, plain)).toBe(true);
    expect(dominates(plain, better)).toBe(false);
    expect(dominates(plain, plain)).toBe(false);
    expect(dominates({ ...better, relativeLogitError: 0.05, spikesPerNeuron: 1.1 }, plain)).toBe(
      false,
    );
    // Fewer words of more digits are neither.
    expect(dominates({ ...better, bitsPerNeuron: 1.1 }, plain)).toBe(false);
  });

  it("are made within a model, an alphabet and a latency", () => {
    const rows = [
      row({}),
      row({ method: "ftbc", relativeLogitError: 0.02, spikesPerNeuron: 0.9 }),
      row({ method: "max", relativeLogitError: 0.02, spikesPerNeuron: 1.5 }),
      row({ method: "rate", ours: true, relativeLogitError: 0.05, spikesPerNeuron: 0.95 }),
      row({ method: "binary", ours: true, alphabet: signed, spikesPerNeuron: 0.1 }),
      row({ method: "h-mt", code: "burst", alphabet: words, spikesPerNeuron: 0.1 }),
      row({ method: "cos", latencyTimesteps: 16, spikesPerNeuron: 0.1 }),
      row({ method: "lif", ours: true, latencyTimesteps: 16 }),
      row({ method: "quantised-ann-4", code: "none", alphabet: null, latencyTimesteps: 0 }),
    ];
    expect(comparisons(rows)).toEqual([
      {
        model: "m",
        family: "0, 1, constant steps",
        latency: 8,
        ours: "rate",
        dominated: ["mmse"],
        dominating: ["ftbc"],
        undecided: ["max"],
      },
      expect.objectContaining({
        family: "0 … 15 (16 values), constant steps",
        ours: null,
        undecided: ["h-mt"],
      }),
      expect.objectContaining({ latency: 16, ours: null, undecided: ["cos"] }),
    ]);
  });

  it("keep codes apart", () => {
    expect(familyOf(row({ code: "few-spikes" }))).toBe("digits by timestep");
    expect(familyOf(row({ code: "ttfs" }))).toBe("one spike by its time");
    expect(familyOf(row({ method: "lif" }))).toBe("leaky, 0, 1");
    const all = [
      plain.alphabet,
      signed,
      words,
      signedWords,
      { ...signed, steps: "shrinking" as const },
    ];
    expect(new Set(all.map((alphabet) => familyOf(row({ alphabet })))).size).toBe(all.length);
  });
});

describe("the alphabet of a network", () => {
  it.each([
    ["convert-activations", "rate", "0, 1", 2, "constant"],
    ["convert-activations{sign=retract}", "signed-rate", "−1, 0, 1", 3, "constant"],
    ["convert-activations{bits=4}", "burst", "0 … 15", 16, "constant"],
    ["convert-differential", "differential", "−15 … 15", 31, "shrinking"],
    ["convert-differential{schedule=constant}", "differential", "−15 … 15", 31, "constant"],
    ["convert-differential{bits=1}", "differential", "−1, 0, 1", 3, "shrinking"],
    ["convert-differential{alphabet=power}", "differential", "0, ±2^e, e < 4", 9, "shrinking"],
    ["convert-few-spikes", "few-spikes", "0, 1", 2, "shrinking"],
    ["low-latency", "differential", "−255 … 255", 511, "shrinking"],
  ])("is told from its neurons: %s", async (pipeline, code, text, size, steps) => {
    const { module } = await convert(clean, calibration, running, { timesteps: 2, pipeline });
    expect(module.code).toBe(code);
    expect(alphabetOf(module)).toMatchObject({ words: text, size, steps });
  });

  it("is none without neurons", () => {
    expect(alphabetOf(clean)).toBeNull();
  });
});

describe("the quantised network", () => {
  it.each(["convert-differential{bits=4},balance-mmse", "low-latency"])(
    "has the outputs of one timestep of words of as many bits: %s",
    async (pipeline) => {
      const { module } = await convert(clean, calibration, running, { timesteps: 1, pipeline });
      const quantised = quantisedAnn(module);
      expect(quantised.code).toBe("none");
      expect(quantised.ops.some(({ kind }) => kind.startsWith("snn."))).toBe(false);
      let different = 0;
      for (let n = 0; n < samples.count; n++) {
        const [spiking, rounded, exact] = [module, quantised, clean].map((each) =>
          known(interpret(each, samples.get(n), { timesteps: 1 }).outputs[0], "an output"),
        );
        known(rounded, "an output").forEach((y, i) => {
          expect(y).toBeCloseTo(known(spiking?.[i], "an element"), 5);
          different += Number(y !== exact?.[i]);
        });
      }
      expect(different).toBeGreaterThan(0);
    },
  );
});

describe("what is shown", () => {
  it("has what is done over what the ANN does, with the first layer in both", () => {
    const shown = row({ alphabet: words, code: "burst", synapticBits: 3e6 });
    const [head, line] = tableOf([shown]).split("\n");
    expect(head).toContain("events/MACs");
    expect(line).toContain("0 … 15 (16 values), constant steps");
    // (2 M + 0.1 M)/4 M, (3 M + 0.1 M)/4 M.
    expect(line).toContain("0.525");
    expect(line).toContain("0.775");
    expect(line).toContain("5.00 ± 0.80");
    // Without weights there is nothing to divide by.
    expect(tableOf([row({ annOperations: 0 })])).not.toContain("Infinity");
  });

  it("says of the quantised network what it has", () => {
    const none = { alphabet: null, synapticOperations: 0, spikesPerNeuron: 0, bitsPerNeuron: 0 };
    const ann = row({ ...none, method: "quantised-ann-8", code: "none", multiplyAccumulates: 4e6 });
    const [, line] = tableOf([{ ...ann, synapticBits: 0 }]).split("\n");
    expect(line).toContain("1.000");
    expect(line).toContain("none");
  });

  it("is one page that needs nothing else, with a curve for each method and names escaped", async () => {
    const rows = [4, 8].flatMap((timesteps) => [
      row({ timesteps }),
      row({ timesteps, method: "binary", ours: true, loss: -0.5, model: "m" }),
      row({ timesteps, model: "<b>", relativeLogitError: 0 }),
    ]);
    const machine = { processor: "a & b" };
    const page = await renderPage({ rows, compared: comparisons(rows), machine });
    expect(page).toContain("a &amp; b");
    expect(page).toContain("&lt;b&gt;");
    expect(page).not.toMatch(/<script|src=|href="http|NaN|Infinity/);
    expect(page.match(/<svg/g)?.length).toBe(4);
    const [figure] = page.split("</svg>");
    expect(known(figure, "a figure")).toContain(">binary</text>");
  });

  it("keeps names of curves whole and apart where curves end together, and colours visible", async () => {
    const methods = Array.from({ length: 20 }, (_, i) => `snnc-method-${i + 1}`);
    const page = async (loss: number, error: number): Promise<string> => {
      const rows = methods.flatMap((method, i) =>
        [4, 8, 16, 32, 64, 255].map((timesteps) =>
          row({
            method,
            timesteps,
            ours: i % 3 === 0,
            loss: (loss * (1 + i / 1000)) / timesteps,
            relativeLogitError: error / timesteps,
            spikesPerNeuron: 0.2 * timesteps,
          }),
        ),
      );
      return renderPage({ rows, compared: [], machine: { processor: "p" } });
    };
    for (const [loss, error] of [
      [0, 1],
      [1.2, 0.003],
      [90, 1e-6],
    ] as const) {
      expect(faultsOf(await page(loss, error))).toEqual([]);
    }
    for (const [scheme, ground] of [
      ["light", "#ffffff"],
      ["dark", "#1d2127"],
    ] as const) {
      const faint = curveColours[scheme].filter((colour) => contrast(colour, ground) < 3);
      expect(faint).toEqual([]);
    }
  });

  it("spreads names no further than it has to", () => {
    expect(spread([50, 10, 51], 10, 0, 100)).toEqual([50, 10, 60]);
    expect(spread([99, 98, 97], 10, 0, 100)).toEqual([100, 90, 80]);
  });
});

/** WCAG 2.2: of relative luminances, from 1 to 21. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string): number =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
      const c = Number.parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16) / 255;
      return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    }, 0);
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

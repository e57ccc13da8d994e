/** What the accuracy benchmark says of its rows, and that all it compares can be read. */
import { faultsOf } from "../geometry.ts";
import { describe, expect, it } from "vitest";
import { methods, methodsOf } from "../../bench/accuracy/methods.ts";
import { curveColours, renderPage, spread } from "../../bench/accuracy/page.ts";
import { type Row, comparisons, dominates, familyOf, tableOf } from "../../bench/accuracy/rows.ts";
import { known } from "../../ir/diagnostic.ts";
import { stepsOf } from "../../library/convert.ts";

const plain: Row = {
  model: "m",
  method: "mmse",
  code: "rate",
  timesteps: 8,
  samples: 100,
  annAccuracy: 0.9,
  accuracy: 0.85,
  loss: 5,
  agreement: 0.9,
  relativeLogitError: 0.1,
  spikesPerNeuron: 1,
  synapticOperations: 2e6,
  latencyTimesteps: 8,
  bits: 1,
  annOperations: 4e6,
  analogueOperations: 1e5,
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
    expect(methodsOf("peers,ours,mmse")).toEqual(methods);
    expect(methodsOf("ours").every(({ ours }) => ours)).toBe(true);
    const [written, mmse] = methodsOf('"convert-ttfs,balance-max",mmse');
    expect(written?.pipeline).toBe("convert-ttfs,balance-max");
    expect(mmse?.name).toBe("mmse");
  });
});

describe("comparisons", () => {
  it("go by both error and spikes", () => {
    const better = { relativeLogitError: 0.1, spikesPerNeuron: 0.9 };
    expect(dominates(better, plain)).toBe(true);
    expect(dominates(plain, better)).toBe(false);
    expect(dominates(plain, plain)).toBe(false);
    expect(dominates({ relativeLogitError: 0.05, spikesPerNeuron: 1.1 }, plain)).toBe(false);
  });

  it("are made within a model, a family and a number of timesteps", () => {
    const rows = [
      row({}),
      row({ method: "ftbc", relativeLogitError: 0.02, spikesPerNeuron: 0.9 }),
      row({ method: "signed-if", relativeLogitError: 0.02, spikesPerNeuron: 1.5 }),
      row({ method: "binary", ours: true, relativeLogitError: 0.05, spikesPerNeuron: 0.95 }),
      row({ method: "rate", ours: true, relativeLogitError: 0.06, spikesPerNeuron: 1.2 }),
      row({ method: "h-mt", code: "burst", bits: 4, spikesPerNeuron: 0.1 }),
      row({ method: "mmse", timesteps: 16, spikesPerNeuron: 0.1 }),
      row({ method: "lif", ours: true, timesteps: 16 }),
    ];
    expect(comparisons(rows)).toEqual([
      {
        model: "m",
        family: "1 bit",
        timesteps: 8,
        ours: "binary",
        dominated: ["mmse"],
        dominating: ["ftbc"],
        undecided: ["signed-if"],
      },
      expect.objectContaining({ family: "4 bits", ours: null, undecided: ["h-mt"] }),
      expect.objectContaining({ family: "1 bit", timesteps: 16, ours: null, undecided: ["mmse"] }),
    ]);
  });

  it("keep codes apart", () => {
    expect(familyOf(row({ code: "few-spikes" }))).toBe("few spikes");
    expect(familyOf(row({ code: "ttfs" }))).toBe("one spike");
    expect(familyOf(row({ code: "differential", bits: 4 }))).toBe("4 bits");
    expect(familyOf(row({ method: "lif" }))).toBe("leaky");
  });
});

describe("what is shown", () => {
  it("has operations beside those of the ANN", () => {
    const [head, line] = tableOf([row({ bits: 2, code: "burst" })]).split("\n");
    expect(head).toContain("SynOps/MACs");
    expect(line).toContain("burst, 2 bits");
    expect(line).toContain("0.500");
    // Without weights there is nothing to divide by.
    expect(tableOf([row({ annOperations: 0 })])).not.toContain("Infinity");
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

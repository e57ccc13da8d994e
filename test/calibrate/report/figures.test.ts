/** The words of the figures: none is cut, and no two overlap, whatever the magnitudes and names. */
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { renderReportHtml } from "../../../calibrate/report/html.ts";
import type { ConversionReport } from "../../../calibrate/report/schema.ts";
import { faultsOf, labelsIn } from "../../geometry.ts";
import { syntheticReport } from "./synthetic.ts";

/** The same report with errors, operations, rates and thresholds of other magnitudes. */
function scaled(report: ConversionReport, by: number): ConversionReport {
  const { operations } = report;
  return {
    ...report,
    layers: report.layers.map((layer) => ({
      ...layer,
      firingRate: Math.min(1, layer.firingRate * by),
      error:
        layer.error === null
          ? null
          : {
              ...layer.error,
              total: layer.error.total * by,
              clipping: layer.error.clipping * by,
              quantisation: layer.error.quantisation * by,
              inherited: layer.error.inherited * by,
              unevenness: layer.error.unevenness * by,
            },
      thresholds: {
        ...layer.thresholds,
        min: layer.thresholds.min * by,
        lowerQuartile: layer.thresholds.lowerQuartile * by,
        median: layer.thresholds.median * by,
        upperQuartile: layer.thresholds.upperQuartile * by,
        max: layer.thresholds.max * by,
      },
    })),
    operations: {
      ...operations,
      annMultiplyAccumulates: Math.max(1, Math.round(operations.annMultiplyAccumulates * by)),
      synapticOperations: operations.synapticOperations.map((n) => Math.round(n * by)),
    },
  };
}

/** As of a regression: errors of the values themselves, of any magnitude, instead of shares. */
function valued(report: ConversionReport, by: number): ConversionReport {
  const { accuracy } = report;
  const falling = accuracy.timesteps.map((t) => by / t);
  return {
    ...report,
    lossByPass: report.lossByPass.map((row) => ({
      ...row,
      accuracy: null,
      agreement: null,
      relativeRmseToAnn: 0.02 * by,
    })),
    accuracy: {
      ...accuracy,
      snn: null,
      agreement: null,
      metrics: { rmse: falling, relativeRmseToAnn: falling },
      annMetrics: { rmse: [0.034567 * by] },
    },
  };
}

const names = ["/network/block.3/attention/output/Relu", "act", "convert-differential"];

describe("the words of the report's figures", () => {
  it.each([1e-8, 3.3e-4, 0.0123, 1, 5400])("stand apart and whole at magnitude %s", async (by) => {
    const report = syntheticReport({ names });
    expect(faultsOf(await renderReportHtml(scaled(report, by)))).toEqual([]);
    expect(faultsOf(await renderReportHtml(valued(report, by)))).toEqual([]);
  });

  it.each([1, 2, 1024])("stand apart and whole over %s timesteps", async (timesteps) => {
    const report = syntheticReport({ timesteps, annAccuracy: 0.9312, limit: 0.9311 });
    expect(faultsOf(await renderReportHtml(report))).toEqual([]);
  });

  it("span what is drawn: errors of about one size do not leave most of the axis empty", async () => {
    const report = valued(syntheticReport(), 1);
    const rmse = report.accuracy.timesteps.map((t) => 0.0235 + 0.001 / t);
    const accuracy = { ...report.accuracy, metrics: { rmse }, annMetrics: { rmse: [0.0235] } };
    const { document } = parseHTML(await renderReportHtml({ ...report, accuracy }));
    const heights = [...document.querySelectorAll("svg[aria-label^='Root mean'] circle")].map(
      (dot) => Number(dot.getAttribute("cy")),
    );
    // Of a frame 208 high.
    expect(Math.max(...heights) - Math.min(...heights)).toBeGreaterThan(104);
  });

  it.each([0.5, 0.02, 0.0011, 0])("leave no axis of shares empty at a loss of %s", async (loss) => {
    const report = syntheticReport({ names });
    const { accuracy } = report;
    const snn = accuracy.timesteps.map((t) => 0.931 - loss / t ** 2);
    const lossByPass = report.lossByPass.map((row, i) => ({
      ...row,
      pass: `${row.pass}-of-a-long-name`,
      accuracy: 0.931 - (i % 2 === 0 ? 0 : loss),
    }));
    const page = await renderReportHtml({
      ...report,
      accuracy: { ...accuracy, ann: 0.931, snn },
      lossByPass,
    });
    expect(faultsOf(page)).toEqual([]);
    const { document } = parseHTML(page);
    const spanOf = (figure: string, place: string): number => {
      const dots = [...document.querySelectorAll(`svg[aria-label^='${figure}'] circle`)];
      const places = dots.map((dot) => Number(dot.getAttribute(place)));
      return Math.max(...places) - Math.min(...places);
    };
    // Frames are 208 high and at least 180 wide.
    expect(spanOf("Accuracy of", "cy")).toBeGreaterThan(loss === 0 ? -1 : 104);
    expect(spanOf("Network after", "cx")).toBeGreaterThan(loss === 0 ? -1 : 90);
  });

  it.each([1, 2, 3, 9, 32, 255, 1000])("have T = %s among the ticks", async (timesteps) => {
    const page = await renderReportHtml(syntheticReport({ timesteps }));
    expect(faultsOf(page)).toEqual([]);
    const { document } = parseHTML(page);
    const [svg] = document.querySelectorAll("svg[aria-label^='Accuracy of']");
    const ticks = [...(svg?.querySelectorAll("[aria-label='x-axis tick label'] text") ?? [])];
    expect(ticks.map((tick) => tick.textContent).at(-1)).toBe(String(timesteps));
  });

  it("are found to overlap where they do, and to be cut", () => {
    const svg = (body: string): string =>
      `<svg viewBox="0 0 100 40" style="font-size: 10px" aria-label="f"><g transform="translate(5,20)">${body}</g></svg>`;
    expect(faultsOf(svg(`<text x="0">abc</text><text x="30">abc</text>`))).toEqual([]);
    expect(faultsOf(svg(`<text x="0">abc</text><text x="15">abd</text>`))).toEqual([
      'f: "abc" and "abd" overlap',
    ]);
    expect(faultsOf(svg(`<text text-anchor="end">abc</text>`))).toEqual(['f: "abc" is cut']);
    const line = (d: string): string => `<g aria-label="line"><path d="${d}"></path></g>`;
    expect(faultsOf(svg(`<text>abc</text>${line("M-5,-9L30,9")}`))).toEqual([
      'f: "abc" is on a curve',
    ]);
    expect(faultsOf(svg(`<text>abc</text>${line("M-5,-9L30,-8L30,9L-5,3")}`))).toEqual([]);
    expect(faultsOf(svg(`<text>abc</text><circle cx="9" cy="-3"></circle>`))).toEqual([
      'f: "abc" is on a curve',
    ]);
    const { document } = parseHTML(svg(`<text y="0.5em" font-weight="700">00</text>`));
    const [label] = [...document.querySelectorAll("svg")].flatMap(labelsIn);
    expect(label?.right).toBeCloseTo(5 + 2 * 6.3 * 1.1);
    expect(label?.bottom).toBeCloseTo(20 + 5 + 2);
  });
});

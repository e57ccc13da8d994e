/** The page is one file without network or script, holds what it was given, and is the same twice. */
import { parseHTML } from "linkedom";
import { beforeAll, describe, expect, it } from "vitest";
import { renderReportHtml } from "../../../calibrate/report/html.ts";
import { html } from "../../../calibrate/report/markup.ts";
import type { ConversionReport } from "../../../calibrate/report/schema.ts";
import { known } from "../../../ir/diagnostic.ts";
import { syntheticReport } from "./synthetic.ts";

const hostile = `</text></svg><script>alert(1)</script><img src=x onerror="alert(2)">&'"\u0007`;

/** Every text of the report that a model or a user can choose, made hostile. */
function poisoned(): ConversionReport {
  const report = syntheticReport({ names: [hostile, `${hostile} 2`, "relu"] });
  const port = { name: hostile, shape: [1] };
  return {
    ...report,
    model: { ...report.model, name: hostile, file: hostile, inputs: [port], outputs: [port] },
    calibrationData: { name: hostile, samples: 1, sha256: null, labelled: false },
    evaluationData: { name: hostile, samples: 1, sha256: null, labelled: true },
    pipeline: [{ pass: hostile, options: { [hostile]: hostile }, seconds: null, changed: true }],
    lossByPass: [
      {
        pass: hostile,
        accuracy: 0.5,
        agreement: null,
        relativeLogitError: null,
        relativeRmseToAnn: null,
      },
    ],
    lossByPassData: { name: hostile, samples: 1, sha256: null, labelled: true },
    diagnostics: [
      {
        code: "x",
        severity: "warning",
        message: hostile,
        place: hostile,
        notes: [hostile],
        help: hostile,
      },
    ],
    recommendations: [
      { kind: "still-rising", importance: "high", text: hostile, option: hostile, layer: hostile },
    ],
  };
}

describe("report.html", () => {
  let page = "";
  let document: Document;
  beforeAll(async () => {
    page = await renderReportHtml(syntheticReport());
    document = parseHTML(page).document;
  });

  it("shows the drift of firing rates of a network of integers, and of no other", async () => {
    expect(document.getElementById("drift")).toBeNull();
    const layer = { name: hostile, channels: 3, floatRate: 0.5, integerRate: 0.4, distance: 0.125 };
    const drifted = await renderReportHtml({ ...syntheticReport(), rateDrift: [layer] });
    const cells = parseHTML(drifted).document.querySelectorAll("#drift ~ .scroll tbody tr > *");
    expect([...cells].slice(1).map((cell) => cell.textContent?.trim())).toEqual([
      "3",
      "0.5000",
      "0.4000",
      "0.125",
      "25.00 %",
    ]);
    expect(drifted).not.toContain("<script>alert");
  });

  it("has one sign for losses: in the tile, by timestep and by pass, positive is worse", async () => {
    const { accuracy, ...report } = syntheticReport({ timesteps: 1, annAccuracy: 0.5 });
    const [first, second] = report.lossByPass;
    const lossByPass = [
      { ...known(first, "a pass"), accuracy: 0.5 },
      { ...known(second, "a pass"), accuracy: 0.625 },
    ];
    // Right more often than the ANN: a loss below zero.
    const better = { ...report, lossByPass, accuracy: { ...accuracy, snn: [0.75] } };
    const { document: shown } = parseHTML(await renderReportHtml(better));
    const [tile] = [...shown.querySelectorAll(".tiles div")].filter(
      (each) => each.querySelector("dt")?.textContent === "Conversion loss",
    );
    expect(tile?.querySelector("dd")?.firstChild?.textContent).toBe("−25.00");
    expect(columnOf(shown, "#accuracy ~ .scroll table", "Conversion loss")).toEqual([
      expect.stringMatching(/^−25\.00( ±|$)/),
    ]);
    expect(columnOf(shown, "#passes ~ .figures table", "Loss")).toEqual(["–", "−12.50"]);
    expect(shown.querySelector("#accuracy ~ p.muted")?.textContent).toContain("positive is worse");
  });

  it("loads nothing and runs nothing", async () => {
    for (const text of [page, await renderReportHtml(poisoned())]) {
      const { document: parsed } = parseHTML(text);
      expect(
        parsed.querySelectorAll("script, img, iframe, link, object, embed, form"),
      ).toHaveLength(0);
      const attributes = [...parsed.querySelectorAll("*")].flatMap((e) =>
        [...e.attributes].map(({ name }) => name),
      );
      expect(attributes.filter((name) => /^on|^(src|href|xlink:href|action)$/.test(name))).toEqual(
        [],
      );
      expect(text).not.toMatch(/url\(|@import/);
      expect(text).toContain("default-src 'none'");
    }
  });

  it("shows hostile names as text", async () => {
    const text = await renderReportHtml(poisoned());
    const { document: parsed } = parseHTML(text);
    expect(text).not.toContain("<script");
    expect(text).not.toContain("\u0007");
    expect(parsed.querySelector("h1")?.textContent).toContain("<script>alert(1)</script>");
    expect(parsed.querySelectorAll("svg").length).toBe(document.querySelectorAll("svg").length);
  });

  it("is the same bytes for the same report", async () => {
    expect(await renderReportHtml(syntheticReport())).toBe(page);
  });

  it("suits a phone, both colour schemes, and readers who cannot see the figures", () => {
    expect(document.querySelector("meta[name=viewport]")?.getAttribute("content")).toContain(
      "width=device-width",
    );
    expect(page).toContain("prefers-color-scheme: dark");
    expect(document.documentElement.getAttribute("lang")).toBe("en");
    const figures = [...document.querySelectorAll("figure")];
    expect(figures).toHaveLength(7);
    for (const figure of figures) {
      expect(figure.querySelector("figcaption")?.textContent).not.toBe("");
      const svg = figure.querySelector("svg");
      expect(svg?.getAttribute("role")).toBe("img");
      expect(svg?.getAttribute("aria-label")).toMatch(/\w+ \w+/);
    }
    for (const table of document.querySelectorAll("table")) {
      expect(table.parentElement?.getAttribute("class")).toBe("scroll");
      expect(table.querySelector("caption")).not.toBeNull();
      expect(table.querySelectorAll("thead th[scope=col]").length).toBeGreaterThan(1);
    }
  });

  it("draws the ANN's line where its accuracy is", () => {
    const svg = document.querySelector("svg[aria-label^='Accuracy of the spiking network']");
    expect(svg?.textContent).toContain("ANN 93.12 %");
    expect(svg?.querySelectorAll("circle")).toHaveLength(6);
    // Axes begin near the lowest value, in percent: 36.47 here and 38.29 for agreement.
    for (const about of ["Accuracy of", "Share of samples"]) {
      const ticks = [...document.querySelectorAll(`svg[aria-label^='${about}'] text`)];
      const numbers = ticks.map((t) => Number(t.textContent)).filter((n) => n % 10 === 0 && n > 0);
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(30);
      expect(Math.max(...numbers)).toBe(100);
    }
  });

  it("draws a bar for each part of each layer's error", () => {
    const svg = document.querySelector("svg[aria-label='Error of each layer by cause']");
    expect(svg?.querySelectorAll("[aria-label=bar] rect")).toHaveLength(6 * 4);
    expect(svg?.textContent).toContain("/classifier/fc1");
  });

  it("tells the loss by pass without labels, by agreement or by the outputs", async () => {
    const report = syntheticReport();
    const label = async (
      change: Partial<ConversionReport["lossByPass"][number]>,
    ): Promise<string> => {
      const lossByPass = report.lossByPass.map((row) => ({ ...row, ...change }));
      const text = await renderReportHtml({ ...report, lossByPass });
      const svg = parseHTML(text).document.querySelector("svg[aria-label^='Network after']");
      return svg?.getAttribute("aria-label") ?? "";
    };
    expect(await label({})).toBe("Network after each pass: accuracy");
    expect(await label({ accuracy: null })).toBe("Network after each pass: agreement");
    expect(await label({ accuracy: null, agreement: null })).toBe(
      "Network after each pass: relative logit error",
    );
  });

  it("tells too few samples from a network that is too far off", async () => {
    // 0.02 and 10.7 points are lost; 1.96 standard errors are 0.59 points on 10000 samples.
    const near = await renderReportHtml(syntheticReport({ limit: 0.931 }));
    expect(near).toContain("cannot be measured on 10000 samples");
    expect(near).not.toContain("not within 32");
    const far = await renderReportHtml(syntheticReport({ limit: 0.824 }));
    expect(far).toContain("to stay within 1 point: not within 32");
    expect(far).not.toContain("cannot be measured");
  });

  it("leaves out what there is nothing to show of", async () => {
    const report = syntheticReport({ annAccuracy: null, names: [], timesteps: 1 });
    const text = await renderReportHtml({ ...report, lossByPass: [] });
    const { document: parsed } = parseHTML(text);
    const labels = [...parsed.querySelectorAll("svg")].map((svg) => svg.getAttribute("aria-label"));
    expect(labels).toHaveLength(2);
    expect(parsed.querySelector("#layers")).toBeNull();
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("the template", () => {
  it("escapes values in text and in attributes, and nothing twice", () => {
    const inner = html`<b>${"a<b"}</b>`;
    expect(html`<p title="${`"x"`}">${inner}${[1, null, "&"]}</p>`.text).toBe(
      '<p title="&quot;x&quot;"><b>a&lt;b</b>1&amp;</p>',
    );
  });
});

/** The cells of the column of that name, in the first such table that has one. */
function columnOf(document: Document, tables: string, name: string): string[] {
  for (const table of document.querySelectorAll(tables)) {
    const column = [...table.querySelectorAll("thead th")].findIndex(
      (head) => head.textContent.trim() === name,
    );
    if (column < 0) continue;
    return [...table.querySelectorAll("tbody tr")].map((row) =>
      known(row.children[column], "a cell").textContent.trim(),
    );
  }
  return [];
}

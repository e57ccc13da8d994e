/**
 * `report.html`: one file that needs no network and runs no script. The order is the reader's: how
 * it went, what to do, where the accuracy went, what it costs, and how it was made.
 */
import { answersOnce, counted, digits3, percent, points, quantity } from "./format.ts";
import { type Html, html, trusted } from "./markup.ts";
import { type Figures, drawFigures } from "./plots.ts";
import type { ConversionReport } from "./schema.ts";
import {
  adviceSection,
  costSection,
  layerSection,
  makingSection,
  passSection,
} from "./sections.ts";
import { styleSheet } from "./style.ts";
import { figure, table } from "./tables.ts";
import { verdict } from "./verdict.ts";
import { landmarks } from "./format.ts";

/** The whole page. The same report gives the same bytes. */
export async function renderReportHtml(report: ConversionReport): Promise<string> {
  const figures = await drawFigures(report);
  const title = `${report.model.name} as a spiking network`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <meta name="generator" content="${report.tool.name} ${report.tool.version}" />
        <title>${title}</title>
        <style>
          ${trusted(styleSheet)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${title}</h1>
            <p class="verdict">${verdict(report)}</p>
            ${tiles(report)}
          </header>
          ${adviceSection(report)} ${accuracySection(report, figures)}
          ${passSection(report, figures)} ${layerSection(report, figures)}
          ${costSection(report, figures)} ${makingSection(report)}
        </main>
      </body>
    </html> `;
  return page.text;
}

function tiles(report: ConversionReport): Html {
  const { accuracy, operations, settings, energy } = report;
  const snn = accuracy.snn?.at(-1) ?? null;
  const rows: (readonly [string, string, string])[] = [];
  if (accuracy.ann !== null && snn !== null) {
    rows.push(
      ["SNN accuracy", percent(snn), `at T = ${settings.timesteps}`],
      [
        "ANN accuracy",
        percent(accuracy.ann),
        `on the same ${report.evaluationData.samples} samples`,
      ],
      ["Conversion loss", points(accuracy.ann - snn), "percentage points"],
    );
  }
  const agreement = accuracy.agreement?.at(-1);
  if (agreement !== undefined) {
    rows.push(["Agreement", percent(agreement), "predicted as the ANN does"]);
  }
  for (const row of accuracy.smallestTimesteps.filter((r) => r.points === 1)) {
    const found = row.timesteps === null ? `> ${settings.timesteps}` : String(row.timesteps);
    rows.push(["Timesteps needed", found, "to stay within 1 point"]);
  }
  if (settings.latencyTimesteps !== settings.timesteps) {
    rows.push(["Latency", quantity(settings.latencyTimesteps), "timesteps to the answer"]);
  }
  rows.push(["Spikes", quantity(operations.spikes.at(-1) ?? 0), "per sample"]);
  const ratio = energy[0]?.ratio ?? null;
  if (ratio !== null) rows.push(["Energy", `${digits3(ratio)} ×`, "the ANN's, arithmetic only"]);
  return html`<dl class="tiles">
    ${rows.map(
      ([name, value, note]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}<small>${note}</small></dd>
        </div>`,
    )}
  </dl>`;
}

function accuracySection(report: ConversionReport, figures: Figures): Html {
  const { accuracy, operations, settings } = report;
  const once = answersOnce(accuracy.timesteps);
  const rows = landmarks(accuracy.timesteps).map((t) => {
    const i = accuracy.timesteps.indexOf(t);
    const snn = accuracy.snn?.[i] ?? null;
    return [
      String(t),
      ...(once ? [String(settings.latencyTimesteps)] : []),
      percent(snn),
      points(snn === null || accuracy.ann === null ? null : snn - accuracy.ann),
      percent(accuracy.agreement?.[i] ?? null),
      quantity(operations.spikes[i] ?? null),
      quantity(operations.synapticOperations[i] ?? null),
    ];
  });
  const headings = [
    "T",
    ...(once ? ["Latency"] : []),
    "Accuracy",
    "Against ANN",
    "Agreement",
    "Spikes",
    "Synaptic operations",
  ];
  const needed = accuracy.smallestTimesteps.map(({ points: p, timesteps }) => [
    `${p} ${p === 1 ? "point" : "points"}`,
    timesteps === null ? `not within ${report.settings.timesteps}` : String(timesteps),
  ]);
  return html`<section aria-labelledby="accuracy">
    <h2 id="accuracy">${once ? "Accuracy" : "Accuracy against timesteps"}</h2>
    ${once ? oneAnswer(report) : curves(figures)}
    ${table(
      once ? "Accuracy and cost" : "Accuracy and cost at powers of two and at T",
      headings,
      rows,
    )}
    ${
      needed.length === 0
        ? null
        : table(
            "Smallest number of timesteps from which accuracy stays near the ANN's",
            ["Within", "Timesteps"],
            needed,
          )
    }
  </section>`;
}

function oneAnswer({ settings }: ConversionReport): Html {
  return html`<p>
    There is one answer, after ${counted(settings.latencyTimesteps, "timestep")}: each layer of
    neurons takes a frame of ${settings.timesteps}, when the frames of the layers before it are
    complete.
  </p>`;
}

function curves(figures: Figures): Html {
  return html`<p>
      One run gives the answer at every timestep up to T: what the output layer has integrated so
      far.
    </p>
    <div class="figures">
      ${figure({
        svg: figures.accuracy,
        caption: "Accuracy",
        note: "Of the spiking network; the dashed line is the ANN on the same samples.",
      })}
      ${figure({
        svg: figures.agreement,
        caption: "Agreement with the ANN",
        note: "Share of samples on which both networks predict the same class.",
      })}
    </div>`;
}

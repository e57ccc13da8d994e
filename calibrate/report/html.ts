/**
 * `report.html`: one file that needs no network and runs no script. The order is the reader's: how
 * it went, what to do, where the accuracy went, what it costs, and how it was made.
 */
import { describeTask } from "../evaluation-diagnostics.ts";
import type { TaskName } from "../tasks/task.ts";
import {
  costColumns,
  lossColumn,
  lossHead,
  qualityColumns,
  ratioColumns,
  referenceColumns,
  reportCosts,
  reportFigures,
} from "./columns.ts";
import {
  answersOnce,
  counted,
  digits3,
  noneDiffers,
  percent,
  lossPoints,
  quantity,
  relative,
} from "./format.ts";
import { type Html, html, trusted } from "./markup.ts";
import { type ReportPlots, drawFigures } from "./plots.ts";
import type { ConversionReport } from "./schema.ts";
import {
  adviceSection,
  costSection,
  driftSection,
  layerSection,
  makingSection,
  passSection,
} from "./sections.ts";
import { styleSheet } from "./style.ts";
import { figure, table } from "./tables.ts";
import { verdict } from "./verdict.ts";
import { answerWords, countedWords, lossWords, ratioWords } from "./words.ts";
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
          ${passSection(report, figures)} ${layerSection(report, figures)} ${driftSection(report)}
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
      ["SNN accuracy", percent(snn), `after ${answerWords(settings)}`],
      [
        "ANN accuracy",
        percent(accuracy.ann),
        `on the same ${report.evaluationData.samples} samples`,
      ],
      ["Conversion loss", lossPoints(accuracy.ann - snn), lossNote(accuracy.lossStandardError)],
    );
  }
  rows.push(...valueTiles(report));
  const agreement = accuracy.agreement?.at(-1);
  if (agreement !== undefined) {
    rows.push(["Agreement", percent(agreement), "predicted as the ANN does"]);
  }
  for (const row of accuracy.smallestTimesteps.filter((r) => r.points === 1)) {
    const found = row.timesteps === null ? "–" : String(row.timesteps);
    const note =
      row.timesteps === null ? neededWords(report, row) : "1.96 standard errors included";
    rows.push(["Timesteps needed", found, `to stay within 1 point: ${note}`]);
  }
  const delayed = settings.latencyWithDelay;
  rows.push(
    [
      "Latency",
      quantity(settings.latencyTimesteps),
      `${settings.latencyTimesteps === 1 ? "timestep" : "timesteps"}; ${quantity(delayed)} with a delay a layer`,
    ],
    ["Spikes", quantity(operations.spikes.at(-1) ?? 0), "per sample"],
  );
  const own = energy.find(({ isOwn }) => isOwn);
  if (own !== undefined && own.ratio !== null) {
    const bits = own.ratioByBits === null ? "" : `, ${digits3(own.ratioByBits)} by bits`;
    const note = `the ANN's by events${bits}; ${own.table.name}, arithmetic only`;
    rows.push(["Energy", `${digits3(own.ratio)} ×`, note]);
  }
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

function lossNote(errors: readonly number[] | null): string {
  const last = errors?.at(-1);
  return last === undefined
    ? "percentage points"
    : last === 0
      ? `percentage points (${noneDiffers})`
      : `± ${(100 * last).toFixed(2)} percentage points (standard error)`;
}

/** How far values are off; nothing where classes are decided. */
function valueTiles({ accuracy, settings }: ConversionReport): [string, string, string][] {
  const { metrics, annMetrics, task } = accuracy;
  if (task.name !== "regress") return [];
  const own = metrics.rmse?.at(-1) ?? null;
  const before = annMetrics.rmse?.[0] ?? null;
  const off = metrics.relativeRmseToAnn?.at(-1) ?? null;
  const rows: [string, string, string][] = [];
  if (own !== null) rows.push(["SNN RMSE", digits3(own), `after ${answerWords(settings)}`]);
  if (before !== null) rows.push(["ANN RMSE", digits3(before), "on the same samples"]);
  if (off !== null) rows.push(["Off the ANN", relative(off), "of its values' spread (RMSE)"]);
  return rows;
}

function accuracySection(report: ConversionReport, figures: ReportPlots): Html {
  const { accuracy, settings } = report;
  const costs = reportCosts(report);
  const once = answersOnce(accuracy.timesteps);
  const measured = reportFigures(report);
  const columns = [
    ...qualityColumns(measured),
    ...(measured.task === "regress" ? [] : [lossColumn(measured)]),
    ...referenceColumns(measured),
    ...costColumns(costs),
    ...ratioColumns(costs),
  ];
  const rows = landmarks(accuracy.timesteps).map((t) => {
    const i = accuracy.timesteps.indexOf(t);
    return [
      String(t),
      ...(once ? [String(settings.latencyTimesteps)] : []),
      ...columns.map((column) => column.cell(i)),
    ];
  });
  const headings = ["T", ...(once ? ["Latency"] : []), ...columns.map(({ head }) => heading(head))];
  const needed = accuracy.smallestTimesteps.map(({ points: p, timesteps }) => [
    `${p} ${p === 1 ? "point" : "points"}`,
    neededWords(report, { points: p, timesteps }),
  ]);
  return html`<section aria-labelledby="accuracy">
    <h2 id="accuracy">${once ? "Accuracy" : "Accuracy against timesteps"}</h2>
    ${taskWords(report)} ${once ? oneAnswer(report) : curves(report, figures)}
    ${table(
      once ? "Accuracy and cost" : "Accuracy and cost at powers of two and at T",
      headings,
      rows,
    )}
    <p class="muted">
      ${columns.some(({ head }) => head === lossHead) ? html`${sentence(lossWords)}. ` : null}${sentence(countedWords)}.
      ${
        costs.annProducts === null || costs.annProducts === 0
          ? null
          : html`${ratioWords(costs.annProducts)}.`
      }
    </p>
    ${
      needed.length === 0
        ? null
        : table(
            "Smallest number of timesteps from which accuracy stays near the ANN's, its loss with 1.96 standard errors",
            ["Within", "Timesteps"],
            needed,
          )
    }
  </section>`;
}

/** From which timestep on, or why there is none: the network is too far off, or the samples are too few. */
function neededWords(
  { accuracy, settings, evaluationData }: ConversionReport,
  row: ConversionReport["accuracy"]["smallestTimesteps"][number],
): string {
  if (row.timesteps !== null) return String(row.timesteps);
  const loss = (accuracy.ann ?? NaN) - (accuracy.snn?.at(-1) ?? NaN);
  return loss > row.points / 100 + 1e-9
    ? `not within ${settings.timesteps}`
    : `cannot be measured on ${counted(evaluationData.samples, "sample")}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A column's name where it stands alone. */
function heading(head: string): string {
  return head === lossHead ? "Conversion loss" : sentence(head);
}

/** What the outputs were measured as, where it is not one class for each sample throughout. */
function taskWords({ accuracy }: ConversionReport): Html | null {
  const { task, outputs } = accuracy;
  if (task.name === "classify" && !task.assumed && outputs.length === 1) return null;
  const sentences = outputs.map((output) => {
    const { name, reason, threshold } = output.task;
    const from = threshold === null ? "" : `, given from ${threshold} on`;
    return `Output ${output.name} is measured as ${describeTask[name]}${from}: ${reason}. `;
  });
  const others = outputs
    .slice(1)
    .map((output) => [
      output.name,
      output.task.name,
      percent(output.agreement?.at(-1) ?? null),
      relative(output.metrics.relativeRmseToAnn?.at(-1) ?? null),
      relative(output.relativeLogitError?.at(-1) ?? null),
    ]);
  return html`<p>${sentences}</p>
    ${
      others.length === 0
        ? null
        : table(
            "The other outputs beside the ANN's, at T",
            ["Output", "Task", "Agreement", "RMSE of the spread", "Squared error"],
            others,
            { left: [1] },
          )
    }`;
}

function oneAnswer({ settings }: ConversionReport): Html {
  return html`<p>
    There is one answer, after ${counted(settings.latencyTimesteps, "timestep")}: each layer of
    neurons takes a frame of ${settings.timesteps}, when the frames of the layers before it are
    complete.
  </p>`;
}

function curves(report: ConversionReport, figures: ReportPlots): Html {
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
        svg: figures.error,
        caption: "Error",
        note: "Root mean squared distance from the targets; the dashed line is the ANN on the same samples.",
      })}
      ${figure({
        svg: figures.agreement,
        caption: "Agreement with the ANN",
        note: agreementNote[report.accuracy.task.name],
      })}
      ${figure({
        svg: figures.offAnn,
        caption: "Distance from the ANN",
        note: "Root mean squared distance from the ANN's values, over their spread.",
      })}
    </div>`;
}

const agreementNote: Readonly<Record<TaskName, string>> = {
  classify: "Share of samples on which both networks predict the same class.",
  binary: "Share of samples on which both networks predict the same class.",
  multilabel: "Share of labels on which both networks agree.",
  segment: "Share of places that both networks give the same class.",
  regress: "",
};

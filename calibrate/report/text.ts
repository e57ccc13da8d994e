/** The report for a terminal: a screenful, not everything. Writes nothing itself. */
import { createColors } from "picocolors";
import { printable } from "../../ir/text/printable.ts";
import { answersOnce, counted, labelsOf, landmarks, quantity, relative } from "./format.ts";
import {
  type Column,
  costColumns,
  lossColumn,
  qualityColumns,
  ratioColumns,
  referenceColumns,
  reportCosts,
  reportFigures,
} from "./columns.ts";
import { errorParts } from "./plots.ts";
import type { ConversionReport, LayerErrorParts } from "./schema.ts";
import { verdict } from "./verdict.ts";
import { energyWords, reportLatency, latencyWords, rivalWords } from "./words.ts";

export interface TextOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly color: boolean;
}

/** Layers shown: those that add most error of their own. */
const layersShown = 5;
const narrowest = 40;

/** Several lines, each ending in a newline, none wider than `width` where words allow. */
export function formatReport(report: ConversionReport, options: TextOptions): string {
  const colors = createColors(options.color);
  const width = Math.max(narrowest, options.width);
  const blocks: string[] = [
    wrap(`${colors.bold(printable(report.model.name))}: ${verdict(report)}`, width, ""),
    accuracyTable(report, colors.bold, width),
  ];
  const layers = layerTable(report, colors.bold, width);
  if (layers !== null) blocks.push(layers);
  blocks.push(
    costWords(report)
      .map((each) => wrap(each, width, "  "))
      .join("\n"),
  );
  const tint = { high: colors.red, medium: colors.yellow, info: colors.cyan } as const;
  for (const advice of report.recommendations) {
    const option = advice.option === null ? "" : ` Option: ${printable(advice.option)}`;
    const text = `${tint[advice.importance](advice.kind)}: ${printable(advice.text)}${option}`;
    blocks.push(wrap(text, width, "  "));
  }
  return `${blocks.join("\n\n")}\n`;
}

type Style = (text: string) => string;

function accuracyTable(report: ConversionReport, bold: Style, width: number): string {
  const { accuracy, settings } = report;
  const costs = reportCosts(report);
  // Where there is one answer, layer after layer, T says little of when it is there.
  const once = answersOnce(accuracy.timesteps);
  const figures = reportFigures(report);
  const quality = [
    ...qualityColumns(figures),
    ...(figures.task === "regress" ? [] : [lossColumn(figures)]),
    ...referenceColumns(figures),
  ];
  // What does not fit is in words below the table.
  const costly = [...costColumns(costs).slice(0, 1), ...ratioColumns(costs)];
  const [first = "", ...narrower] = costly.map((_, i) =>
    tableOf([...quality, ...costly.slice(0, costly.length - i)]),
  );
  const fits = (text: string): boolean => text.split("\n").every((line) => lengthOf(line) <= width);
  return [first, ...narrower].find(fits) ?? narrower.at(-1) ?? first;

  function tableOf(columns: readonly Column[]): string {
    const rows = landmarks(accuracy.timesteps).map((t) => {
      const i = accuracy.timesteps.indexOf(t);
      return [
        String(t),
        ...(once ? [String(settings.latencyTimesteps)] : []),
        ...columns.map((column) => column.cell(i)),
      ];
    });
    const latency = once ? ["latency"] : [];
    if (accuracy.ann !== null || accuracy.annMetrics.rmse !== undefined) {
      rows.push(["ANN", ...latency.map(() => ""), ...columns.map((column) => column.ann)]);
    }
    return aligned(["T", ...latency, ...columns.map((column) => column.head)], rows, bold);
  }
}

/** The layers with the largest error of their own making, in the order of the network. */
function layerTable(report: ConversionReport, bold: Style, width: number): string | null {
  const own = report.layers.flatMap((layer, index) =>
    layer.error === null ? [] : [{ layer, index, error: layer.error, own: ownError(layer.error) }],
  );
  if (own.length === 0) return null;
  const shown = [...own]
    .sort((a, b) => b.own - a.own || a.index - b.index)
    .slice(0, layersShown)
    .sort((a, b) => a.index - b.index);
  const others = own.length - shown.length;
  const nameWidth = Math.max(8, width - 52);
  const labels = labelsOf(
    shown.map(({ layer }) => printable(layer.name)),
    nameWidth,
  );
  const rows = shown.map(({ error }, i) => [
    labels[i] ?? "",
    ...errorParts.map((part) => relative(error[part])),
    relative(error.total),
  ]);
  const table = aligned(["layer", "clip", "quant", "inherit", "uneven", "total"], rows, bold);
  const rest =
    others > 0 ? `\n(${counted(others, "more layer")} with less error of their own)` : "";
  return `Error by layer, % of the signal's variance:\n${table}${rest}`;
}

function ownError(error: LayerErrorParts): number {
  return error.clipping + error.quantisation + error.unevenness;
}

/** What a sample takes, in counts, in energy and in time. */
function costWords(report: ConversionReport): string[] {
  const { operations, energy } = report;
  const at = (values: readonly number[]): string => quantity(values.at(-1) ?? 0);
  const own = energy.find(({ isOwn }) => isOwn);
  const counts =
    `Per sample: ${at(operations.spikes)} spikes with ${at(operations.bits)} bits set; ` +
    `${eventWords(operations)}; ${quantity(operations.inputProducts)} multiply-accumulates on the input and ` +
    `${quantity(operations.realProducts)} on other real values; beside ` +
    `${quantity(operations.annMultiplyAccumulates)} multiply-accumulates of the ANN.`;
  return [
    counts,
    ...(own === undefined ? [] : [energyWords(own, operations.bitsAreAdditions)]),
    rivalWords(report),
    latencyWords(reportLatency(report), answersOnce(report.accuracy.timesteps)),
  ].filter((sentence) => sentence !== "");
}

/** How many words met weights, and what each is. */
function eventWords(operations: ConversionReport["operations"]): string {
  const at = (values: readonly number[]): number => values.at(-1) ?? 0;
  const events = at(operations.synapticOperations);
  const plain = at(operations.plainSynapticOperations);
  const bits = at(operations.synapticBits);
  const each =
    plain === events
      ? "an addition each"
      : plain === 0
        ? "a multiply-accumulate each"
        : `${quantity(plain)} of them additions`;
  const byBits = bits === events ? "" : `, or ${quantity(bits)} counted by bits`;
  return `${quantity(events)} events (words × weights), ${each}${byBits}`;
}

/** First column to the left, others to the right, two spaces between. */
function aligned(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  bold: Style,
): string {
  const widths = head.map((heading, column) =>
    Math.max(lengthOf(heading), ...rows.map((row) => lengthOf(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const space = " ".repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell)));
        return column === 0 ? cell + space : space + cell;
      })
      .join("  ")
      .trimEnd();
  return [bold(line(head)), ...rows.map(line)].join("\n");
}

/** Breaks at spaces; lines after the first begin with `indent`. Colour codes have no width. */
function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && lengthOf(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}

function lengthOf(text: string): number {
  return Array.from(text.replace(/\u001b\[\d+m/g, "")).length;
}

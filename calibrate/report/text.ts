/** The report for a terminal: a screenful, not everything. Writes nothing itself. */
import { createColors } from "picocolors";
import { printable } from "../../ir/printable.ts";
import {
  answersOnce,
  counted,
  digits3,
  labelsOf,
  landmarks,
  quantity,
  relative,
} from "./format.ts";
import { lossColumn, qualityColumns, referenceColumns, reportFigures } from "./columns.ts";
import { errorParts } from "./plots.ts";
import type { ConversionReport, LayerErrorParts } from "./schema.ts";
import { verdict } from "./verdict.ts";

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
    accuracyTable(report, colors.bold),
  ];
  const layers = layerTable(report, colors.bold, width);
  if (layers !== null) blocks.push(layers);
  blocks.push(wrap(costLine(report), width, ""));
  const tint = { high: colors.red, medium: colors.yellow, info: colors.cyan } as const;
  for (const advice of report.recommendations) {
    const option = advice.option === null ? "" : ` Option: ${printable(advice.option)}`;
    const text = `${tint[advice.importance](advice.kind)}: ${printable(advice.text)}${option}`;
    blocks.push(wrap(text, width, "  "));
  }
  return `${blocks.join("\n\n")}\n`;
}

type Style = (text: string) => string;

function accuracyTable(report: ConversionReport, bold: Style): string {
  const { accuracy, operations, settings } = report;
  // Where there is one answer, layer after layer, T says little of when it is there.
  const once = answersOnce(accuracy.timesteps);
  const figures = reportFigures(report);
  const columns = [
    ...qualityColumns(figures),
    ...(figures.task === "regress" ? [] : [lossColumn(figures)]),
    ...referenceColumns(figures),
  ];
  const rows = landmarks(accuracy.timesteps).map((t) => {
    const i = accuracy.timesteps.indexOf(t);
    return [
      String(t),
      ...(once ? [String(settings.latencyTimesteps)] : []),
      ...columns.map((column) => column.cell(i)),
      quantity(operations.spikes[i] ?? null),
    ];
  });
  const latency = once ? ["latency"] : [];
  if (accuracy.ann !== null || accuracy.annMetrics.rmse !== undefined) {
    rows.push(["ANN", ...latency.map(() => ""), ...columns.map((column) => column.ann), ""]);
  }
  return aligned(["T", ...latency, ...columns.map((column) => column.head), "spikes"], rows, bold);
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

function costLine(report: ConversionReport): string {
  const { operations, energy } = report;
  const synaptic = quantity(operations.synapticOperations.at(-1) ?? 0);
  const mac = quantity(operations.annMultiplyAccumulates);
  const row = energy[0];
  const ratio =
    row?.ratio === undefined || row.ratio === null
      ? ""
      : ` Energy ${digits3(row.ratio)} × the ANN's by the ${row.table.name} table (arithmetic only).`;
  return `Per sample: ${synaptic} synaptic operations and ${quantity(operations.analogueOperations)} multiply-accumulates, beside ${mac} multiply-accumulates of the ANN.${ratio}`;
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

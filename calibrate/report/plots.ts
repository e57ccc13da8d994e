/**
 * The figures of a report as SVG text, drawn without a browser. Colours are CSS variables of the
 * page, so that one drawing serves light and dark. Captions and tables are the page's.
 */
import type { AxisOptions, Markish, PlotOptions } from "@observablehq/plot";
import { known } from "../../ir/diagnostic.ts";
import { printable } from "../../ir/text/printable.ts";
import {
  digits3,
  labelsOf,
  landmarks,
  logTicks,
  quantity,
  shortNumber,
  tickText,
} from "./format.ts";
import type { ConversionReport, LayerErrorParts } from "./schema.ts";

/** Drawn at a phone's width: wider screens enlarge a little, and set figures side by side. */
const width = 400;
const rowHeight = 26;
const longestLabel = 20;

export const errorParts = ["clipping", "quantisation", "inherited", "unevenness"] as const;

/** One figure each; null where the report has no data for it. */
export interface ReportPlots {
  readonly accuracy: string | null;
  readonly agreement: string | null;
  /** Of values: how far they are off the targets, and off the ANN's. */
  readonly error: string | null;
  readonly offAnn: string | null;
  readonly lossByPass: string | null;
  readonly layerErrors: string | null;
  readonly firingRates: string | null;
  readonly thresholds: string | null;
  readonly operations: string | null;
}

/** Draws every figure. Loads the plotting library on first use, which takes about a second. */
export async function drawFigures(report: ConversionReport): Promise<ReportPlots> {
  const [Plot, { parseHTML }] = await Promise.all([
    import("@observablehq/plot"),
    import("linkedom"),
  ]);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");

  const draw = (label: string, options: PlotOptions): string => {
    const figure = Plot.plot({
      document,
      width,
      ariaLabel: label,
      style: { background: "none", fontFamily: "inherit", fontSize: "14px", overflow: "hidden" },
      ...options,
    });
    figure.setAttribute("role", "img");
    return figure.outerHTML;
  };

  /** Curves over timesteps, with the ANN as a level line. */
  const curve = (
    label: string,
    values: readonly number[],
    options: {
      readonly colour: string;
      readonly y: AxisOptions & PlotOptions["y"];
      readonly level?: { readonly value: number; readonly label: string } | undefined;
    },
  ): string => {
    const { timesteps } = report.accuracy;
    const last = Math.max(2, known(timesteps.at(-1), "the last timestep"));
    const data = values.map((y, i) => ({ t: known(timesteps[i], "a timestep"), y }));
    const { level } = options;
    const marks: Markish[] = [
      Plot.line(data, { x: "t", y: "y", stroke: options.colour, strokeWidth: 2.5 }),
      Plot.dot(
        data.filter(({ t }) => landmarks(timesteps).includes(t)),
        { x: "t", y: "y", fill: options.colour, r: 3.5 },
      ),
    ];
    if (level !== undefined) {
      marks.push(
        Plot.ruleY([level.value], { stroke: "var(--ann)", strokeWidth: 2, strokeDasharray: "6 4" }),
        // In the margin above the frame, to the right of the axis' name: no curve runs there.
        Plot.text([level.label], {
          text: (d: string) => d,
          frameAnchor: "top-right",
          textAnchor: "end",
          lineAnchor: "bottom",
          dy: -19,
          fill: "var(--ann)",
          fontWeight: 600,
        }),
      );
    }
    return draw(label, {
      height: 280,
      marginLeft: 64,
      marginRight: 20,
      marginTop: 32,
      marginBottom: 40,
      x: {
        type: "log",
        base: 2,
        domain: [1, last],
        label: "timesteps T →",
        labelAnchor: "right",
        ticks: ticksUpTo(known(timesteps.at(-1), "the last timestep")),
        tickFormat: (t: number) => String(t),
      },
      y: { grid: true, nice: true, ticks: 6, tickFormat: tickText, ...options.y },
      marks,
    });
  };

  /** Horizontal rows with a name each, by index, so that equal names stay apart. */
  const rows = (label: string, names: readonly string[], options: PlotOptions): string => {
    const labels = labelsOf(names.map(printable), longestLabel);
    const longest = Math.max(0, ...labels.map((text) => Array.from(text).length));
    return draw(label, {
      height: names.length * rowHeight + 64,
      marginLeft: 16 + longest * 9,
      marginRight: 24,
      marginTop: 12,
      marginBottom: 42,
      y: {
        type: "band",
        domain: names.map((_, i) => i),
        tickFormat: (i: number) => labels[i] ?? "",
        tickSize: 0,
        label: null,
        padding: 0.25,
      },
      ...options,
    });
  };

  const { accuracy, operations, layers, lossByPass } = report;
  const work = operations.synapticOperations.map(
    (events, i) => events + (operations.multiplyAccumulates[i] ?? 0),
  );
  const layerNames = layers.map((layer) => layer.name);
  const percentAxis = { percent: true } as const;

  return {
    accuracy:
      accuracy.snn === null
        ? null
        : curve("Accuracy of the spiking network against timesteps", accuracy.snn, {
            colour: "var(--snn)",
            y: {
              ...percentAxis,
              label: "↑ accuracy (%)",
              domain: shareDomain([
                ...accuracy.snn,
                ...(accuracy.ann === null ? [] : [accuracy.ann]),
              ]),
            },
            level: annLevel(accuracy.ann),
          }),
    agreement:
      accuracy.agreement === null
        ? null
        : curve(
            "Share of samples predicted as the ANN predicts, against timesteps",
            accuracy.agreement,
            {
              colour: "var(--agreement)",
              y: {
                ...percentAxis,
                label: "↑ same prediction (%)",
                domain: shareDomain([...accuracy.agreement, 1]),
              },
            },
          ),
    error: drawError(
      "Root mean squared error of the spiking network against timesteps",
      accuracy.metrics.rmse,
      { label: "↑ RMSE", percent: false },
      accuracy.annMetrics.rmse?.[0] ?? null,
    ),
    offAnn: drawError(
      "Distance from the ANN's values over their spread, against timesteps",
      accuracy.metrics.relativeRmseToAnn,
      { label: "↑ off the ANN (% of the spread)", percent: true },
      null,
    ),
    lossByPass: drawLossByPass(),
    layerErrors: drawLayerErrors(),
    firingRates:
      layers.length === 0
        ? null
        : rows("Mean firing rate of each layer", layerNames, {
            x: {
              label: "spikes per neuron and timestep →",
              grid: true,
              ticks: 3,
              tickFormat: tickText,
              domain: [0, Math.max(0.01, ...layers.map((layer) => layer.firingRate)) * 1.05],
            },
            marks: [
              Plot.barX(layers, {
                y: (_: unknown, i: number) => i,
                x: "firingRate",
                fill: "var(--snn)",
                rx2: 3,
              }),
              Plot.ruleX([0], { stroke: "currentColor" }),
            ],
          }),
    thresholds: drawThresholds(),
    operations:
      operations.annMultiplyAccumulates === 0
        ? null
        : curve(
            "Events and products of the spiking network against timesteps, beside the ANN's",
            work,
            {
              colour: "var(--snn)",
              y: {
                label: "↑ operations per sample",
                domain: [0, 1.12 * Math.max(operations.annMultiplyAccumulates, ...work)],
              },
              level: {
                value: operations.annMultiplyAccumulates,
                label: `ANN ${quantity(operations.annMultiplyAccumulates)}`,
              },
            },
          ),
  };

  /** An error that falls over timesteps; null where there is none, or not at each of them. */
  function drawError(
    label: string,
    values: readonly (number | null)[] | undefined,
    axis: { readonly label: string; readonly percent: boolean },
    ann: number | null,
  ): string | null {
    const known = (values ?? []).filter((value) => value !== null);
    if (values === undefined || known.length < values.length || known.length === 0) return null;
    const scale = axis.percent ? 100 : 1;
    const domain = errorDomain([...known, ...(ann === null ? [] : [ann])]);
    return curve(label, known, {
      colour: "var(--snn)",
      y: { percent: axis.percent, label: axis.label, domain: domain.map((x) => scale * x) },
      level: ann === null ? undefined : { value: ann, label: `ANN ${digits3(ann)}` },
    });
  }

  function drawLossByPass(): string | null {
    if (lossByPass.length === 0) return null;
    const names = lossByPass.map((row) => row.pass);
    const measure = passMeasure(report);
    const isShare = measure === "accuracy" || measure === "agreement";
    const values = lossByPass.map((row) => row[measure] ?? 0);
    const first = known(values[0], "the first row");
    const words = {
      accuracy: "accuracy",
      agreement: "agreement",
      relativeLogitError: "relative logit error",
      relativeRmseToAnn: "off the imported network",
    }[measure];
    const row = (_: unknown, i: number): number => i;
    const value = (x: number): number => x;
    const stroke = "var(--snn)";
    return rows(`Network after each pass: ${words}`, names, {
      x: {
        percent: true,
        grid: true,
        ticks: isShare ? 4 : 2,
        tickFormat: tickText,
        label: `${words} (%) →`,
        domain: isShare ? shareDomain(values) : [0, 105 * Math.max(1e-9, ...values)],
      },
      // Shares that are near each other need an axis of their own: how far each is from where it began.
      marks: isShare
        ? [
            Plot.ruleX([first], {
              stroke: "var(--ann)",
              strokeWidth: 2,
              strokeDasharray: "6 4",
            }),
            Plot.ruleY(values, { y: row, x1: first, x2: value, stroke, strokeWidth: 4 }),
            Plot.dot(values, { y: row, x: value, fill: stroke, r: 6 }),
          ]
        : [
            Plot.barX(values, { y: row, x: value, fill: stroke, rx2: 3 }),
            Plot.ruleX([0], { stroke: "currentColor" }),
          ],
    });
  }

  function drawLayerErrors(): string | null {
    if (!layers.some((layer) => layer.error !== null)) return null;
    const cells = layers.flatMap((layer, row) =>
      errorParts.map((part) => ({ row, part, value: layer.error?.[part] ?? 0 })),
    );
    const totals = layers.flatMap(({ error }, row) =>
      error === null ? [] : [{ row, total: error.total }],
    );
    const greatest = Math.max(
      1e-6,
      ...layers.map(({ error }) => (error === null ? 0 : Math.max(error.total, sumOfParts(error)))),
    );
    return rows("Error of each layer by cause", layerNames, {
      x: {
        percent: true,
        grid: true,
        ticks: 3,
        label: "% of the signal's variance →",
        tickFormat: tickText,
        domain: [0, greatest * 105],
      },
      color: {
        domain: [...errorParts],
        range: errorParts.map((part) => `var(--${part})`),
      },
      marks: [
        Plot.barX(cells, { y: "row", x: "value", fill: "part" }),
        Plot.tickX(totals, { y: "row", x: "total", stroke: "currentColor", strokeWidth: 2.5 }),
        Plot.ruleX([0], { stroke: "currentColor" }),
      ],
    });
  }

  function drawThresholds(): string | null {
    if (layers.length === 0) return null;
    const data = layers.map((layer, row) => ({ row, ...layer.thresholds }));
    const smallest = Math.min(...data.map((d) => d.min));
    const greatest = Math.max(...data.map((d) => d.max));
    if (!(smallest > 0)) return null;
    // Thresholds of one network spread over decades; a factor is what matters, not a distance.
    const bounds = [smallest / 1.2, greatest * 1.2] as const;
    return rows("Thresholds of each layer", layerNames, {
      x: {
        type: "log",
        grid: true,
        label: "threshold →",
        domain: [...bounds],
        ticks: logTicks(bounds),
        tickFormat: shortNumber,
      },
      marks: [
        Plot.ruleY(data, { y: "row", x1: "min", x2: "max", stroke: "var(--snn)", strokeWidth: 2 }),
        Plot.ruleY(data, {
          y: "row",
          x1: "lowerQuartile",
          x2: "upperQuartile",
          stroke: "var(--snn)",
          strokeWidth: 9,
          strokeLinecap: "round",
        }),
        Plot.dot(data, {
          y: "row",
          x: "median",
          r: 4,
          fill: "var(--surface)",
          stroke: "currentColor",
          strokeWidth: 1.5,
        }),
      ],
    });
  }
}

/** What the loss by pass is told by: the first of these that every row has. */
export function passMeasure({
  lossByPass,
}: Pick<ConversionReport, "lossByPass">):
  "accuracy" | "agreement" | "relativeRmseToAnn" | "relativeLogitError" {
  if (lossByPass.every((row) => row.accuracy !== null)) return "accuracy";
  if (lossByPass.every((row) => row.agreement !== null)) return "agreement";
  return lossByPass.every((row) => row.relativeRmseToAnn !== null)
    ? "relativeRmseToAnn"
    : "relativeLogitError";
}

function sumOfParts(error: LayerErrorParts): number {
  return errorParts.reduce((sum, part) => sum + error[part], 0);
}

/**
 * Powers of two up to `last`, thinned so that labels do not touch, and `last` itself: in place of the
 * power before it where that is near.
 */
function ticksUpTo(last: number): number[] {
  const octaves = Math.log2(last);
  const step = Math.ceil((Math.floor(octaves) + 1) / 8);
  const powers = Array.from({ length: Math.floor(octaves / step) + 1 }, (_, i) => 2 ** (i * step));
  const room = 0.12 * octaves;
  return [...new Set([...powers.filter((t) => t === 1 || Math.log2(last / t) >= room), last])];
}

/** A span below which differences are a few samples: two tenths of a point. */
const smallestSpan = 0.002;

/** In percent, from a little below the least share to a little above the greatest, within 0 and 100. */
function shareDomain(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.1 * Math.max(smallestSpan, high - low);
  return [100 * Math.max(0, low - room), 100 * Math.min(1, high + room)];
}

/** From 0, or from near the least error where all are of about one size, to above the greatest. */
function errorDomain(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values, 1e-9)];
  if (low < high / 2) return [0, 1.12 * high];
  const room = Math.max(0.1 * (high - low), 0.01 * high);
  return [low - room, high + room];
}

function annLevel(ann: number | null): { value: number; label: string } | undefined {
  return ann === null ? undefined : { value: ann, label: `ANN ${(ann * 100).toFixed(2)} %` };
}

/** What a table shows of a network by timestep, by the task of its first output. */
import { digits3, lossPoints, percent, quantity, relative, withError } from "./format.ts";
import { type MetricName, type Metrics, type TaskName, metricNames } from "../tasks/task.ts";
import type { ConversionReport } from "./schema.ts";

/** A network's figures by timestep; those of the ANN, where there are any, are of its only answer. */
export interface Figures {
  readonly task: TaskName;
  readonly accuracy: readonly number[] | null;
  /** Of the conversion loss. */
  readonly lossStandardError: readonly number[] | null;
  readonly agreement: readonly number[] | null;
  readonly metrics: Metrics;
  readonly ann: { readonly accuracy: number | null; readonly metrics: Metrics } | null;
}

/** The same of a report. */
export function reportFigures({ accuracy }: Pick<ConversionReport, "accuracy">): Figures {
  const { task, snn, ann, lossStandardError, agreement, metrics, annMetrics } = accuracy;
  return {
    task: task.name,
    accuracy: snn,
    lossStandardError,
    agreement,
    metrics: present(metrics),
    ann: { accuracy: ann, metrics: present(annMetrics) },
  };
}

/** Without keys that are there and undefined. */
function present(metrics: ConversionReport["accuracy"]["metrics"]): Metrics {
  const found: Partial<Record<MetricName, readonly (number | null)[]>> = {};
  for (const name of metricNames) {
    const values = metrics[name];
    if (values !== undefined) found[name] = values;
  }
  return found;
}

export interface Column {
  readonly head: string;
  /** At a place of the timesteps. */
  cell(index: number): string;
  /** In the row of the ANN. */
  readonly ann: string;
}

/** What the share of right decisions is called. */
function accuracyWord(task: TaskName): string {
  return task === "multilabel" ? "labels right" : task === "segment" ? "places right" : "accuracy";
}

/** How good a network is: shares that are right, or how far values are off. */
export function qualityColumns(figures: Figures): Column[] {
  const { task, accuracy, metrics, ann } = figures;
  if (task === "regress") {
    return [
      ...metricColumn("RMSE", metrics.rmse, ann?.metrics.rmse, digits3),
      ...metricColumn("R²", metrics.r2, ann?.metrics.r2, (x) => (x === null ? "–" : x.toFixed(4))),
    ];
  }
  return [
    {
      head: accuracyWord(task),
      cell: (i) => percent(accuracy?.[i] ?? null),
      ann: percent(ann?.accuracy ?? null),
    },
    ...metricColumn("exact", metrics.exactMatch, ann?.metrics.exactMatch, percent),
    ...metricColumn("mean IoU", metrics.meanIou, ann?.metrics.meanIou, percent),
  ];
}

/** How far it is from the ANN in what it decides, or in its values. */
export function referenceColumns({ task, agreement, metrics }: Figures): Column[] {
  if (task === "regress") {
    return metricColumn("off the ANN", metrics.relativeRmseToAnn, undefined, relative);
  }
  return [{ head: "agreement", cell: (i) => percent(agreement?.[i] ?? null), ann: "" }];
}

export const lossHead = "loss";

/** The conversion loss in points of accuracy, with its standard error. */
export function lossColumn({ accuracy, lossStandardError, ann }: Figures): Column {
  const before = ann?.accuracy ?? null;
  return {
    head: lossHead,
    cell: (i) => {
      const share = accuracy?.[i] ?? null;
      if (share === null || before === null) return "–";
      return withError(lossPoints(before - share), lossStandardError?.[i] ?? null);
    },
    ann: "",
  };
}

/** What a network takes for one sample, by timestep. */
export interface Costs {
  readonly spikes: readonly number[];
  /** Words × weights that they met, and the same by binary digits. */
  readonly events: readonly number[];
  readonly bits: readonly number[];
  /** Multiply-accumulates on what is not a spike. */
  readonly products: readonly number[];
  /** Multiply-accumulates of the ANN; null where it was not measured. */
  readonly annProducts: number | null;
}

/** The same of a report. */
export function reportCosts({ operations }: Pick<ConversionReport, "operations">): Costs {
  return {
    spikes: operations.spikes,
    events: operations.synapticOperations,
    bits: operations.synapticBits,
    products: operations.multiplyAccumulates,
    annProducts: operations.annMultiplyAccumulates,
  };
}

/** Spikes, events, bits and products. */
export function costColumns({ spikes, events, bits, products, annProducts }: Costs): Column[] {
  const column = (head: string, values: readonly number[], ann = ""): Column => {
    return { head, cell: (i) => quantity(values[i] ?? null), ann };
  };
  return [
    column("spikes", spikes),
    column("events", events),
    column("bits", bits),
    column("MACs", products, annProducts === null ? "" : quantity(annProducts)),
  ];
}

/**
 * Events and bits, each with the products on what is not a spike, over the ANN's multiply-accumulates: the
 * first layer is on both sides.
 */
export function ratioColumns({ events, bits, products, annProducts }: Costs): Column[] {
  if (annProducts === null || annProducts === 0) return [];
  const column = (head: string, values: readonly number[]): Column => ({
    head,
    cell: (i) => digits3(((values[i] ?? 0) + (products[i] ?? 0)) / annProducts),
    ann: "",
  });
  return [column("events/ANN", events), column("bits/ANN", bits)];
}

function metricColumn(
  head: string,
  values: readonly (number | null)[] | undefined,
  ofAnn: readonly (number | null)[] | undefined,
  format: (value: number | null) => string,
): Column[] {
  if (values === undefined) return [];
  return [{ head, cell: (i) => format(values[i] ?? null), ann: format(ofAnn?.[0] ?? null) }];
}

/** One network on one line: accuracy, or how far values are off. */
export function qualityLine(figures: Figures): string {
  const last = (figures.accuracy ?? figures.metrics.rmse ?? []).length - 1;
  return qualityColumns(figures)
    .map((column) => `${column.head} ${column.cell(last)}`)
    .join(", ");
}

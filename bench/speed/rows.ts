/** What a benchmark finds, as rows: made from the values of all rounds, shown as tables. */
import { alignedTable } from "../../cli/terminal/tables.ts";
import { type Better, median, ratioOf, relativeSpread } from "./statistics.ts";

/** One comparison. A figure that has nothing to be compared with has an empty baseline and nulls. */
export interface Row {
  readonly suite: string;
  readonly case: string;
  readonly subject: string;
  readonly baseline: string;
  /** What the values are, with their unit. */
  readonly metric: string;
  readonly subjectValue: number;
  readonly baselineValue: number | null;
  /** How many times better the subject is, whichever direction is the better one. */
  readonly ratio: number | null;
  readonly rounds: number;
  /** Distance of the quartiles of the rounds' ratios (of the values without baseline) / median. */
  readonly spread: number;
  readonly note: string;
}

/** One side of a comparison: a value per round, or a single one that does not change. */
export interface Side {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Measured {
  readonly suite: string;
  readonly case: string;
  readonly metric: string;
  readonly better: Better;
  readonly subject: Side;
  /** Null for a figure on its own. */
  readonly baseline: Side | null;
  readonly note?: string;
}

/**
 * The row of one comparison: medians of each side, and their ratio. The spread is that of the
 * ratios within rounds, because what disturbs a round disturbs both sides of it.
 */
export function rowOf(measured: Measured): Row {
  const { subject, baseline, better } = measured;
  const common = {
    suite: measured.suite,
    case: measured.case,
    subject: subject.name,
    metric: measured.metric,
    subjectValue: median(subject.values),
    rounds: subject.values.length,
    note: measured.note ?? "",
  };
  if (baseline === null) {
    const spread = relativeSpread(subject.values);
    return { ...common, baseline: "", baselineValue: null, ratio: null, spread };
  }
  const ratios = subject.values.map((value, round) => {
    const other = baseline.values[round] ?? median(baseline.values);
    return ratioOf(better, value, other);
  });
  const baselineValue = median(baseline.values);
  return {
    ...common,
    baseline: baseline.name,
    baselineValue,
    ratio: ratioOf(better, common.subjectValue, baselineValue),
    spread: relativeSpread(ratios),
  };
}

/** A table for people: one line per row, with the notes below it, each once. */
export function tableOf(rows: readonly Row[]): string {
  const notes = [...new Set(rows.map((row) => row.note).filter((note) => note !== ""))];
  const head = ["case", "subject", "baseline", "metric", "subject", "baseline", "ratio", "spread"];
  const lines = rows.map((row) => [
    row.case,
    row.subject,
    row.baseline,
    row.metric,
    digits(row.subjectValue),
    row.baselineValue === null ? "" : digits(row.baselineValue),
    row.ratio === null ? "" : `${digits(row.ratio)} x`,
    `${(row.spread * 100).toFixed(0)} %`,
    row.note === "" ? "" : `[${notes.indexOf(row.note) + 1}]`,
  ]);
  const legend = notes.map((note, i) => `  [${i + 1}] ${note}`);
  return [alignedTable([head, ...lines]), ...legend].join("\n");
}

/** Three digits, with a suffix from a million on. */
export function digits(value: number): string {
  const size = Math.abs(value);
  for (const [suffix, unit] of [
    ["G", 1e9],
    ["M", 1e6],
  ] as const) {
    if (size >= unit) return `${(value / unit).toPrecision(3)} ${suffix}`;
  }
  if (size >= 1000) return value.toFixed(0);
  return value === 0 ? "0" : value.toPrecision(3);
}

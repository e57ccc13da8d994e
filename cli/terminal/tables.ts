/** Tables for terminals. */
import { ownEnergy } from "../../calibrate/energy.ts";
import type { RunCosts } from "../../calibrate/cost-tally.ts";
import type { EarlyExitEvaluation } from "../../calibrate/early-exit.ts";
import type { Evaluation, OutputEvaluation } from "../../calibrate/evaluate.ts";
import {
  type Costs,
  type Figures,
  costColumns,
  lossColumn,
  qualityColumns,
  qualityLine,
  ratioColumns,
  referenceColumns,
} from "../../calibrate/report/columns.ts";
import { answersOnce, landmarks, percent, relative } from "../../calibrate/report/format.ts";
import {
  bitsMultiplyWords,
  countedWords,
  energyWords,
  latencyWords,
  lossWords,
  ratioWords,
} from "../../calibrate/report/words.ts";
import { describeTask } from "../../calibrate/evaluation-diagnostics.ts";
import { known } from "../../ir/diagnostic.ts";
import { printable } from "../../ir/text/printable.ts";

/** The first output's figures, beside those of the ANN where it was measured too. */
export function figuresOf(evaluation: Evaluation, ann: Evaluation | null): Figures {
  const { task, metrics } = known(evaluation.outputs[0], "an output");
  const { accuracy, lossStandardError, agreement } = evaluation;
  return {
    task: task.name,
    accuracy,
    lossStandardError,
    agreement,
    metrics,
    ann:
      ann === null
        ? null
        : { accuracy: ann.accuracy?.[0] ?? null, metrics: ann.outputs[0]?.metrics ?? {} },
  };
}

/**
 * Accuracy, spikes and operations at powers of two of the timesteps and at the last. Where there
 * are no labels, agreement with the reference takes the place of accuracy.
 */
export function accuracyTable(evaluation: Evaluation, ann: Evaluation | null): string {
  const { timesteps, accuracy, latencyTimesteps } = evaluation;
  const figures = figuresOf(evaluation, ann);
  if (hasNoTime(evaluation)) {
    if (figures.task === "classify") return `accuracy  ${percent(accuracy?.[0] ?? null)}`;
    return qualityLine(figures);
  }
  // Where there is one answer, layer after layer, T says little of when it is there.
  const once = answersOnce(timesteps);
  const measured = accuracy !== null || figures.metrics.rmse !== undefined;
  const reference =
    evaluation.relativeLogitError === null && evaluation.agreement === null
      ? []
      : referenceColumns(figures);
  const columns = [
    ...(measured || reference.length === 0 ? qualityColumns(figures) : []),
    ...(lossIsShown(evaluation, ann) ? [lossColumn(figures)] : []),
    ...(!measured || figures.task === "regress" ? reference : []),
    ...costColumns(costsOf(evaluation, ann)),
    ...ratioColumns(costsOf(evaluation, ann)),
  ];
  const rows = landmarks(timesteps).map((t) => {
    const at = timesteps.indexOf(t);
    return [
      String(t),
      ...(once ? [String(latencyTimesteps)] : []),
      ...columns.map((column) => column.cell(at)),
    ];
  });
  const head = ["T", ...(once ? ["latency"] : []), ...columns.map((column) => column.head)];
  return alignedTable([head, ...rows]);
}

/** Whether there is one answer, whatever the time: that of a network in which nothing changes. */
function hasNoTime({ timesteps }: Evaluation): boolean {
  return timesteps[0] === 0;
}

/** Whether there are two shares whose difference is a loss. */
function lossIsShown({ accuracy }: Evaluation, ann: Evaluation | null): boolean {
  return accuracy !== null && ann !== null;
}

/** What a run comes to in which samples end early, at the same timesteps: all of it up to where they ended. */
export function earlyExitTable({ costs, ended, accuracyByTimestep }: EarlyExitEvaluation): string {
  const columns = costColumns(costsOf(costs, null));
  const rows = landmarks(costs.timesteps).map((t) => {
    const at = costs.timesteps.indexOf(t);
    return [
      String(t),
      percent(ended[at] ?? null),
      percent(accuracyByTimestep?.[at] ?? null),
      ...columns.map((column) => column.cell(at)),
    ];
  });
  return alignedTable([["T", "ended", "accuracy", ...columns.map(({ head }) => head)], ...rows]);
}

function costsOf(evaluation: RunCosts, ann: RunCosts | null): Costs {
  return {
    spikes: evaluation.spikesPerSample,
    events: evaluation.synapticOperationsPerSample,
    bits: evaluation.synapticBitsPerSample,
    products: evaluation.multiplyAccumulatesPerSample,
    annProducts: ann?.multiplyAccumulatesPerSample.at(-1) ?? null,
  };
}

/** What the columns of cost are, how long the answer takes, and what energy comes to beside the ANN. */
export function costLines(evaluation: Evaluation, ann: Evaluation | null): string[] {
  if (hasNoTime(evaluation)) return [];
  const annProducts = ann?.multiplyAccumulatesPerSample.at(-1) ?? 0;
  const { neurons } = evaluation.account;
  const bitsAreAdditions = neurons.every(({ shifts }) => shifts);
  const energy = ann === null ? "" : energyWords(ownEnergy(ann, evaluation), bitsAreAdditions);
  return [
    ...(lossIsShown(evaluation, ann) ? [lossWords] : []),
    countedWords,
    ...(annProducts === 0 ? [] : [ratioWords(annProducts)]),
    ...(bitsAreAdditions ? [] : [bitsMultiplyWords]),
    latencyWords(
      evaluation.latency,
      neurons.some(({ ticks }) => ticks > 1),
    ),
    ...(energy === "" ? [] : [energy]),
  ];
}

/** What the first output was measured as, where it is not one class for each sample beside labels. */
export function taskLines(evaluation: Evaluation): string[] {
  const [first, ...others] = evaluation.outputs;
  if (first === undefined) return [];
  const { name, reason, threshold } = first.task;
  const from = threshold === null ? "" : `, given from ${threshold} on`;
  // What is assumed is a remark of its own.
  const isSaid = first.task.assumed || (name === "classify" && others.length === 0);
  return [
    ...(isSaid ? [] : [`measured as ${describeTask[name]}${from}: ${reason} (--task overrules)`]),
    ...others.flatMap(otherLine),
  ];
}

function otherLine({ name, task, agreement, metrics }: OutputEvaluation): string[] {
  const share = agreement?.at(-1);
  const off = metrics.relativeRmseToAnn?.at(-1);
  if (share === undefined && off === undefined) return [];
  const figure =
    share === undefined
      ? `values are ${relative(off ?? null)} of their spread off the ANN's`
      : `${percent(share)} decided as by the ANN`;
  return [`output "${printable(name)}", ${describeTask[task.name]}: ${figure}`];
}

/** Columns to the right edge, two spaces apart. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, c) =>
    Math.max(...rows.map((row) => (row[c] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, c) => cell.padStart(widths[c] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Tables for terminals. */
import type { Evaluation } from "../calibrate/evaluate.ts";
import { answersOnce, landmarks, percent, points, quantity } from "../calibrate/report/format.ts";

/**
 * Accuracy, spikes and operations at powers of two of the timesteps and at the last. Where there
 * are no labels, agreement with the reference takes the place of accuracy.
 */
export function accuracyTable(evaluation: Evaluation, annAccuracy: number | null): string {
  const { timesteps, accuracy, latencyTimesteps } = evaluation;
  const agreement = accuracy === null ? evaluation.agreement : null;
  if (evaluation.kind === "ann") {
    return `accuracy  ${percent(accuracy?.[0] ?? null)}`;
  }
  // Where there is one answer, layer after layer, T says little of when it is there.
  const once = answersOnce(timesteps);
  const rows = landmarks(timesteps).map((t) => {
    const at = timesteps.indexOf(t);
    const share = accuracy?.[at] ?? null;
    return [
      String(t),
      ...(once ? [String(latencyTimesteps)] : []),
      percent(agreement?.[at] ?? share),
      ...(annAccuracy === null ? [] : [share === null ? "" : points(share - annAccuracy)]),
      quantity(evaluation.spikesPerSample[at] ?? null),
      quantity(evaluation.synapticOperationsPerSample[at] ?? null),
    ];
  });
  const head = [
    "T",
    ...(once ? ["latency"] : []),
    agreement === null ? "accuracy" : "agreement",
    ...(annAccuracy === null ? [] : ["vs. ANN"]),
    "spikes",
    "synaptic ops",
  ];
  return alignedTable([head, ...rows]);
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

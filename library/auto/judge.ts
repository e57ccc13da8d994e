/**
 * What samples that judge conversions show of them: how much is lost on these, and how much at most on all
 * there are, with a stated confidence.
 */
import { fewestForMean, samplesNeeded, upperMean, upperShare } from "../../calibrate/confidence.ts";
import type { Evaluation } from "../../calibrate/evaluate.ts";
import { varianceOf } from "../../calibrate/tasks/regress.ts";
import type { ChosenTask } from "../../calibrate/tasks/task.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { diagnose } from "../diagnostics.ts";

/** A conversion on one part of the samples. */
export interface Judged {
  readonly ann: Evaluation;
  readonly snn: Evaluation;
  readonly module: Module;
}

/** Fails where not even a conversion that changes nothing could be shown to be good enough. */
export function refuseFewJudges(
  judges: number,
  maxLoss: number,
  confidence: number,
  task: ChosenTask,
): void {
  const ofValues = task.name === "regress";
  const needed = ofValues ? fewestForMean : samplesNeeded(maxLoss / 100, confidence);
  if (judges >= needed) return;
  const shown = ofValues ? null : 100 * upperShare(0, judges, confidence);
  const suffices = shown === null ? null : (Math.ceil(shown * 100) / 100).toFixed(2);
  const params = { judges, maxLoss, confidence, needed, shown, suffices };
  fail(diagnose("auto-judges-too-few", null, params));
}

/**
 * For how many conversions at once so many judges can show that at most `maxLoss` points are lost, at most
 * `most`: that none of them which loses more passes by chance takes all together 1 − confidence, and each
 * a share of that (Bonferroni). Of values any number can be judged, by wider bounds.
 */
export function conversionsShown(
  judges: number,
  maxLoss: number,
  confidence: number,
  task: Pick<ChosenTask, "name">,
  most: number,
): number {
  if (task.name === "regress") return most;
  // P(none changes) of one that loses just `maxLoss`.
  const passes = (1 - maxLoss / 100) ** judges;
  return Math.min(most, Math.floor((1 - confidence) / passes + 1e-9));
}

/** The confidence in each of so many, where it is to hold for all of them together. */
export function confidenceOfEach(confidence: number, conversions: number): number {
  return 1 - (1 - confidence) / conversions;
}

/** Mean variance over the elements of each output of the ANN, over all parts. */
export function variancesOf(parts: readonly Evaluation[]): number[] {
  return known(parts[0], "a part").outputs.map(({ view }, i) => {
    const rows = parts.map((each) => known(each.outputs[i]?.logits ?? undefined, "outputs"));
    const whole = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
    let at = 0;
    for (const row of rows) {
      whole.set(row, at);
      at += row.length;
    }
    return varianceOf(whole, whole.length / view.size, view.size);
  });
}

/** What the judges lost, of the output that lost most: points of decisions, or percent of the spread. */
export function lossOf(found: readonly Judged[], variances: readonly number[]): number {
  const samples = found.reduce((sum, { snn }) => sum + snn.samples, 0);
  return worst(found, variances, {
    decisions: (changed) => changed / samples,
    values: (errors) => errors.reduce((sum, error) => sum + error, 0) / samples,
  });
}

/**
 * What is lost at most, in the same unit, by `judges` in all, of which those that are not in `found` lost
 * nothing.
 */
export function boundOf(
  found: readonly Judged[],
  variances: readonly number[],
  judges: number,
  confidence: number,
  task: ChosenTask,
): number {
  const samples = found.reduce((sum, { snn }) => sum + snn.samples, 0);
  const isWhole = samples === judges || task.name !== "regress";
  return worst(found, variances, {
    decisions: (changed) => upperShare(changed, judges, confidence),
    // Of values, the others may have been hit exactly, which bounds the mean from below alone.
    values: (errors) =>
      isWhole
        ? upperMean(errors, confidence)
        : errors.reduce((sum, error) => sum + error, 0) / judges,
  });
}

/** The greatest over the outputs of what is made of the changed decisions, or of squared errors. */
function worst(
  found: readonly Judged[],
  variances: readonly number[],
  measure: {
    readonly decisions: (changed: number) => number;
    readonly values: (squaredErrors: Float64Array) => number;
  },
): number {
  const [first] = found;
  const losses = known(first, "a judgement").snn.outputs.map((output, i) => {
    if (output.squaredErrors === null) {
      const changed = found.reduce((sum, { snn }) => {
        const agreement = known(snn.outputs[i]?.agreement?.at(-1), "a reference");
        return sum + (1 - agreement) * snn.samples;
      }, 0);
      // Shares of a count are rounded, and a count is meant.
      const near = Math.round(changed);
      return 100 * measure.decisions(Math.abs(changed - near) < 1e-6 ? near : changed);
    }
    const errors = Float64Array.from(
      found.flatMap(({ snn }) => [...(snn.outputs[i]?.squaredErrors ?? [])]),
    );
    const square = measure.values(errors);
    const variance = variances[i] ?? 0;
    if (square === 0) return 0;
    return variance > 0 ? 100 * Math.sqrt(square / variance) : Infinity;
  });
  return Math.max(...losses);
}

/** The last timestep in which anything is sent; the only one of a framed code. */
export function lastSending({ spikesPerSample, timesteps }: Evaluation): number {
  const all = spikesPerSample.at(-1) ?? 0;
  const at = spikesPerSample.findIndex((sum) => sum === all);
  return timesteps[at] ?? timesteps.at(-1) ?? 0;
}

/**
 * Finds a conversion by trying codes, numbers of timesteps and bits. Each is calibrated on one half of the
 * samples and judged on the other half, both ways. It uses no test data and needs no labels.
 */
import { ownEnergy } from "../../calibrate/energy.ts";
import type { Evaluation } from "../../calibrate/evaluate.ts";
import { chooseTask, outputView } from "../../calibrate/tasks/choose.ts";
import type { ChosenTask, TaskWish } from "../../calibrate/tasks/task.ts";
import { type Diagnostic, DiagnosticError, fail, known } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import { printModule } from "../../ir/text/print.ts";
import type { Calibration } from "../../passes/pass.ts";
import { type Labelled, evaluateModule } from "../assess.ts";
import { numberOf, withBits, withOption } from "../../passes/codes.ts";
import { pipelineNames } from "../../passes/index.ts";
import { type WeightBits, inIntegers } from "../../passes/integers.ts";
import { type PipelineStep, abbreviated } from "../../passes/pipeline.ts";
import { type Conversion, type ConvertOptions, convert, stepsOf } from "../convert.ts";
import { diagnose } from "../diagnostics.ts";
import {
  boundOf,
  confidenceOfEach,
  conversionsShown,
  type Judged,
  lastSending,
  lossOf,
  refuseFewJudges,
  variancesOf,
} from "./judge.ts";
import { type Running, byContent, calibrationOn } from "../measure.ts";

/** What to minimise. */
export const objectives = ["latency", "spikes", "energy"] as const;
export type Objective = (typeof objectives)[number];

export interface AutoOptions {
  /** Largest loss, in points of accuracy; for values, in percent of their spread (`docs/auto.md`). */
  readonly maxLoss: number;
  readonly objective: Objective;
  /** Confidence that the loss is not larger, from 0.5 to 1 exclusive; by default 0.95. */
  readonly confidence?: number;
  /** Whether all candidates are of integers, and the bits of their weights; by default of 8. */
  readonly integer?: boolean;
  readonly weightBits?: WeightBits;
  /** The task of the first output; by default it follows from the output. */
  readonly task?: TaskWish | undefined;
  /** Called with each trial when it ends. */
  readonly onTrial?: (trial: Trial) => void;
}

/** A conversion that was tried. */
export interface Trial {
  /** The options for `convert`. */
  readonly pipeline: string;
  /** Bits of a spike, and digits of the finest step, where candidates differ in them; null elsewhere. */
  readonly bits: number | null;
  readonly precision: number | null;
  readonly timesteps: number;
  readonly code: string;
  /**
   * Share of the decisions on judging samples that change, in points: the loss of accuracy on them cannot
   * be larger. For values, the RMSE to those of the analogue network, in percent of their spread.
   */
  readonly changedPoints: number;
  /**
   * Upper bound of `changedPoints` on all possible samples, with the requested confidence over all trials.
   */
  readonly boundPoints: number;
  /** Number of samples that judged it: all, unless half of them already showed that it changes too much. */
  readonly judgedOn: number;
  readonly latencyTimesteps: number;
  readonly spikesPerSample: number;
  /**
   * Energy of one sample, relative to that of the analogue network: all operations of both networks,
   * counted by events, with the table of the network's own arithmetic (`calibrate/energy.ts`).
   */
  readonly energyRatio: number;
}

export interface AutoResult {
  readonly chosen: Trial;
  /** All trials in order; each is a different network. */
  readonly trials: readonly Trial[];
  /** Number of samples that each conversion was calibrated on. */
  readonly calibratedOn: number;
  readonly judgedOn: number;
  /** Confidence that no conversion whose `boundPoints` is good enough loses more. */
  readonly confidence: number;
  /** The number of conversions that the judges can judge with this confidence; no more are tried. */
  readonly sharedBy: number;
  /** The task by which the first output was judged. */
  readonly task: ChosenTask;
}

interface Candidate {
  /** As `--passes` takes it; what runs are `steps`. */
  readonly pipeline: string;
  readonly steps: readonly PipelineStep[];
  readonly bits: number | null;
  readonly precision: number | null;
  readonly timesteps: number;
  /** If few judges allow only some candidates, those with the lowest ranks are tried. */
  readonly rank: number;
}

/** The passes of differential code for spikes of so many bits, in steps of so many digits at most. */
function increments(bits: number, precision: number): Way {
  const steps = withOption(withBits(stepsOf("differential"), bits), "precision", precision);
  return { pipeline: abbreviated(steps, pipelineNames.pipelines), steps, bits, precision };
}

function named(pipeline: string): Way {
  return { pipeline, steps: stepsOf(pipeline), bits: null, precision: null };
}

type Way = Omit<Candidate, "timesteps" | "rank">;

const ranked = (way: Way, timesteps: readonly number[], ranks: readonly number[]): Candidate[] =>
  timesteps.map((each, i) => ({ ...way, timesteps: each, rank: known(ranks[i], "a rank") }));

/**
 * The candidates, from those that answer at once to those that need long, so that a search can end early.
 * With more bits per spike fewer timesteps are needed. Ranks: first those that change least, then the
 * cheaper ones; other codes last.
 */
export const candidates: readonly Candidate[] = [
  ...ranked(increments(8, 10), [1, 2], [3, 0]),
  ...ranked(increments(4, 10), [1, 2, 3, 4, 6], [12, 4, 5, 1, 9]),
  ...ranked(increments(4, 6), [2, 3, 4], [8, 2, 10]),
  ...ranked(increments(2, 10), [2, 4, 6, 8], [20, 13, 11, 7]),
  ...ranked(named("few-spikes"), [4, 6, 8], [19, 14, 6]),
  ...ranked(named("signed-rate"), [8, 16, 32, 64], [22, 18, 17, 16]),
  ...ranked(named("ttfs"), [15, 63, 255], [23, 21, 15]),
];

/** Of integers, for the least energy: values of few bits that are sent once, in place of what takes longest. */
const thrifty: readonly Candidate[] = [
  ...ranked(increments(6, 10), [1], [9]),
  ...ranked(increments(5, 10), [1], [15]),
];

/** The candidates of a search: in integers where that is asked for. */
export function candidatesFor({
  integer,
  weightBits,
  objective,
}: Pick<AutoOptions, "integer" | "weightBits" | "objective">): readonly Candidate[] {
  if (integer !== true) return candidates;
  const taken = new Set(objective === "energy" ? thrifty.map(({ rank }) => rank) : []);
  const others = candidates.filter(({ rank }) => !taken.has(rank));
  return [...(objective === "energy" ? thrifty : []), ...others].map((candidate) => {
    const steps = inIntegers(candidate.steps, weightBits);
    const precision = numberOf(steps, "precision");
    return {
      ...candidate,
      steps,
      precision,
      pipeline: abbreviated(steps, pipelineNames.pipelines),
    };
  });
}

/** Why a network has no integers, or none that are proven to fit: another candidate may have. */
const withoutIntegers: ReadonlySet<string> = new Set([
  "no-integer-form",
  "integer-timesteps",
  "integer-overflow",
]);

/** Number of parts of the samples: each part judges conversions that were calibrated on the others. */
const parts = 2;
const fewestSamples = 8;
const usualConfidence = 0.95;

/** One part of the samples: what it judges, and what the rest of them show. */
interface SampleFold {
  readonly judging: Labelled;
  readonly calibration: Calibration;
  readonly ann: Evaluation;
}

/**
 * The conversion of `module` (code "none") with the smallest objective among those that change at most
 * `maxLoss` points of decisions, with the requested confidence. Every sample judges: each half judges
 * conversions that were calibrated on the other half. The bounds hold for all candidates together; only as
 * many are tried as the judges can judge. Fails with a diagnostic if no candidate is good enough, or if
 * there are too few samples to judge any.
 */
export async function chooseConversion(
  module: Module,
  samples: SampleSource,
  running: Running,
  options: AutoOptions,
): Promise<AutoResult> {
  const { maxLoss, confidence = usualConfidence } = options;
  if (samples.count < fewestSamples) {
    fail(diagnose("auto-needs-samples", null, { samples: samples.count, least: fewestSamples }));
  }
  const ordered = byContent(samples);
  const { module: clean } = await convert(module, null, running, {
    timesteps: 1,
    pipeline: "canonical",
  });
  // The task decides what a loss is, and so how many have to judge.
  const view = outputView(module, 0);
  const task = chooseTask(module, view, null, options.task);
  refuseFewJudges(samples.count, maxLoss, confidence, task);
  const sharedBy = conversionsShown(samples.count, maxLoss, confidence, task, candidates.length);
  const sure = confidenceOfEach(confidence, sharedBy);
  const dealt: SampleFold[] = [];
  for (let k = 0; k < parts; k++) {
    const calibrating = part(ordered, (index) => index % parts !== k);
    const judges = part(ordered, (index) => index % parts === k);
    const judging = { samples: judges, labels: null, task: task.name };
    const ann = await evaluateModule(clean, judging, running, {
      timesteps: 1,
      label: "trying: ANN",
      keepLogits: true,
    });
    dealt.push({ judging, calibration: calibrationOn(calibrating, running), ann });
  }
  const variances = variancesOf(dealt.map(({ ann }) => ann));
  const trials: Trial[] = [];
  const all = candidatesFor(options);
  /** Why the last candidate that has no integers has none. */
  let refused: readonly Diagnostic[] = [];
  const seen = new Set<string>();
  /** By pipeline, timesteps whose last sent nothing: more of them do not either. */
  const ends = new Map<string, number>();
  let best: Trial | null = null;
  for (const candidate of all.filter(({ rank }) => rank < sharedBy)) {
    if (options.objective === "latency" && best !== null && cannotBeat(candidate, best)) continue;
    if (candidate.timesteps > (ends.get(candidate.pipeline) ?? Infinity)) continue;
    const trial = await attempt(candidate);
    if (trial === null) continue;
    trials.push(trial);
    options.onTrial?.(trial);
    const isGood = trial.boundPoints <= maxLoss;
    if (isGood && (best === null || costOf(trial) < costOf(best))) best = trial;
  }
  if (trials.length === 0 && refused.length > 0) fail(...refused);
  const [first] = trials.toSorted((a, b) => a.boundPoints - b.boundPoints);
  const nearest = known(first, "a trial");
  const chosen =
    best ??
    fail(
      diagnose("auto-found-none", null, {
        maxLoss,
        nearest: nearest.changedPoints,
        bound: nearest.boundPoints,
        confidence,
        pipeline: nearest.pipeline,
        timesteps: nearest.timesteps,
      }),
    );
  const calibratedOn = samples.count - Math.ceil(samples.count / parts);
  return { chosen, trials, calibratedOn, judgedOn: samples.count, confidence, sharedBy, task };

  /** Null for a network that was tried already. */
  async function attempt(candidate: Candidate): Promise<Trial | null> {
    const { pipeline, steps, timesteps, bits, precision } = candidate;
    const found: Judged[] = [];
    for (const { judging, calibration, ann } of dealt) {
      const conversion = await converted(calibration, { timesteps, pipeline: steps });
      if (conversion === null) return null;
      if (found.length === 0) {
        const text = printModule(conversion.module, { locs: "none" });
        if (seen.has(text)) return null;
        seen.add(text);
      }
      const snn = await evaluateModule(conversion.module, judging, running, {
        timesteps,
        label: `trying: ${conversion.module.code}, T = ${timesteps}`,
        reference: ann,
      });
      found.push({ ann, snn, module: conversion.module });
      // Whatever the others say cannot make it good.
      if (boundOf(found, variances, samples.count, sure, task) > maxLoss) break;
    }
    const judgedOn = found.reduce((sum, { snn }) => sum + snn.samples, 0);
    const mean = (of: (each: Judged) => number): number =>
      found.reduce((sum, each) => sum + of(each) * each.snn.samples, 0) / judgedOn;
    const [{ module: made, snn }] = [known(found[0], "a judgement")];
    const trial: Trial = {
      pipeline,
      bits,
      precision,
      timesteps,
      code: made.code,
      changedPoints: lossOf(found, variances),
      boundPoints: boundOf(found, variances, judgedOn, sure, task),
      judgedOn,
      latencyTimesteps: snn.latencyTimesteps,
      spikesPerSample: mean((each) => known(each.snn.spikesPerSample.at(-1), "a timestep")),
      energyRatio: mean((each) => ownEnergy(each.ann, each.snn).ratio ?? Infinity),
    };
    // The last timesteps sent nothing: with fewer this was tried, and with more it need not be.
    if (!found.every((each) => lastSending(each.snn) < timesteps)) return trial;
    ends.set(pipeline, timesteps);
    return trials.some((other) => isSameRun(other, trial)) ? null : trial;
  }

  /** Null for a network that has no integers where it is to have them. */
  async function converted(
    calibration: Calibration,
    how: Pick<ConvertOptions, "timesteps" | "pipeline">,
  ): Promise<Conversion | null> {
    try {
      return await convert(module, calibration, running, how);
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      if (!error.diagnostics.every(({ code }) => withoutIntegers.has(code))) throw error;
      refused = error.diagnostics;
      return null;
    }
  }

  function costOf(trial: Trial): number {
    switch (options.objective) {
      case "latency":
        return trial.latencyTimesteps;
      case "spikes":
        return trial.spikesPerSample;
      case "energy":
        return trial.energyRatio;
    }
  }
}

/**
 * Whether a longer run sent as much in the same shares, and so nothing in the timesteps that it has more.
 */
function isSameRun(shorter: Trial, longer: Trial): boolean {
  return (
    shorter.pipeline === longer.pipeline &&
    shorter.judgedOn === longer.judgedOn &&
    shorter.spikesPerSample === longer.spikesPerSample &&
    shorter.changedPoints === longer.changedPoints
  );
}

/** Whether a candidate answers no sooner than a trial did: layers of framed codes only add to it. */
function cannotBeat({ timesteps }: Candidate, best: Trial): boolean {
  return timesteps >= best.latencyTimesteps;
}

function part(samples: SampleSource, chosen: (index: number) => boolean): SampleSource {
  const indices = Array.from({ length: samples.count }, (_, i) => i).filter(chosen);
  return { count: indices.length, get: (index) => samples.get(indices[index] ?? 0) };
}

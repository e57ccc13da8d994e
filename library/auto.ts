/**
 * Finds a conversion by trying: codes, numbers of timesteps and bits, each calibrated on three quarters of
 * the samples and judged on the others. No test data is looked at, and no labels are needed.
 */
import { estimateEnergy, energyTables } from "../calibrate/energy.ts";
import type { Evaluation } from "../calibrate/evaluate.ts";
import { fail, known } from "../ir/diagnostic.ts";
import type { SampleSource } from "../ir/executable.ts";
import type { Module } from "../ir/module.ts";
import { opsOf } from "../ir/module.ts";
import { neuronKinds } from "../ir/op.ts";
import { elementCount } from "../ir/type.ts";
import { evaluateModule } from "./assess.ts";
import { convert } from "./convert.ts";
import { diagnose } from "./diagnostics.ts";
import { type Running, byContent, calibrationOn } from "./measure.ts";

/** What to have as little of as can be. */
export const objectives = ["latency", "spikes", "energy"] as const;
export type Objective = (typeof objectives)[number];

export interface AutoOptions {
  /** Points of accuracy that may be lost at most. */
  readonly maxLoss: number;
  readonly objective: Objective;
  /** Told of each trial as it ends. */
  readonly onTrial?: (trial: Trial) => void;
}

/** A conversion that was tried. */
export interface Trial {
  /** For `convert`. */
  readonly pipeline: string;
  readonly timesteps: number;
  readonly code: string;
  /**
   * Share of the judging samples whose predicted class changes, in points: the loss of accuracy on them
   * cannot be larger.
   */
  readonly changedPoints: number;
  readonly latencyTimesteps: number;
  readonly spikesPerSample: number;
  /** Of one sample, relative to the analogue network's, by the first table of calibrate/energy.ts. */
  readonly energyRatio: number;
}

export interface AutoResult {
  readonly chosen: Trial;
  /** All trials, in the order in which they were made. */
  readonly trials: readonly Trial[];
  readonly calibratedOn: number;
  readonly judgedOn: number;
}

interface Candidate {
  readonly pipeline: string;
  readonly timesteps: number;
}

const increments = (bits: number, precision: number): string =>
  `use-float32,canonical,commute-max-pool,convert-differential{bits=${bits}},balance-mmse,fit-steps{precision=${precision}}`;

/** Bits of a spike, how fine steps may get, and for how many timesteps: more bits need fewer. */
const differential = [
  { bits: 8, precision: 10, timesteps: [1, 2] },
  { bits: 4, precision: 10, timesteps: [1, 2, 3, 4, 6] },
  { bits: 4, precision: 6, timesteps: [2, 3, 4] },
  { bits: 2, precision: 10, timesteps: [2, 4, 6, 8] },
];

/** What is tried: from what answers at once to what needs long, so that a search can end early. */
const candidates: readonly Candidate[] = [
  ...differential.flatMap(({ bits, precision, timesteps }) =>
    timesteps.map((each) => ({ pipeline: increments(bits, precision), timesteps: each })),
  ),
  ...[4, 6, 8].map((timesteps) => ({ pipeline: "few-spikes", timesteps })),
  ...[8, 16, 32, 64].map((timesteps) => ({ pipeline: "binary", timesteps })),
  ...[15, 63, 255].map((timesteps) => ({ pipeline: "one-spike", timesteps })),
];

/** One sample in so many judges. */
const judgingShare = 4;
const fewestSamples = 8;

/**
 * The conversion of `module` (code "none") with the least of the objective among those that change at
 * most `maxLoss` points of predictions. Fails with a diagnostic where none does, or where there are
 * fewer than 8 samples.
 */
export async function chooseConversion(
  module: Module,
  samples: SampleSource,
  running: Running,
  options: AutoOptions,
): Promise<AutoResult> {
  if (samples.count < fewestSamples) {
    fail(diagnose("auto-needs-samples", null, { samples: samples.count, least: fewestSamples }));
  }
  const ordered = byContent(samples);
  const isJudge = (index: number): boolean => index % judgingShare === judgingShare - 1;
  const calibrating = part(ordered, (index) => !isJudge(index));
  const judging = { samples: part(ordered, isJudge), labels: null };
  const calibration = calibrationOn(calibrating, running);
  const { module: clean } = await convert(module, null, running, {
    timesteps: 1,
    pipeline: "canonical",
  });
  const ann = await evaluateModule(clean, judging, running, {
    timesteps: 1,
    label: "trying: ANN",
    keepLogits: true,
  });
  const trials: Trial[] = [];
  let best: Trial | null = null;
  for (const candidate of candidates) {
    if (options.objective === "latency" && best !== null && cannotBeat(candidate, best)) continue;
    const trial = await attempt(candidate);
    trials.push(trial);
    options.onTrial?.(trial);
    const isGood = trial.changedPoints <= options.maxLoss;
    if (isGood && (best === null || costOf(trial) < costOf(best))) best = trial;
  }
  const [first] = trials.toSorted((a, b) => a.changedPoints - b.changedPoints);
  const nearest = known(first, "a trial");
  const chosen =
    best ??
    fail(
      diagnose("auto-found-none", null, {
        maxLoss: options.maxLoss,
        nearest: nearest.changedPoints,
        pipeline: nearest.pipeline,
        timesteps: nearest.timesteps,
      }),
    );
  return {
    chosen,
    trials,
    calibratedOn: calibrating.count,
    judgedOn: judging.samples.count,
  };

  async function attempt({ pipeline, timesteps }: Candidate): Promise<Trial> {
    const conversion = await convert(module, calibration, running, { timesteps, pipeline });
    const snn = await evaluateModule(conversion.module, judging, running, {
      timesteps,
      label: `trying: ${conversion.module.code}, T = ${timesteps}`,
      reference: ann,
    });
    const last = (values: readonly number[] | null): number => known(values?.at(-1), "a timestep");
    return {
      pipeline,
      timesteps,
      code: conversion.module.code,
      changedPoints: 100 * (1 - last(snn.agreement)),
      latencyTimesteps: snn.latencyTimesteps,
      spikesPerSample: last(snn.spikesPerSample),
      energyRatio: energyRatio(ann, snn, conversion.module, timesteps),
    };
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

/** Whether a candidate answers no sooner than a trial did: layers of framed codes only add to it. */
function cannotBeat({ timesteps }: Candidate, best: Trial): boolean {
  return timesteps >= best.latencyTimesteps;
}

function energyRatio(ann: Evaluation, snn: Evaluation, module: Module, timesteps: number): number {
  const neurons = opsOf(module, ...neuronKinds).reduce(
    (sum, op) => sum + elementCount(op.type.shape),
    0,
  );
  const { snnPJ, annPJ } = estimateEnergy(
    {
      annMultiplyAccumulates: ann.analogueOperations,
      analogueOperations: snn.analogueOperations,
      synapticOperations: snn.synapticOperationsPerSample.at(-1) ?? 0,
      neuronUpdates: neurons * timesteps,
    },
    energyTables[0],
  );
  return snnPJ / annPJ;
}

function part(samples: SampleSource, chosen: (index: number) => boolean): SampleSource {
  const indices = Array.from({ length: samples.count }, (_, i) => i).filter(chosen);
  return { count: indices.length, get: (index) => samples.get(indices[index] ?? 0) };
}

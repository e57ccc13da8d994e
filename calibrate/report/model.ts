/**
 * Puts a conversion report together from what was measured. Computes nothing that needs a network
 * to run; every number in it comes from one of the pieces.
 */
import { type Diagnostic, invariant, known } from "../../ir/diagnostic.ts";
import { formatLoc } from "../../ir/loc.ts";
import type { PassFacts } from "../../ir/role.ts";
import type { Comparison, LayerComparison } from "../compare.ts";
import type { RateDrift } from "../compare/drift.ts";
import { energyCaveat } from "../energy.ts";
import { labelShiftOf } from "../chance.ts";
import { upperLoss } from "../confidence.ts";
import type { Evaluation } from "../evaluate.ts";
import { type Metrics, metricNames } from "../tasks/task.ts";
import { costOfSample } from "./cost.ts";
import { answersOnce } from "./format.ts";
import { recommend } from "./recommend.ts";
import {
  type ConversionReport,
  type LayerErrorParts,
  type ReportLayer,
  reportSchema,
  reportVersion,
} from "./schema.ts";

export interface ReportPieces {
  readonly tool: ConversionReport["tool"];
  readonly model: ConversionReport["model"];
  readonly settings: Omit<
    ConversionReport["settings"],
    "latencyTimesteps" | "latencyPhases" | "latencyWithDelay"
  >;
  readonly calibrationData: ConversionReport["calibrationData"];
  readonly evaluationData: ConversionReport["evaluationData"];
  readonly pipeline: ConversionReport["pipeline"];
  /** The ANN on the evaluation data. */
  readonly ann: Evaluation;
  /** The SNN on the same data, with the ANN's predictions and logits as reference. */
  readonly snn: Evaluation;
  /** One row after each pass that ran, the imported network first; may be empty. */
  readonly lossByPass: ConversionReport["lossByPass"];
  readonly lossByPassData: ConversionReport["lossByPassData"];
  readonly comparison: Comparison;
  /** Of a network of integers that was made of one of floats; null of any other. */
  readonly rateDrift: readonly RateDrift[] | null;
  /** The passes there are, which advice proposes. */
  readonly catalogue: readonly PassFacts[];
  readonly diagnostics: readonly Diagnostic[];
}

/** How far below the ANN, in percentage points, a report looks for the smallest T. */
const pointsOfInterest = [1, 0.5, 0.1] as const;

/** The report of one conversion, checked against its schema. */
export function buildReport(pieces: ReportPieces): ConversionReport {
  const { ann, snn, comparison } = pieces;
  const annAccuracy = ann.accuracy?.[0] ?? null;
  const report: Omit<ConversionReport, "recommendations"> = {
    schema: reportVersion,
    tool: pieces.tool,
    model: pieces.model,
    settings: {
      ...pieces.settings,
      latencyTimesteps: snn.latency.timesteps,
      latencyPhases: snn.latency.phases,
      latencyWithDelay: snn.latency.withDelay,
    },
    calibrationData: pieces.calibrationData,
    evaluationData: pieces.evaluationData,
    pipeline: pieces.pipeline,
    accuracy: {
      timesteps: [...snn.timesteps],
      ann: annAccuracy,
      snn: copy(snn.accuracy),
      lossStandardError: copy(snn.lossStandardError),
      agreement: copy(snn.agreement),
      relativeLogitError: snn.relativeLogitError?.map(finite) ?? null,
      smallestTimesteps:
        annAccuracy === null || snn.accuracy === null || answersOnce(snn.timesteps)
          ? []
          : pointsOfInterest.map((points) => ({
              points,
              timesteps: smallestTimesteps(snn, annAccuracy, points / 100),
            })),
      task: { ...known(snn.outputs[0], "an output").task },
      metrics: finiteMetrics(snn.outputs[0]?.metrics ?? {}),
      labelShift: labelShiftOf(ann),
      annMetrics: finiteMetrics(ann.outputs[0]?.metrics ?? {}),
      outputs: snn.outputs.map(({ name, task, agreement, relativeLogitError, metrics }) => ({
        name,
        task: { ...task },
        agreement: copy(agreement),
        relativeLogitError: relativeLogitError?.map(finite) ?? null,
        metrics: finiteMetrics(metrics),
      })),
      distinctPredictions: snn.distinctPredictions,
      classes: snn.classes,
    },
    lossByPass: pieces.lossByPass.map((row) => ({
      ...row,
      relativeLogitError: row.relativeLogitError === null ? null : finite(row.relativeLogitError),
      relativeRmseToAnn: row.relativeRmseToAnn === null ? null : finite(row.relativeRmseToAnn),
    })),
    lossByPassData: pieces.lossByPassData,
    layers: comparison.layers.map((layer) => layerOf(layer, snn)),
    layerSamples: comparison.samples,
    ...(pieces.rateDrift === null
      ? {}
      : { rateDrift: pieces.rateDrift.map((layer) => ({ ...layer })) }),
    ...costOfSample(ann, snn),
    energyCaveat,
    diagnostics: [...pieces.diagnostics, ...snn.diagnostics, ...comparison.diagnostics].map(
      (d) => ({
        code: d.code,
        severity: d.severity,
        message: d.message,
        place: d.loc === null ? null : formatLoc(d.loc),
        notes: [...d.notes],
        help: d.help,
      }),
    ),
  };
  const checked = reportSchema.safeParse({
    ...report,
    recommendations: recommend(report, pieces.catalogue),
  });
  invariant(checked.success, `a report that its schema refuses: ${checked.error?.message}`);
  return checked.data;
}

/**
 * The first timestep from which the loss, by as many samples as measured it, stays at most `most` until T:
 * a share. Null where that is never so, or cannot be told.
 */
function smallestTimesteps(snn: Evaluation, annAccuracy: number, most: number): number | null {
  const { accuracy, lossStandardError, samples, timesteps } = snn;
  if (accuracy === null || lossStandardError === null) return null;
  // Only rounding of the subtraction needs room.
  const room = 1e-9;
  const tooFar = accuracy.findLastIndex((share, t) => {
    const error = known(lossStandardError[t], "an error for each timestep");
    return upperLoss(annAccuracy - share, error, samples) > most + room;
  });
  return timesteps[1 + tooFar] ?? null;
}

function layerOf(layer: LayerComparison, snn: Evaluation): ReportLayer {
  const { name, neurons, correlation, firingRate, dead, silenced, saturated } = layer;
  const activity = snn.neurons.find((op) => op.value === layer.value);
  return {
    name,
    neurons,
    error: layer.error === null ? null : finiteParts(layer.error),
    correlation: correlation === null ? null : finite(correlation),
    firingRate,
    spikesPerSample: activity?.spikesPerSample ?? null,
    dead,
    silenced,
    saturated,
    clippedShare: layer.clippedShare,
    thresholds: { ...layer.thresholds },
    initialPotential: layer.initialPotential === null ? null : finite(layer.initialPotential),
  };
}

function copy(list: readonly number[] | null): number[] | null {
  return list === null ? null : [...list];
}

type ReportMetrics = ConversionReport["accuracy"]["metrics"];

function finiteMetrics(metrics: Metrics): ReportMetrics {
  const found: ReportMetrics = {};
  for (const name of metricNames) {
    const values = metrics[name];
    if (values !== undefined) found[name] = values.map((x) => (x === null ? null : finite(x)));
  }
  return found;
}

/** JSON has no NaN or infinity: what could not be computed is null. */
function finite(x: number): number | null {
  return Number.isFinite(x) ? x : null;
}

function finiteParts(error: Readonly<LayerErrorParts>): LayerErrorParts | null {
  return Object.values(error).every(Number.isFinite) ? { ...error } : null;
}

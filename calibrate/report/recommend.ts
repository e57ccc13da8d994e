/**
 * From measurements to advice: what to try next, in plain words, naming the option. Each kind has a
 * section in docs/low-accuracy.md. Advice names a cause that the numbers show, never a guess.
 */
import type { PassFacts } from "../../ir/role.ts";
import { isAtChance } from "../chance.ts";
import { noneFoundShare } from "../confidence.ts";
import { counted, lossPoints, percent, relative } from "./format.ts";
import {
  type OwnPart,
  type Situation,
  answering,
  higherThresholds,
  longer,
  lowerThresholds,
  rehearsedTimesteps,
  remedyFor,
} from "./remedy.ts";
import type { ConversionReport, LayerErrorParts, Recommendation, ReportLayer } from "./schema.ts";

/** What was measured, and the passes there are. */
type Findings = Omit<ConversionReport, "recommendations"> & Situation;

/** A loss below half a point is what most papers call lossless. */
const smallLoss = 0.005;
/** Values that are 2 % of their spread off have lost 0.04 % of their variance. */
const notableDistance = 0.02;
/** An own error above 1 % of the signal's variance is worth a word. */
const notableError = 0.01;
/** Layers beyond this multiple of the median stand out from the others. */
const outlierFactor = 3;
const notableSilenced = 0.3;
const notableSaturated = 0.05;

/** What the numbers suggest, most important first. It proposes passes of `catalogue`. */
export function recommend(
  found: Omit<ConversionReport, "recommendations">,
  catalogue: readonly PassFacts[],
): Recommendation[] {
  const report = { ...found, catalogue };
  const loss = lossAt(report, -1);
  const all = [
    ...shiftedLabels(report),
    ...chanceLevel(report),
    ...alwaysOneClass(report),
    ...silentLayer(report),
    ...(loss !== null && isNotable(report, loss)
      ? [...timestepsTrend(report, loss), ...errorParts(report, loss), ...lossyPass(report)]
      : []),
    ...rates(report),
    ...spareTimesteps(report),
    ...costly(report),
    ...noise(report, loss),
  ];
  const order = { high: 0, medium: 1, info: 2 } as const;
  return all.sort((a, b) => order[a.importance] - order[b.importance]);
}

/** More than is called lossless, and more than the choice of samples explains. */
function isNotable(report: Findings, loss: number): boolean {
  if (isOfValues(report)) return loss > notableDistance;
  // A loss of exactly half a point differs from it by rounding.
  return loss > Math.max(smallLoss + 1e-9, 2 * (deviationOf(report) ?? 0));
}

/** Standard error of the loss; null without labels. */
function deviationOf({ accuracy }: Findings): number | null {
  return accuracy.ann === null ? null : (accuracy.lossStandardError?.at(-1) ?? null);
}

/**
 * ANN accuracy − SNN accuracy at a place of the timesteps; disagreement where there are no labels. Of values
 * the distance from the ANN's over their spread.
 */
function lossAt(report: Findings, index: number): number | null {
  const { ann, snn, agreement, metrics } = report.accuracy;
  if (isOfValues(report)) return metrics.relativeRmseToAnn?.at(index) ?? null;
  const accuracy = snn?.at(index);
  if (ann !== null && accuracy !== undefined) return ann - accuracy;
  const agreeing = agreement?.at(index);
  return agreeing === undefined ? null : 1 - agreeing;
}

function isOfValues({ accuracy }: Findings): boolean {
  return accuracy.task.name === "regress";
}

function shiftedLabels({ accuracy }: Findings): Recommendation[] {
  const { ann, labelShift } = accuracy;
  if (labelShift === null) return [];
  return [
    {
      kind: "labels-shifted",
      importance: "high",
      text:
        `The network before conversion is right on ${percent(ann)} of the samples. With every label one ` +
        `${labelShift.by > 0 ? "more" : "less"} it is on ${percent(labelShift.accuracy)}: the labels ` +
        "start at another number than the network's outputs.",
      option: `--preprocess FILE with {"labelOffset": ${labelShift.by}}`,
      layer: null,
    },
  ];
}

function chanceLevel(report: Findings): Recommendation[] {
  const { ann, classes, task, labelShift } = report.accuracy;
  const isOne = task.name === "classify" || task.name === "binary";
  if (!isOne || labelShift !== null) return [];
  if (ann === null || !isAtChance(ann, classes, report.evaluationData.samples)) return [];
  return [
    {
      kind: "ann-at-chance",
      importance: "high",
      text:
        `The network before conversion is right on ${percent(ann)} of the samples, which is about ` +
        `chance for ${classes} classes. No conversion can repair that: check the preprocessing ` +
        "(scale, mean, channel order, layout) and that the labels belong to this network.",
      option: "--preprocess FILE",
      layer: null,
    },
  ];
}

function alwaysOneClass(report: Findings): Recommendation[] {
  const { distinctPredictions, classes } = report.accuracy;
  if (distinctPredictions !== 1 || classes < 2 || report.evaluationData.samples < 20) return [];
  return [
    {
      kind: "always-one-class",
      importance: "high",
      text:
        "The spiking network gives the same class for every sample. Usually too few spikes reach " +
        "the output; look for the first layer with a low firing rate or a low correlation.",
      option: null,
      layer: null,
    },
  ];
}

function silentLayer(report: Findings): Recommendation[] {
  const silent = report.layers.find((layer) => layer.firingRate === 0 && layer.error !== null);
  if (silent === undefined) return [];
  return [
    {
      kind: "silent-layer",
      importance: "high",
      text:
        `Layer ${silent.name} never fires although the ANN's is active, so the layers after it ` +
        "receive nothing from the input. Its threshold is too high for its input, or the run is too short.",
      option: `${lowerThresholds(report).option} or ${longer(report)}`,
      layer: silent.name,
    },
  ];
}

/** Accuracy won by the second half of the timesteps; null for a run of one. */
function gainOfSecondHalf(report: Findings, loss: number): number | null {
  const half = Math.floor(report.accuracy.timesteps.length / 2) - 1;
  const lossAtHalf = half < 0 ? null : lossAt(report, half);
  return lossAtHalf === null ? null : lossAtHalf - loss;
}

/** Whether a longer run would leave the loss as it is. */
function hasSettled(report: Findings, loss: number): boolean {
  const gained = gainOfSecondHalf(report, loss);
  if (isOfValues(report)) return gained !== null && gained <= loss / 10;
  return gained !== null && gained < smallLoss / 2 && loss > 2 * smallLoss;
}

/** Is the accuracy still rising at T, or has it settled below the ANN's? */
function timestepsTrend(report: Findings, loss: number): Recommendation[] {
  const timesteps = answering(report);
  const gained = gainOfSecondHalf(report, loss);
  // Without labels the loss is what the networks do not agree on.
  const isLabelled = report.accuracy.ann !== null;
  const measured = isLabelled ? "Accuracy" : "Agreement with the ANN";
  const ceiling = isLabelled ? "the ANN's" : "100 %";
  if (isOfValues(report)) return distanceTrend(report, loss, gained);
  if (gained !== null && gained > Math.max(smallLoss, loss / 4)) {
    return [
      {
        kind: "still-rising",
        importance: "high",
        text:
          `${measured} is still rising: the second half of the ${timesteps} timesteps won ` +
          `${(gained * 100).toFixed(2)} points. Run longer before changing anything else.`,
        option: longer(report),
        layer: null,
      },
    ];
  }
  if (hasSettled(report, loss)) {
    return [
      {
        kind: "settled-below",
        importance: "medium",
        text:
          `${measured} has settled ${(loss * 100).toFixed(2)} points below ${ceiling}: more ` +
          "timesteps alone will not help. See below which error is left.",
        option: null,
        layer: null,
      },
    ];
  }
  return [];
}

/** The same of values, whose distance from the ANN's falls. */
function distanceTrend(report: Findings, loss: number, gained: number | null): Recommendation[] {
  const now = `${relative(loss)} of their spread off the ANN's`;
  if (gained !== null && gained > loss / 4) {
    return [
      {
        kind: "still-rising",
        importance: "high",
        text:
          `Values are ${now}, and were ${relative(loss + gained)} after half of the ` +
          `${answering(report)} timesteps. Run longer before changing anything else.`,
        option: longer(report),
        layer: null,
      },
    ];
  }
  if (gained === null || gained > loss / 10) return [];
  return [
    {
      kind: "settled-below",
      importance: "medium",
      text:
        `Values have settled ${now}: more timesteps alone will not bring them nearer. See below ` +
        "which error is left.",
      option: null,
      layer: null,
    },
  ];
}

/** The part that dominates over the layers, and the layers where a part stands out. */
function errorParts(report: Findings, loss: number): Recommendation[] {
  const settled = hasSettled(report, loss);
  const layers = report.layers.filter(hasError);
  if (layers.length === 0) return [];
  const parts = ["clipping", "quantisation", "unevenness"] as const;
  const found: Recommendation[] = [];
  const overall = (part: OwnPart): number =>
    layers.reduce((sum, layer) => sum + layer.error[part], 0) / layers.length;
  const worst = parts.reduce((best, part) => (overall(part) > overall(best) ? part : best));
  if (overall(worst) > notableError / 2) {
    const remedy = remedyFor(worst, report, settled);
    found.push({
      kind: `${worst}-dominates`,
      importance: "high",
      text:
        `Of the errors that layers make themselves, ${worst} is the largest: ` +
        `${relative(overall(worst))} of the signal's variance in the mean over ` +
        `${counted(layers.length, "layer")}. ${meaningOf(worst, report)} ${remedy.text}`,
      option: remedy.option,
      layer: null,
    });
  }
  for (const part of parts) {
    const outlier = outlierOf(layers, part);
    if (outlier === null) continue;
    const remedy = remedyFor(part, report, settled);
    found.push({
      kind: `${part}-in-layer`,
      importance: "medium",
      text:
        `In layer ${outlier.name} ${part} is ${relative(outlier.error[part])} of the signal's ` +
        `variance, far above the other layers' (median ${relative(median(layers, part))}). ` +
        remedy.text,
      option: remedy.option,
      layer: outlier.name,
    });
  }
  return found;
}

function meaningOf(part: OwnPart, { settings: { code } }: Findings): string {
  const isRate = code === "rate";
  switch (part) {
    case "clipping":
      return isRate
        ? "Activations above the threshold all look alike, because a neuron fires at most once per timestep."
        : "Values beyond the largest that a neuron can send all look alike.";
    case "quantisation":
      return isRate
        ? "In T timesteps a neuron has only T + 1 levels."
        : "A neuron has only a limited number of levels.";
    case "unevenness":
      return "Spikes arrive early or late, and charge is left over at the end of the run.";
  }
}

type LayerWithError = ReportLayer & { readonly error: LayerErrorParts };

function hasError(layer: ReportLayer): layer is LayerWithError {
  return layer.error !== null;
}

function median(layers: readonly LayerWithError[], part: OwnPart): number {
  const sorted = layers.map((layer) => layer.error[part]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function outlierOf(layers: readonly LayerWithError[], part: OwnPart): LayerWithError | null {
  // Among one or two layers nothing stands out.
  if (layers.length < 3) return null;
  const worst = layers.reduce((a, b) => (b.error[part] > a.error[part] ? b : a));
  const limit = Math.max(notableError, outlierFactor * median(layers, part));
  return worst.error[part] > limit ? worst : null;
}

/** The pass that takes most of the accuracy that no later pass gives back. */
function lossyPass(report: Findings): Recommendation[] {
  const rows = report.lossByPass;
  const lasting = rows.map((row, i) => {
    const before = rows[i - 1]?.accuracy ?? null;
    if (before === null || row.accuracy === null) return 0;
    // That conversion costs what the conversion costs says nothing.
    const pass = report.catalogue.find(({ name }) => name === row.pass);
    if (pass?.role === "convert") return 0;
    const regained = Math.max(...rows.slice(i).map((later) => later.accuracy ?? 0));
    return before - regained;
  });
  const worst = lasting.indexOf(Math.max(...lasting));
  const row = rows[worst];
  const lost = lasting[worst];
  if (row === undefined || lost === undefined || lost <= smallLoss) return [];
  return [
    {
      kind: "pass-lost-accuracy",
      importance: "medium",
      text:
        `Pass ${row.pass} takes ${(lost * 100).toFixed(2)} points that no later pass recovers ` +
        "(on the samples of the loss by pass).",
      option: null,
      layer: null,
    },
  ];
}

function rates(report: Findings): Recommendation[] {
  const found: Recommendation[] = [];
  const { layers } = report;
  const silenced = layers.reduce<ReportLayer | null>(
    (worst, layer) => (layer.silenced > (worst?.silenced ?? notableSilenced) ? layer : worst),
    null,
  );
  if (silenced !== null && silenced.firingRate > 0) {
    found.push({
      kind: "dead-neurons",
      importance: "medium",
      text:
        `In layer ${silenced.name} ${percent(silenced.silenced)} of the neurons never fire although ` +
        "the ANN's are active on some sample: their threshold is too high for them, or the run is " +
        "too short for their small activations.",
      option: `${lowerThresholds(report).option} or ${longer(report)}`,
      layer: silenced.name,
    });
  }
  const saturated = layers.reduce<ReportLayer | null>(
    (worst, layer) => (layer.saturated > (worst?.saturated ?? notableSaturated) ? layer : worst),
    null,
  );
  if (saturated !== null) {
    found.push({
      kind: "saturated-neurons",
      importance: "medium",
      text:
        `In layer ${saturated.name} ${percent(saturated.saturated)} of the neurons ` +
        (report.settings.code === "rate"
          ? "fire at nearly every timestep and cannot send more: "
          : "send nearly their largest value on every sample: ") +
        "their thresholds are too low.",
      option: higherThresholds(report).option,
      layer: saturated.name,
    });
  }
  return found;
}

function spareTimesteps(report: Findings): Recommendation[] {
  const near = report.accuracy.smallestTimesteps.find((row) => row.points === 0.5);
  if (near?.timesteps === undefined || near.timesteps === null) return [];
  const enough = near.timesteps - rehearsedTimesteps(report);
  if (enough > answering(report) / 2) return [];
  return [
    {
      kind: "spare-timesteps",
      importance: "info",
      text:
        `From timestep ${near.timesteps} on, accuracy stays within half a point of the ANN's, 1.96 ` +
        `standard errors on ${report.evaluationData.samples} samples included. A ` +
        "shorter run costs fewer spikes and answers sooner. Converted for fewer timesteps, the " +
        "network gets other thresholds, so measure it again.",
      option: `-T ${2 ** Math.ceil(Math.log2(enough))}`,
      layer: null,
    },
  ];
}

function costly(report: Findings): Recommendation[] {
  const row = report.energy.find(({ isOwn }) => isOwn);
  if (row?.ratio === undefined || row.ratio === null) return [];
  // Rounded to a tenth, less is as much as the ANN's; by bits it may be less.
  const least = Math.min(row.ratio, row.ratioByBits ?? Infinity);
  if (least < 1.05) return [];
  const by =
    row.ratioByBits === null || row.ratioByBits.toFixed(1) === row.ratio.toFixed(1)
      ? `by events${row.ratioByBits === null ? "" : " as by bits"}`
      : `${row.ratio.toFixed(1)} times by events, ${row.ratioByBits.toFixed(1)} times by bits`;
  const timesteps = answering(report);
  return [
    {
      kind: "costs-more-than-ann",
      importance: "medium",
      text:
        `With the ${row.table.name} table, which fits its arithmetic, the spiking network costs ` +
        `${least.toFixed(1)} times the arithmetic of the ANN (${by}). ` +
        (timesteps > 1 ? "Fewer timesteps, or thresholds" : "Thresholds") +
        " high enough that neurons fire less, reduce this.",
      option: timesteps > 1 ? `-T ${Math.floor(timesteps / 2)}` : null,
      layer: null,
    },
  ];
}

/** Says how exact the loss is where that matters for judging it. */
function noise(report: Findings, loss: number | null): Recommendation[] {
  const deviation = deviationOf(report);
  const { samples } = report.evaluationData;
  if (loss === null || deviation === null) return [];
  // Less than one sample in a thousand is finer than anybody asks for.
  const reach = deviation > 0 ? 2 * deviation : noneFoundShare(samples);
  if (reach < 0.001 && samples >= 1000) return [];
  if (Math.abs(loss) > 4 * deviation && samples >= 1000) return [];
  return [
    {
      kind: "few-samples",
      importance: "info",
      text:
        `Measured on ${samples} samples, the conversion loss of ${lossPoints(loss)} points ` +
        `${uncertainty(deviation, samples)}; one sample is ${(100 / samples).toFixed(2)} points.`,
      option: null,
      layer: null,
    },
  ];
}

/** How sure a difference is. None in n samples bounds its share by 3/n (95 %). */
function uncertainty(deviation: number, samples: number): string {
  return deviation > 0
    ? `has a standard error of ${(deviation * 100).toFixed(2)} points`
    : `is within ${(100 * noneFoundShare(samples)).toFixed(2)} points`;
}

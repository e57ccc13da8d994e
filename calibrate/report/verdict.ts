/** One sentence on how the conversion went, the same in the page and on the terminal. */
import { counted, digits3, noneDiffers, percent, relative, withError } from "./format.ts";
import type { ConversionReport } from "./schema.ts";
import { answerWords } from "./words.ts";

export function verdict(report: ConversionReport): string {
  const { accuracy, settings, evaluationData } = report;
  const samples = counted(evaluationData.samples, "sample");
  const after = `after ${answerWords(settings)}`;
  if (accuracy.task.name === "regress") return valueVerdict(report, samples, after);
  // Of what the share is: samples, or what there are several of in each.
  const of =
    accuracy.task.name === "multilabel"
      ? `the labels of ${samples}`
      : accuracy.task.name === "segment"
        ? `the places of ${samples}`
        : samples;
  const snn = accuracy.snn?.at(-1);
  if (accuracy.ann !== null && snn !== undefined) {
    const loss = (accuracy.ann - snn) * 100;
    const rounded = Math.abs(loss).toFixed(2);
    const error = accuracy.lossStandardError?.at(-1) ?? null;
    const against =
      Number(rounded) === 0
        ? `as many as the ANN (${error === 0 ? noneDiffers : `${withError("0.00", error)} points`})`
        : `${withError(rounded, error)} points ${loss > 0 ? "fewer" : "more"} than the ANN's ${percent(accuracy.ann)}`;
    return `The spiking network is right on ${percent(snn)} of ${of} ${after}, ${against}.`;
  }
  const agreement = accuracy.agreement?.at(-1);
  if (agreement !== undefined) {
    return `The spiking network predicts as the ANN does on ${percent(agreement)} of ${of} ${after}. The samples have no labels.`;
  }
  return `The spiking network ran on ${samples} for ${answerWords(settings)}; there was nothing to compare it with.`;
}

/** Values are never right: they are near, or not. */
function valueVerdict({ accuracy }: ConversionReport, samples: string, after: string): string {
  const { metrics, annMetrics } = accuracy;
  const off = metrics.relativeRmseToAnn?.at(-1) ?? null;
  const apart =
    off === null
      ? `The ANN's values do not vary over ${samples}`
      : `The spiking network's values are off the ANN's by ${relative(off)} of their spread (RMSE) on ${samples} ${after}`;
  const [own, before] = [metrics.rmse?.at(-1), annMetrics.rmse?.[0]];
  if (own === undefined || own === null || before === undefined || before === null) {
    return `${apart}.`;
  }
  return `${apart}; they are off the targets by ${digits3(own)}, beside the ANN's ${digits3(before)}.`;
}

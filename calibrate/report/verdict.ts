/** One sentence on how the conversion went, the same in the page and on the terminal. */
import { counted, percent } from "./format.ts";
import type { ConversionReport } from "./schema.ts";

export function verdict(report: ConversionReport): string {
  const { accuracy, settings, evaluationData } = report;
  const samples = counted(evaluationData.samples, "sample");
  const snn = accuracy.snn?.at(-1);
  if (accuracy.ann !== null && snn !== undefined) {
    const loss = (accuracy.ann - snn) * 100;
    const rounded = Math.abs(loss).toFixed(2);
    const against =
      Number(rounded) === 0
        ? "as many as the ANN"
        : `${rounded} points ${loss > 0 ? "fewer" : "more"} than the ANN's ${percent(accuracy.ann)}`;
    return `The spiking network is right on ${percent(snn)} of ${samples} after ${counted(settings.timesteps, "timestep")}, ${against}.`;
  }
  const agreement = accuracy.agreement?.at(-1);
  if (agreement !== undefined) {
    return `The spiking network predicts as the ANN does on ${percent(agreement)} of ${samples} after ${counted(settings.timesteps, "timestep")}. The samples have no labels.`;
  }
  return `The spiking network ran on ${samples} for ${counted(settings.timesteps, "timestep")}; there was nothing to compare it with.`;
}

/** The one piece of advice that `convert` prints where no report is asked for. */
import type { Evaluation } from "../../calibrate/evaluate.ts";
import type { Recommendation } from "../../calibrate/report/schema.ts";
import { printable } from "../../ir/text/printable.ts";
import { type ReportRequest, makeReport } from "../../library/report.ts";
import type { Running } from "../../library/measure.ts";

/** Half a point, or a hundredth of the spread: with less, layers are not run again to see where it went. */
const notableLoss = 0.005;
const notableDistance = 0.01;

/** The most important advice of the report that is not written; null where there is none to act on. */
export async function mainAdvice(
  request: Omit<ReportRequest, "layers">,
  running: Running,
): Promise<Recommendation | null> {
  const { ann, snn } = request.evaluations;
  const steps = request.passes.map(({ pass, options, changed }) => ({
    pass,
    options: { ...options },
    seconds: null,
    changed,
  }));
  // The loss after each pass takes a run for each and says little more.
  const short = { ...request, passes: [], ranBefore: steps, layers: isNotable(ann, snn) };
  const { recommendations } = await makeReport(short, running);
  return recommendations.find(({ importance }) => importance !== "info") ?? null;
}

function isNotable(ann: Evaluation, snn: Evaluation): boolean {
  const before = ann.accuracy?.[0];
  const after = snn.accuracy?.at(-1);
  if (before !== undefined && after !== undefined) return before - after > notableLoss;
  const agreement = snn.agreement?.at(-1);
  if (agreement !== undefined) return 1 - agreement > notableLoss;
  return (snn.outputs[0]?.metrics.relativeRmseToAnn?.at(-1) ?? 0) > notableDistance;
}

/** As a paragraph for a terminal. */
export function adviceText({ kind, text, option }: Recommendation): string {
  const how = option === null ? "" : `\n  option: ${printable(option)}`;
  return `advice (${kind}): ${printable(text)}${how}\n  --report FOLDER has the rest`;
}

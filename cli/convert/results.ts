/** What `convert` prints of a job that was run, and the report that it writes. */
import { ownEnergy } from "../../calibrate/energy.ts";
import type { Evaluation } from "../../calibrate/evaluate.ts";
import { costJson, taskJson } from "../../calibrate/evaluation-json.ts";
import { measuredFigures } from "../../calibrate/result/figures.ts";
import type { ConvertResult } from "../../calibrate/result/schema.ts";
import { qualityLine } from "../../calibrate/report/columns.ts";
import { percent } from "../../calibrate/report/format.ts";
import { formatReport } from "../../calibrate/report/text.ts";
import { printable } from "../../ir/text/printable.ts";
import type { Job } from "../../library/job/job.ts";
import type { JobResult } from "../../library/job/run.ts";
import type { Running } from "../../library/measure.ts";
import { type ReportRequest, makeReport } from "../../library/report.ts";
import type { CommandContext, Outcome } from "../action.ts";
import { writeReport } from "../files/report-files.ts";
import { adviceText, mainAdvice } from "../terminal/advice.ts";
import { commonOf, commonOptions, dataJson, parametersIn, recordedPasses } from "../result.ts";
import { accuracyTable, costLines, figuresOf, taskLines } from "../terminal/tables.ts";

/** The result of a job for the terminal and for `--json`. `seconds` is what it took without measuring. */
export async function outcomeOf(
  job: Job,
  result: JobResult,
  running: Running,
  seconds: number,
  context: CommandContext,
): Promise<Outcome> {
  const { network, conversion, timesteps, calibration, auto, measured } = result;
  const { module } = conversion;
  const { text, json } =
    measured === null
      ? { text: "", json: {} }
      : await measuredOutcome(job, measured, running, context);
  const { pipeline, passes, code, bits, integer, weightBits, allowAnalogue } = job.conversion;
  const wanted = { ...job, timesteps: job.conversion.timesteps, threads: running.threads };
  const printed: ConvertResult = {
    ...commonOf(network, context, blocksOf(result)),
    command: "convert",
    options: {
      ...commonOptions({ ...wanted, limit: job.evaluation?.limit ?? null }),
      pipeline,
      passes,
      code,
      bits,
      integer,
      weightBits,
      allowAnalogue,
      auto: job.conversion.auto,
    },
    out: job.outputs.network,
    code: module.code,
    timesteps,
    parameters: parametersIn(module.tensors),
    ops: module.ops.length,
    pipeline: conversion.passes.map((p) => ({
      pass: p.pass,
      seconds: p.seconds,
      changed: p.changed,
    })),
    calibrationSamples: calibration?.samples.count ?? 0,
    seconds,
    ...(auto === null ? {} : { auto }),
    ...json,
  };
  return { text, json: printed };
}

/** What all commands print, as far as a conversion knows it. */
function blocksOf({ network, conversion, calibration, measured }: JobResult) {
  const before = recordedPasses(network);
  const ran = conversion.passes.map(({ pass, options, changed, seconds }) => ({
    pass,
    options: { ...options },
    changed,
    seconds,
  }));
  const figures = measured?.evaluations;
  return {
    passes: before === null ? null : [...before, ...ran],
    calibrationData: calibration === null ? null : dataJson(calibration),
    data: measured === null ? null : dataJson(measured.evaluation),
    ann: figures === undefined ? null : measuredFigures(figures.ann, null),
    snn: figures === undefined ? null : measuredFigures(figures.snn, figures.ann),
  };
}

type Measured = Partial<
  Omit<ConvertResult, "command" | "options" | keyof ReturnType<typeof commonOf>>
>;

/** Accuracy of both networks, and the report where one is asked for. */
async function measuredOutcome(
  job: Job,
  request: ReportRequest,
  running: Running,
  context: CommandContext,
): Promise<{ readonly text: string; readonly json: Measured }> {
  const { evaluation: data, evaluations } = request;
  const { ann, snn } = evaluations;
  const json = {
    evaluationSamples: data.samples.count,
    annAccuracy: ann.accuracy?.[0] ?? null,
    accuracy: snn.accuracy,
    lossStandardError: snn.lossStandardError,
    agreement: snn.agreement,
    ...taskJson(snn),
    annMetrics: ann.outputs[0]?.metrics ?? {},
    ...costJson(snn),
    annMultiplyAccumulatesPerSample: ann.multiplyAccumulatesPerSample.at(-1) ?? 0,
    energy: ownEnergy(ann, snn),
  };
  const folder = job.outputs.report;
  if (folder === null) {
    const on = `on ${data.samples.count} samples of ${printable(data.name)}`;
    const advice = await mainAdvice(request, running);
    const paragraphs = [
      [`${annFigures(ann)}${on}`, ...taskLines(snn)].join("\n"),
      accuracyTable(snn, ann),
      costLines(snn, ann).join("\n"),
      ...(advice === null ? [] : [adviceText(advice)]),
    ];
    return { text: paragraphs.join("\n\n"), json: { ...json, advice } };
  }
  const report = await makeReport(request, running);
  const files = await writeReport(folder, report);
  const { width, color } = context.terminal;
  return {
    text: `${formatReport(report, { width, color })}\n\nreport: ${printable(files.html)}`,
    json: { ...json, report: files },
  };
}

/** What the analogue network scores; nothing where there is nothing right to compare it with. */
function annFigures(ann: Evaluation): string {
  const figures = figuresOf(ann, null);
  if (figures.accuracy === null && figures.metrics.rmse === undefined) return "";
  if (figures.task === "classify") return `ANN ${percent(figures.accuracy?.[0] ?? null)} `;
  return `ANN: ${qualityLine(figures)} `;
}

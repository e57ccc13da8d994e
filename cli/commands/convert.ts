/** `snnc convert`: the main job. */
import path from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { type Diagnostic, fail } from "../../ir/diagnostic.ts";
import { isFramed, rehearsalOf } from "../../ir/module.ts";
import { packageParts } from "../../ir/file/package.ts";
import { printModule } from "../../ir/text/print.ts";
import { printable } from "../../ir/text/printable.ts";
import type { Evaluation } from "../../calibrate/evaluate.ts";
import { costJson, taskJson } from "../../calibrate/evaluation-json.ts";
import { ownEnergy } from "../../calibrate/energy.ts";
import { qualityLine } from "../../calibrate/report/columns.ts";
import { percent } from "../../calibrate/report/format.ts";
import { evaluatePair } from "../../library/assess.ts";
import { type Objective, objectives } from "../../library/auto.ts";
import { type Conversion, convert } from "../../library/convert.ts";
import { makeReport } from "../../library/report.ts";
import { allPasses, pipelines } from "../../passes/index.ts";
import type { PassRecord } from "../../passes/manager.ts";
import { lastFinerStep } from "../../ir/run/sending.ts";
import { printPipeline } from "../../passes/pipeline.ts";
import { type Context, type Outcome, perform, runningOf } from "../action.ts";
import {
  classesAmong,
  readClassNames,
  recordOfClasses,
  recordedClasses,
} from "../options/classes.ts";
import { conversionOptions, wayNamed } from "../options/conversion.ts";
import { type DataOptions, loadData, scaleWarnings } from "../options/data.ts";
import { adviceText, mainAdvice } from "../terminal/advice.ts";
import { chooseAutomatically, defaultConfidence, defaultMaxLoss } from "../auto.ts";
import { diagnose } from "../diagnostics.ts";
import { writeOutput } from "../files/files.ts";
import { loadNetwork } from "../load.ts";
import { type ModelOptions, recordOfReading } from "../options/model-options.ts";
import { numericsCheck } from "../options/numerics.ts";
import { recordOfRanges, recordOfTask, recordedTask, taskSaid } from "../network-record.ts";
import { type EngineName, confidence, options, points, wholeNumber } from "../options/options.ts";
import { checkReportFolder } from "../files/own-folder.ts";
import { reportNames } from "../files/own-names.ts";
import { readPreprocess, recordedPreprocess } from "../options/preprocessing.ts";
import { diagnosticToJson } from "../terminal/render.ts";
import { writeReport } from "../files/report-files.ts";
import { accuracyTable, costLines, figuresOf, taskLines } from "../terminal/tables.ts";
import { version } from "../version.ts";
import { formatReport } from "../../calibrate/report/text.ts";

export function convertCommand() {
  return new Command("convert")
    .description("convert an ONNX model to a spiking network")
    .argument("<model>", "ONNX model; with --passes also a .snn")
    .option("--calib <path>", "samples to choose thresholds from (a few hundred training samples)")
    .addOption(
      new Option(
        "--calib-samples <n>",
        "draw n samples of the calibration data, by --seed",
      ).argParser(wholeNumber(1, 2 ** 31 - 1)),
    )
    .option("--data <path>", "samples to measure accuracy on (default: the calibration set)")
    .addOption(options.labels)
    .addOption(options.x)
    .addOption(options.y)
    .addOption(options.task)
    .addOption(options.classes)
    .addOption(options.labelMap)
    .addOption(options.preprocess)
    .addOption(options.maxDataBytes)
    .addOption(options.limit)
    .addOption(conversionOptions.timesteps)
    .addOption(conversionOptions.code)
    .addOption(conversionOptions.bits)
    .addOption(conversionOptions.pipeline)
    .addOption(
      new Option("--passes <list>", "passes with options: name,name{option=value}").conflicts(
        "pipeline",
      ),
    )
    .addOption(
      new Option(
        "--auto",
        "choose code, timesteps and bits by trying on calibration samples",
      ).conflicts(["pipeline", "passes", "code", "bits", "timesteps"]),
    )
    .addOption(
      new Option(
        "--max-loss <points>",
        `with --auto: largest loss, in points of accuracy (for values: percent of their spread; default: ${defaultMaxLoss})`,
      ).argParser(points),
    )
    .addOption(
      new Option(
        "--confidence <percent>",
        `with --auto: confidence of that limit (default: ${defaultConfidence})`,
      ).argParser(confidence),
    )
    .addOption(
      new Option("--objective <name>", "with --auto: what to minimise (default: latency)").choices(
        objectives,
      ),
    )
    .option("--allow-analogue", "run ops without a spiking form on decoded values")
    .option("-o, --output <file>", "where to write the network (default: MODEL.snn here)")
    .option("--report <folder>", "write report.html and report.json there")
    .option("--no-eval", "do not measure accuracy")
    .option("--print-after <pass>", "print the network after a pass, or after all")
    .option("--time-passes", "print how long each pass took, also in the report")
    .option("--no-verify", "skip checking the network after each pass")
    .addOption(
      new Option(
        "--check-numerics <n>",
        "compare outputs on n samples before and after each pass that must keep them",
      ).argParser(wholeNumber(1, 2 ** 31 - 1)),
    )
    .addOption(options.engine)
    .addOption(options.inputShape)
    .addOption(options.dimension)
    .addOption(options.modelOutputs)
    .addOption(options.batchAxis)
    .addOption(options.inputValue)
    .addOption(options.maxValueBytes)
    .addOption(options.threads)
    .addOption(options.seed)
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .action((file, given) => perform(given, (context) => convertModel(file, given, context)));
}

/** The options of the command, as far as the work reads them. */
interface Given extends ModelOptions, DataOptions {
  readonly calib?: string | undefined;
  readonly calibSamples?: number | undefined;
  readonly data?: string | undefined;
  readonly timesteps?: number | undefined;
  readonly code?: string | undefined;
  readonly bits?: number | undefined;
  readonly pipeline?: string | undefined;
  readonly passes?: string | undefined;
  readonly auto?: true | undefined;
  readonly maxLoss?: number | undefined;
  readonly confidence?: number | undefined;
  readonly objective?: Objective | undefined;
  readonly allowAnalogue?: true | undefined;
  readonly output?: string | undefined;
  readonly report?: string | undefined;
  readonly eval: boolean;
  readonly printAfter?: string | undefined;
  readonly timePasses?: true | undefined;
  readonly verify: boolean;
  readonly checkNumerics?: number | undefined;
  readonly engine: EngineName;
  readonly threads: number;
  readonly seed: number;
}

async function convertModel(file: string, given: Given, context: Context): Promise<Outcome> {
  const started = performance.now();
  refuseContradictions(given);
  const way = wayNamed(given);
  const out = given.output ?? defaultOutput(file);
  const read = [file, given.calib, given.data, given.labels, given.classes];
  context.outputs.reads(...read.filter((name) => name !== undefined));
  context.outputs.writes(out);
  if (given.report !== undefined) {
    context.outputs.writesInto(given.report, reportNames);
    checkReportFolder(given.report);
  }
  const network = await loadNetwork(file, given, context);
  // Passes named one by one may start from anything; a pipeline starts from a model.
  if (network.kind === "snn" && given.passes === undefined) {
    fail(diagnose("already-spiking", null, { file }));
  }
  const imported = network.module;
  const before = network.provenance;
  const recorded = recordedPreprocess(before, file);
  const rememberedClasses = recordedClasses(before);
  const running = runningOf(given, context);
  // Labels given on the command line belong to the data that accuracy is measured on.
  const asked = given.task ?? recordedTask(network);
  const calibOptions: DataOptions = {
    engine: given.engine,
    preprocess: given.preprocess,
    recorded,
    x: given.x,
    y: given.y,
    part: "train",
    classes: given.classes,
    labelMap: given.labelMap,
    knownClasses: rememberedClasses,
    maxDataBytes: given.maxDataBytes,
    labels: given.data === undefined ? given.labels : undefined,
    task: asked,
    draw:
      given.calibSamples === undefined
        ? undefined
        : { count: given.calibSamples, seed: given.seed },
  };
  const calibration =
    given.calib === undefined
      ? null
      : await loadData(
          given.calib,
          imported,
          calibOptions,
          context,
          given.data === undefined && given.eval,
        );
  // Folders of all classes name them, for the test set and for whoever measures the network later.
  const knownClasses =
    rememberedClasses ??
    (calibration === null
      ? null
      : classesAmong(imported, calibration.dataset, calibration.labelOffset));
  // Loaded before any work is done, so that what is wrong with it is told at once.
  const testSet =
    given.data === undefined || !given.eval
      ? calibration
      : await loadData(
          given.data,
          imported,
          { ...given, task: asked, recorded, knownClasses, part: "test" },
          context,
          true,
        );
  if (calibration !== null && testSet !== null && testSet !== calibration) {
    context.report(...scaleWarnings(imported, calibration, testSet));
  }
  const task = taskSaid(imported, asked, testSet);
  const auto =
    given.auto === true
      ? await chooseAutomatically(
          imported,
          calibration?.samples ?? null,
          {
            maxLoss: given.maxLoss,
            objective: given.objective,
            confidence: given.confidence,
            task: task ?? undefined,
          },
          running,
          context,
        )
      : null;
  const pipeline = auto?.chosen.pipeline ?? given.passes ?? given.pipeline;
  const wanted =
    auto?.chosen.timesteps ??
    given.timesteps ??
    (network.kind === "snn" ? imported.timesteps : undefined);
  const conversion = await convert(imported, calibration?.samples ?? null, running, {
    ...(wanted === undefined ? {} : { timesteps: wanted }),
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(way.code === undefined ? {} : { code: way.code }),
    ...(given.bits === undefined ? {} : { bits: given.bits }),
    seed: given.seed,
    verify: given.verify,
    ...(given.allowAnalogue === true ? { allowAnalogue: true } : {}),
    onPass: (record) => showPass(record, given, context),
    ...(given.checkNumerics === undefined || calibration === null
      ? {}
      : { checkNumerics: numericsCheck(calibration.samples, given.checkNumerics) }),
  });
  context.report(...conversion.diagnostics);
  // Where a frame has been cut short, a rehearsal comes first, all has been sent before, or nobody said
  // how long, it is the network that knows.
  const { module: made } = conversion;
  const rehearsal = rehearsalOf(made);
  if (rehearsal > 0) {
    context.report(diagnose("runs-twice", null, { timesteps: made.timesteps, rehearsal }));
  }
  const endsEarly = network.kind === "ann" && lastFinerStep(made) !== null;
  const fixed = wanted === undefined || isFramed(made.code) || rehearsal > 0 || endsEarly;
  const timesteps = fixed ? made.timesteps : wanted;
  const seconds = (performance.now() - started) / 1000;

  const preprocess =
    given.preprocess === undefined
      ? (before?.["preprocess"] ?? null)
      : await recordOf(given.preprocess, context);
  const reading =
    network.reading === null ? (before?.["reading"] ?? null) : recordOfReading(network.reading);
  const classes =
    given.classes === undefined
      ? (knownClasses ??
        (testSet === null ? null : classesAmong(imported, testSet.dataset, testSet.labelOffset)))
      : await readClassNames(given.classes);
  const inputs =
    calibration === null ? (before?.["inputs"] ?? null) : recordOfRanges(imported, calibration);
  // Of a network that was converted already, what it came from and what was done to it stay.
  const passes = printPipeline(conversion.steps, { full: true });
  const earlier = before?.["pipeline"];
  const provenance = {
    tool: { name: "snnc", version },
    model: before?.["model"] ?? { file: path.basename(file), sha256: network.sha256 },
    calibration:
      calibration === null
        ? (before?.["calibration"] ?? null)
        : { samples: calibration.samples.count, sha256: calibration.sha256 },
    ...(reading === null ? {} : { reading }),
    preprocess,
    ...(classes === null ? {} : { classes: recordOfClasses(classes) }),
    ...(task === null ? {} : { tasks: recordOfTask(imported, task) }),
    ...(inputs === null ? {} : { inputs }),
    pipeline: typeof earlier === "string" ? `${earlier},${passes}` : passes,
    timesteps,
    seed: given.seed,
  };
  const parts = packageParts({ module: conversion.module, provenance });
  writeOutput(out, parts);
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  context.terminal.note(`wrote ${printable(out)} (${size} bytes)`);

  const evaluated = await assess(file, network.sha256, imported, conversion);
  return {
    text: evaluated.text,
    json: {
      model: file,
      out,
      code: conversion.module.code,
      timesteps,
      parameters: [...conversion.module.tensors.values()].reduce((n, t) => n + t.data.length, 0),
      ops: conversion.module.ops.length,
      pipeline: conversion.passes.map((p) => ({
        pass: p.pass,
        seconds: p.seconds,
        changed: p.changed,
      })),
      calibrationSamples: calibration?.samples.count ?? 0,
      seconds,
      ...(auto === null ? {} : { auto }),
      ...evaluated.json,
      diagnostics: context.diagnostics.map(diagnosticToJson),
    },
  };

  /** Accuracy of both networks, and the report where one is asked for. */
  async function assess(
    model: string,
    sha256: string,
    before: typeof imported,
    { module: snn, reference, passes }: Conversion,
  ): Promise<{ text: string; json: object }> {
    const data = testSet;
    if (!given.eval) return { text: "", json: {} };
    if (reference === null || snn.code === "none" || data === null) {
      const spiking = snn.code !== "none";
      context.report(diagnose("not-measured", null, { spiking, data: data !== null }));
      return { text: "", json: {} };
    }
    const evaluations = await evaluatePair(reference, snn, data, running, timesteps);
    const ann = evaluations.ann.accuracy?.[0] ?? null;
    const json = {
      evaluationSamples: data.samples.count,
      annAccuracy: ann,
      accuracy: evaluations.snn.accuracy,
      lossStandardError: evaluations.snn.lossStandardError,
      agreement: evaluations.snn.agreement,
      ...taskJson(evaluations.snn),
      annMetrics: evaluations.ann.outputs[0]?.metrics ?? {},
      ...costJson(evaluations.snn),
      annMultiplyAccumulatesPerSample: evaluations.ann.multiplyAccumulatesPerSample.at(-1) ?? 0,
      energy: ownEnergy(evaluations.ann, evaluations.snn),
    };
    context.report(...evaluations.ann.diagnostics);
    const on = `on ${data.samples.count} samples of ${printable(data.name)}`;
    const request = {
      version,
      model: { file: model, sha256, imported: before },
      reference,
      snn,
      passes,
      timed: given.timePasses === true,
      timesteps,
      seed: given.seed,
      calibration,
      evaluation: data,
      evaluations,
      diagnostics: context.diagnostics,
    };
    if (given.report === undefined) {
      const lines = [`${annFigures(evaluations.ann)}${on}`, ...taskLines(evaluations.snn)];
      const table = accuracyTable(evaluations.snn, evaluations.ann);
      const advice = await mainAdvice(request, running);
      const costs = costLines(evaluations.snn, evaluations.ann).join("\n");
      const text = [
        lines.join("\n"),
        table,
        costs,
        ...(advice === null ? [] : [adviceText(advice)]),
      ];
      return { text: text.join("\n\n"), json: { ...json, advice } };
    }
    const report = await makeReport(request, running);
    const files = await writeReport(given.report, report);
    const { width, color } = context.terminal;
    return {
      text: `${formatReport(report, { width, color })}\n\nreport: ${printable(files.html)}`,
      json: { ...json, report: files },
    };
  }
}

/** What the analogue network scores; nothing where there is nothing right to compare it with. */
function annFigures(ann: Evaluation): string {
  const figures = figuresOf(ann, null);
  if (figures.accuracy === null && figures.metrics.rmse === undefined) return "";
  if (figures.task === "classify") return `ANN ${percent(figures.accuracy?.[0] ?? null)} `;
  return `ANN: ${qualityLine(figures)} `;
}

/** Preprocessing as the network's file keeps it: every step with its default filled in. */
async function recordOf(file: string, context: Context) {
  const { resize, events, ...steps } = await readPreprocess(file, context);
  const stated = Object.entries(events ?? {}).filter(([, value]) => value !== null);
  return {
    ...steps,
    resize: resize === null ? null : { ...resize },
    ...(events === null ? {} : { events: Object.fromEntries(stated) }),
  };
}

/** Options that would be of no effect beside others are refused, not passed over. */
function refuseContradictions(given: Given): void {
  const beside = (option: string, other: string): string => `${option} is of no use with ${other}`;
  if (!given.eval && given.report !== undefined) {
    fail(diagnose("usage", null, { text: beside("--report", "--no-eval") }));
  }
  if (!given.eval && given.data !== undefined) {
    fail(diagnose("usage", null, { text: beside("--data", "--no-eval") }));
  }
  const named = given.passes === undefined ? "--pipeline" : "--passes";
  if (given.passes !== undefined || given.pipeline !== undefined) {
    if (given.code !== undefined) {
      const text = `${beside("--code", named)}: the pass that converts says which it is`;
      fail(diagnose("usage", null, { text }));
    }
  }
  if (given.bits !== undefined && given.passes !== undefined) {
    const text = `${beside("--bits", named)}: write it as an option of the pass that converts`;
    fail(diagnose("usage", null, { text }));
  }
  if (given.auto !== true && (given.maxLoss ?? given.objective ?? given.confidence) !== undefined) {
    const option =
      given.maxLoss !== undefined
        ? "--max-loss"
        : given.objective !== undefined
          ? "--objective"
          : "--confidence";
    fail(diagnose("option-needs", null, { option, other: "--auto" }));
  }
  if (given.checkNumerics !== undefined && given.calib === undefined) {
    const text =
      "--check-numerics runs the network on calibration samples, and there is no --calib";
    fail(diagnose("usage", null, { text }));
  }
}

/** The model's name with the ending of ours, in the current folder; never the input itself. */
function defaultOutput(file: string): string {
  const { name, ext } = path.parse(file);
  return ext === ".snn" ? `${name}.converted.snn` : `${name}.snn`;
}

function showPass(record: PassRecord, given: Given, { terminal }: Context): void {
  const wanted = given.printAfter;
  if (wanted !== undefined && wanted !== "all" && !allPasses.some((p) => p.name === wanted)) {
    fail(unknownPass(wanted));
  }
  if (given.timePasses === true) {
    const text = `${record.pass.padEnd(26)} ${record.seconds.toFixed(2).padStart(8)} s`;
    terminal.note(record.changed ? text : `${text}  (no change)`);
  }
  if (record.changed && (wanted === "all" || wanted === record.pass)) {
    terminal.alert(`// after ${record.pass}\n${printModule(record.after, { locs: "none" })}`);
  }
}

function unknownPass(name: string): Diagnostic {
  const wanted = pipelines.has(name)
    ? "the name of a pass, or all: this is a pipeline"
    : "the name of a pass, or all";
  return diagnose("bad-option", null, { option: "--print-after", given: name, wanted });
}

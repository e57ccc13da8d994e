/** `snnc report`: the report of a conversion that was done before. */
import { Command } from "@commander-js/extra-typings";
import { measuredFigures } from "../../calibrate/result/figures.ts";
import type { ReportResult } from "../../calibrate/result/schema.ts";
import { formatReport } from "../../calibrate/report/text.ts";
import { fail } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { isSourceOverTime } from "../../ir/op/known.ts";
import { evaluatePair } from "../../library/assess.ts";
import { stepsOf } from "../../library/convert.ts";
import { type Rebuilt, rebuildReference } from "../../library/reference.ts";
import { makeReport } from "../../library/report.ts";
import { membersOf } from "../../ir/file/json.ts";
import type { Provenance } from "../../ir/file/package.ts";
import { printable } from "../../ir/text/printable.ts";
import type { Running } from "../../library/measure.ts";
import { type CommandContext, type Outcome, perform, runningOf } from "../action.ts";
import { loadData } from "../options/data.ts";
import { diagnose } from "../diagnostics.ts";
import { loadNetwork } from "../load.ts";
import type { Network } from "../../library/network.ts";
import { measuredData } from "../network-data.ts";
import { options } from "../options/options.ts";
import { checkReportFolder } from "../files/own-folder.ts";
import { reportNames } from "../files/own-names.ts";
import { recordedPreprocess } from "../../library/record/preprocessing.ts";
import { commonOf, commonOptions, dataJson } from "../result.ts";
import { writeReport } from "../files/report-files.ts";
import { timestepsOf } from "../options/timesteps.ts";
import { version } from "../version.ts";

type Given = ReturnType<ReturnType<typeof declare>["opts"]>;

export function reportCommand() {
  return declare().action((file, given) => perform(given, (context) => work(file, given, context)));
}

function declare() {
  return new Command("report")
    .description("compare a .snn with the model it came from, and write report.html")
    .argument("<network>", ".snn network")
    .requiredOption("--model <file>", "the ONNX model that it was converted from")
    .requiredOption("--data <path>", "samples to measure on")
    .requiredOption("-o, --output <folder>", "where to write report.html and report.json")
    .option(
      "--calib <path>",
      "the calibration samples of the conversion, if the network holds constants from them",
    )
    .addOption(options.labels)
    .addOption(options.x)
    .addOption(options.y)
    .addOption(options.task)
    .addOption(options.classes)
    .addOption(options.labelMap)
    .addOption(options.preprocess)
    .addOption(options.maxDataBytes)
    .addOption(options.limit)
    .addOption(options.timesteps)
    .addOption(options.engine)
    .addOption(options.inputShape)
    .addOption(options.dimension)
    .addOption(options.modelOutputs)
    .addOption(options.batchAxis)
    .addOption(options.stream)
    .addOption(options.inputValue)
    .addOption(options.maxValueBytes)
    .addOption(options.threads)
    .addOption(options.seed)
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug);
}

async function work(file: string, given: Given, context: CommandContext): Promise<Outcome> {
  context.outputs.reads(file, given.model, given.data);
  if (given.calib !== undefined) context.outputs.reads(given.calib);
  context.outputs.writesInto(given.output, reportNames);
  checkReportFolder(given.output);
  const network = await loadNetwork(file, given, context);
  if (network.kind === "ann") fail(diagnose("not-spiking", null, { file, command: "report" }));
  if (inputsOf(network.module).some(isSourceOverTime)) {
    fail(diagnose("report-over-time", null, { file }));
  }
  const timesteps = timestepsOf(network.module, file, given.timesteps, context);
  const model = await loadNetwork(given.model, given, context, network);
  const running = runningOf(given, context);
  const { reference, isPaired, pipeline } = await referenceOf(
    network,
    model,
    given,
    running,
    context,
  );
  if (!isPaired) context.report(diagnose("layers-not-compared", null, { file }));
  const { module } = model;
  const data = await measuredData(network, given.data, given, context, { module });
  const evaluations = await evaluatePair(reference, network.module, data, running, timesteps);
  const report = await makeReport(
    {
      version,
      model: { file: given.model, sha256: model.sha256, imported: module },
      reference,
      snn: network.module,
      // What ran then, without its clock; the loss after each pass was of that run.
      passes: [],
      ranBefore: stepsOf(pipeline).map((step) => ({
        pass: step.pass.name,
        options: { ...step.options },
        seconds: null,
        changed: true,
      })),
      layers: isPaired,
      timesteps,
      seed: given.seed,
      calibration: null,
      evaluation: data,
      evaluations,
      diagnostics: context.diagnostics,
    },
    running,
  );
  const files = await writeReport(given.output, report);
  const { width, color } = context.terminal;
  const { ann, snn } = evaluations;
  const blocks = {
    data: dataJson(data),
    ann: measuredFigures(ann, null),
    snn: measuredFigures(snn, ann),
  };
  const result: ReportResult = {
    ...commonOf(network, context, blocks, given.model),
    command: "report",
    options: commonOptions(given),
    network: file,
    ...files,
    accuracy: report.accuracy,
  };
  return {
    text: `${formatReport(report, { width, color })}\n\nreport: ${printable(files.html)}`,
    json: result,
  };
}

interface Reference extends Rebuilt {
  /** The passes that the network records, in one text. */
  readonly pipeline: string;
}

/** The analogue network that `network` was converted from; fails where `model` is not the one. */
async function referenceOf(
  network: Network,
  model: Network,
  given: Given,
  running: Running,
  context: CommandContext,
): Promise<Reference> {
  const pipeline = network.provenance?.["pipeline"];
  const isIts = modelHashOf(network.provenance) === model.sha256;
  const calibration =
    given.calib === undefined
      ? null
      : await calibrationOf(network, model.module, given.calib, given, context);
  const rebuilt =
    typeof pipeline === "string" && model.kind === "ann" && isIts
      ? await rebuildReference(model.module, network.module, pipeline, running, calibration)
      : null;
  if (rebuilt === null || typeof pipeline !== "string") {
    return fail(diagnose("other-model", null, { file: network.file, model: given.model }));
  }
  return { ...rebuilt, pipeline };
}

/** The samples that a network was converted on: as many as it records, which are drawn as it did. */
async function calibrationOf(
  { file, provenance }: Network,
  model: Module,
  calib: string,
  { preprocess, maxDataBytes }: Given,
  context: CommandContext,
): Promise<SampleSource> {
  const record = membersOf(provenance?.["calibration"] ?? null);
  const [count, seed] = [record?.get("samples"), provenance?.["seed"]];
  const draw = typeof count === "number" && typeof seed === "number" ? { count, seed } : undefined;
  const recorded = recordedPreprocess(provenance, file);
  const options = { preprocess, recorded, maxDataBytes, part: "train", draw } as const;
  const { samples, sha256 } = await loadData(calib, model, options, context, false);
  if (sha256 !== record?.get("sha256")) fail(diagnose("other-calibration", null, { file, calib }));
  return samples;
}

/** The hash of the model that a network was made from, as its provenance has it. */
function modelHashOf(provenance: Provenance | null): string | null {
  const hash = membersOf(provenance?.["model"] ?? null)?.get("sha256");
  return typeof hash === "string" ? hash : null;
}

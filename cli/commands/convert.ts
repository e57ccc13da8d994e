/** `snnc convert`: the main job. */
import { Command, Option } from "@commander-js/extra-typings";
import { fail } from "../../ir/diagnostic.ts";
import { objectives } from "../../library/auto/auto.ts";
import { type Job, defaultConfidence, defaultMaxLoss, parseJob } from "../../library/job/job.ts";
import { completeJob, openJob } from "../../library/job/open.ts";
import { runJob } from "../../library/job/run.ts";
import { type CommandContext, type Outcome, perform, runningOf } from "../action.ts";
import { hostOf } from "../convert/host.ts";
import { type Given, jobOf } from "../convert/job.ts";
import { outcomeOf } from "../convert/results.ts";
import { diagnose } from "../diagnostics.ts";
import { readInput } from "../files/files.ts";
import { checkReportFolder } from "../files/own-folder.ts";
import { reportNames } from "../files/own-names.ts";
import { conversionOptions } from "../options/conversion.ts";
import { confidence, options, points, wholeNumber } from "../options/options.ts";

/** Options that change nothing of what a job makes. */
const besideJob: ReadonlySet<string> = new Set([
  "job",
  "printJob",
  "printAfter",
  "timePasses",
  "verify",
  "checkNumerics",
  "threads",
  "json",
  "quiet",
  "debug",
]);

export function convertCommand() {
  return new Command("convert")
    .description("convert an ONNX model to a spiking network")
    .argument("[model]", "ONNX model; with --passes also a .snn; none with --job")
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
    .addOption(conversionOptions.integer)
    .addOption(conversionOptions.weightBits)
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
    .option("--job <file>", "run a job that --print-job printed, in place of model and options")
    .option("--print-job", "print the job that these options mean, with hashes, and do not run it")
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
    .addOption(options.stream)
    .addOption(options.inputValue)
    .addOption(options.maxValueBytes)
    .addOption(options.threads)
    .addOption(options.seed)
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .action((file, given, command) =>
      perform(given, (context) => {
        const besides = Object.keys(given).filter(
          (name) => command.getOptionValueSource(name) === "cli" && !besideJob.has(name),
        );
        return work(file, given, besides, context);
      }),
    );
}

async function work(
  file: string | undefined,
  given: Given,
  besides: readonly string[],
  context: CommandContext,
): Promise<Outcome> {
  const started = performance.now();
  const job = await jobFrom(file, given, besides, context);
  const host = hostOf(job, given, context);
  if (given.printJob === true) {
    const complete = completeJob(job, await openJob(job, host));
    return { json: complete, text: JSON.stringify(complete, null, 2) };
  }
  const { network, report } = job.outputs;
  const { model, calibration, evaluation } = job;
  context.outputs.reads(...[model, calibration, evaluation].flatMap((it) => it?.file ?? []));
  context.outputs.writes(network);
  if (report !== null) {
    context.outputs.writesInto(report, reportNames);
    checkReportFolder(report);
  }
  let seconds = 0;
  const result = await runJob(job, {
    ...host,
    onNetwork(parts) {
      seconds = (performance.now() - started) / 1000;
      host.onNetwork?.(parts);
    },
  });
  const running = runningOf({ engine: job.engine, threads: given.threads }, context);
  return outcomeOf(job, result, running, seconds, context);
}

/** The job of a file, or that which the options mean. */
async function jobFrom(
  file: string | undefined,
  given: Given,
  besides: readonly string[],
  context: CommandContext,
): Promise<Job> {
  const usage = (text: string): never => fail(diagnose("usage", null, { text }));
  if (given.job === undefined) {
    return jobOf(file ?? usage("missing required argument 'model'"), given, context);
  }
  if (file !== undefined) usage("--job FILE names the model: give no other");
  const [first] = besides;
  if (first !== undefined) {
    const option = first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    usage(`--job FILE says all that decides the result: --${option} is of no use beside it`);
  }
  context.outputs.reads(given.job);
  return parseJob(new TextDecoder().decode(await readInput(given.job)), given.job);
}

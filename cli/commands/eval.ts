/** `snnc eval`: accuracy at each timestep; for an ANN, its accuracy. */
import { Command, Option } from "@commander-js/extra-typings";
import { chanceWarnings } from "../../calibrate/chance.ts";
import type { Evaluation } from "../../calibrate/evaluate.ts";
import { evaluationJson } from "../../calibrate/evaluation-json.ts";
import { type EarlyExitEvaluation, marginOfTask } from "../../calibrate/early-exit.ts";
import { measuredFigures } from "../../calibrate/result/figures.ts";
import type { EvalResult } from "../../calibrate/result/schema.ts";
import { counted, percent } from "../../calibrate/report/format.ts";
import { chooseTask, outputView } from "../../calibrate/tasks/choose.ts";
import { targetSetOf } from "../../calibrate/tasks/targets.ts";
import { fail } from "../../ir/diagnostic.ts";
import type { EarlyExit } from "../../ir/run/early-exit.ts";
import { type Module, answersOf, maxTimesteps, rehearsalOf } from "../../ir/module.ts";
import { evaluateModule, evaluateWithEarlyExit } from "../../library/assess.ts";
import { convert } from "../../library/convert.ts";
import type { Data } from "../../library/data.ts";
import { type CommandContext, type Outcome, perform, runningOf } from "../action.ts";
import { diagnose } from "../diagnostics.ts";
import { loadNetwork } from "../load.ts";
import { measuredData } from "../network-data.ts";
import { fraction, options, wholeNumber } from "../options/options.ts";
import { accuracyTable, costLines, earlyExitTable, taskLines } from "../terminal/tables.ts";
import { timestepsOf, timestepsOn } from "../options/timesteps.ts";
import { commonOf, commonOptions, dataJson } from "../result.ts";
import { type Timed, timed } from "../timed.ts";

type Given = ReturnType<ReturnType<typeof declare>["opts"]>;

export function evalCommand() {
  return declare().action((file, given) => perform(given, (context) => work(file, given, context)));
}

function declare() {
  return new Command("eval")
    .description("measure accuracy: at each timestep of a spiking network, or of an ONNX model")
    .argument("<network>", "ONNX model or .snn network")
    .requiredOption("--data <path>", "samples: .npy, .npz, IDX, CIFAR, image folder, safetensors")
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
    .addOption(
      new Option(
        "--early-exit <margin>",
        "also stop each sample when its two best classes differ by this margin (probabilities, 0 to 1)",
      ).argParser(fraction),
    )
    .addOption(
      new Option(
        "--exit-every <n>",
        "test the margin after every n timesteps (default: 1 for up to 8 timesteps, otherwise 4)",
      ).argParser(wholeNumber(1, maxTimesteps)),
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
    .addOption(options.debug);
}

async function work(file: string, given: Given, context: CommandContext): Promise<Outcome> {
  const network = await loadNetwork(file, given, context);
  const { code } = network.module;
  const own = timestepsOf(network.module, file, given.timesteps, context);
  // Whether two timesteps would give one answer.
  const answersOnce = answersOf(network.module, 2) === 1;
  if (answersOnce && given.earlyExit !== undefined) {
    context.report(diagnose("early-exit-ignored", null, { file, code }));
  }
  const data = await measuredData(network, given.data, given, context, { needsLabels: true });
  const timesteps = timestepsOn(data, own, given.timesteps, context);
  const running = runningOf(given, context);
  const module =
    network.kind === "ann" && given.engine !== "interpret"
      ? await cleaned(network.module, running)
      : network.module;
  const rule = ruleOf(module, timesteps, given, data);
  const { result: evaluation, seconds } = await timed(() =>
    evaluateModule(module, data, running, {
      timesteps,
      label: "evaluating",
      check: network.kind === "ann",
    }),
  );
  context.report(...evaluation.diagnostics, ...chanceWarnings(evaluation));
  if (rule !== null && !answersOnce && rule.every >= timesteps) {
    context.report(diagnose("early-exit-too-late", null, { every: rule.every, timesteps }));
  }
  const earlyExit =
    rule === null || answersOnce
      ? undefined
      : await timed(() => evaluateWithEarlyExit(module, data, running, { timesteps, rule }));
  const json = evaluationJson(evaluation, {
    model: file,
    seconds,
    ...(earlyExit === undefined
      ? {}
      : { earlyExit: { evaluation: earlyExit.result, seconds: earlyExit.seconds } }),
  });
  const figures = measuredFigures(evaluation, null);
  const result: EvalResult = {
    ...commonOf(network, context, { data: dataJson(data), [network.kind]: figures }),
    command: "eval",
    options: {
      ...commonOptions(given),
      earlyExit: given.earlyExit ?? null,
      exitEvery: given.exitEvery ?? null,
    },
    ...json,
  };
  return {
    json: result,
    text: evaluationText(evaluation, seconds, earlyExit),
  };
}

/** The same function in fewer ops. */
async function cleaned(
  module: Parameters<typeof convert>[0],
  running: Parameters<typeof convert>[2],
): Promise<typeof module> {
  const options = { timesteps: 1, pipeline: "canonical", seed: 0 };
  return (await convert(module, null, running, options)).module;
}

/** The rule that the options ask for; it is not looked at before it first can be. */
function ruleOf(
  module: Module,
  timesteps: number,
  given: Given,
  { labels, task: wanted }: Data,
): EarlyExit | null {
  const { earlyExit: margin } = given;
  if (margin === undefined) return null;
  const view = outputView(module, 0);
  const task = chooseTask(module, view, labels === null ? null : targetSetOf(labels), wanted);
  const found = marginOfTask(module, { task, view });
  if ("none" in found) {
    const params = { output: view.name, task: task.name, why: found.none };
    return fail(diagnose("early-exit-has-no-margin", null, params));
  }
  // Networks that answer within a few timesteps are sure of it at once; means of rates are not.
  const every = given.exitEvery ?? (timesteps <= 8 ? 1 : 4);
  // An answer of the rehearsal knows nothing of what was learned in it.
  const minimum = rehearsalOf(module) + every;
  return { margin, of: found.of, minimum, every };
}

function evaluationText(
  evaluation: Evaluation,
  seconds: number,
  earlyExit: Timed<EarlyExitEvaluation> | undefined,
): string {
  const lines = [
    ...costLines(evaluation, null),
    ...taskLines(evaluation),
    `${evaluation.samples} samples in ${paceOf(evaluation.samples, seconds)}`,
  ];
  const { memory } = evaluation;
  if (memory !== null) {
    const { weightsBytes, arenaBytes, threads } = memory;
    const arenas = `${megabytes(arenaBytes)} × ${counted(threads, "thread")}`;
    lines.push(`memory: ${megabytes(weightsBytes)} of weights + ${arenas}`);
  }
  if (earlyExit !== undefined) {
    const { rule, accuracy, meanTimesteps, latency } = earlyExit.result;
    lines.push(
      `early exit at ${rule.margin}: ${percent(accuracy)} after ${meanTimesteps.toFixed(2)} ` +
        `timesteps on average (half within ${latency.p50}, 99 % within ${latency.p99}), ` +
        `in ${paceOf(evaluation.samples, earlyExit.seconds)}`,
      "",
      earlyExitTable(earlyExit.result),
      "",
      "Each row counts a sample up to where it ended; in the table above, no sample ends early.",
    );
  }
  return `${accuracyTable(evaluation, null)}\n\n${lines.join("\n")}`;
}

function paceOf(samples: number, seconds: number): string {
  const rate = seconds > 0 ? ` (${(samples / seconds).toFixed(1)} per second)` : "";
  return `${seconds.toFixed(1)} s${rate}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

/**
 * `npm run accuracy`: conversion loss against timesteps, method by method, on real models. Each row
 * is a conversion of its own for its number of timesteps, read at its last one; thresholds come from
 * training images only.
 */
import { Command, Option } from "@commander-js/extra-typings";
import type { Evaluation } from "../calibrate/evaluate.ts";
import { type Context, runningOf } from "../cli/action.ts";
import { loadData } from "../cli/data.ts";
import { loadNetwork } from "../cli/load.ts";
import { options, wholeNumber } from "../cli/options.ts";
import { alignedTable } from "../cli/tables.ts";
import { createTerminal } from "../cli/terminal.ts";
import { known } from "../ir/diagnostic.ts";
import { type Module, opsOf } from "../ir/module.ts";
import { neuronKinds } from "../ir/op.ts";
import { elementCount } from "../ir/type.ts";
import { evaluateModule } from "../library/assess.ts";
import { convert } from "../library/convert.ts";
import { calibrationOn } from "../library/measure.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { type Case, casesOf } from "./suite.ts";

/** A way to convert: what follows cleaning and fusing. */
const methods: Readonly<Record<string, string>> = {
  max: "convert-activations,balance-max",
  percentile: "convert-activations,balance-percentile",
  local: "convert-activations,balance-local",
  mmse: "convert-activations,balance-mmse",
  default: "default",
  lif: "lif",
};

interface Row {
  readonly model: string;
  readonly method: string;
  readonly code: string;
  readonly timesteps: number;
  readonly samples: number;
  readonly annAccuracy: number;
  readonly accuracy: number;
  /** Points of accuracy. */
  readonly loss: number;
  readonly agreement: number;
  readonly relativeLogitError: number;
  readonly spikesPerNeuron: number;
  readonly synapticOperations: number;
  readonly latencyTimesteps: number;
}

const program = new Command("accuracy")
  .description("conversion loss against timesteps on real models")
  .argument("[names...]", "models whose names contain one of these; all if none is given")
  .option(
    "--shared <folder>",
    "folder with models/ and data/",
    process.env["SNNC_SHARED"] ?? "../shared",
  )
  .option("--model <file>", "a model of your own, with --calib, --data and --preprocess")
  .option("--calib <path>", "its training samples")
  .option("--data <path>", "its test samples, with labels")
  .addOption(options.preprocess)
  .option("--methods <list>", `of ${Object.keys(methods).join(", ")}, or passes in "…"`, "default")
  .option("--timesteps <list>", "numbers of timesteps", "4,8,16,32,64")
  .addOption(
    new Option("--calib-samples <n>", "training samples to calibrate on")
      .default(512)
      .argParser(wholeNumber(1, 1_000_000)),
  )
  .addOption(options.limit)
  .addOption(options.threads)
  .addOption(options.json)
  .parse();

const given = program.opts();
const terminal = createTerminal({ json: given.json, quiet: false });
const context: Context = { terminal, report: () => undefined, diagnostics: [] };
const running = runningOf({ engine: "wasm", threads: given.threads }, context);
const rows: Row[] = [];
for (const one of chosenCases()) rows.push(...(await measureCase(one)));
const report = { machine: describeMachine(), versions: describeVersions(), seed: 0, rows };
terminal.out(given.json ? JSON.stringify(report) : "");

function chosenCases(): Case[] {
  const { model, calib, data, preprocess } = given;
  if (model === undefined) return casesOf(given.shared, program.args);
  return [
    {
      name: model,
      model,
      preprocess: preprocess ?? "",
      calibration: known(calib, "--calib beside --model"),
      test: known(data, "--data beside --model"),
      note: "",
    },
  ];
}

/** All methods and timesteps on one model. */
async function measureCase(one: Case): Promise<Row[]> {
  const { module: imported } = await loadNetwork(one.model, {}, context);
  const { module: clean } = await convert(imported, null, running, {
    timesteps: 1,
    pipeline: "canonical,commute-max-pool",
    seed: 0,
  });
  const how = one.preprocess === "" ? {} : { preprocess: one.preprocess };
  const calibration = await loadData(
    one.calibration,
    clean,
    { ...how, draw: { count: given.calibSamples, seed: 0 } },
    context,
    false,
  );
  const test = await loadData(one.test, clean, { ...how, limit: given.limit }, context, true);
  const ann = await evaluateModule(clean, test, running, {
    timesteps: 1,
    label: `${one.name}: ANN`,
    keepLogits: true,
  });
  if (!given.json) {
    terminal.out(
      `\n${one.name}: ANN ${percentText(ann.accuracy?.[0])} on ${test.samples.count} samples` +
        `${one.note === "" ? "" : ` (${one.note})`}`,
    );
  }
  const measure = calibrationOn(calibration.samples, running);
  const made: Row[] = [];
  for (const method of splitList(given.methods)) {
    for (const timesteps of splitList(given.timesteps).map(Number)) {
      const pipeline = methods[method] ?? method;
      const { module } = await convert(clean, measure, running, { timesteps, pipeline, seed: 0 });
      const snn = await evaluateModule(module, test, running, {
        timesteps,
        label: `${one.name}: ${method}, T = ${timesteps}`,
        reference: ann,
      });
      made.push(rowOf(one, method, timesteps, ann, snn, module));
    }
  }
  if (!given.json) terminal.out(tableOf(made));
  return made;
}

function rowOf(
  one: Case,
  method: string,
  timesteps: number,
  ann: Evaluation,
  snn: Evaluation,
  module: Module,
): Row {
  const neurons = opsOf(module, ...neuronKinds).reduce(
    (n, op) => n + elementCount(op.type.shape),
    0,
  );
  const annAccuracy = known(ann.accuracy?.[0], "labels");
  const accuracy = known(snn.accuracy?.at(-1), "labels");
  return {
    model: one.name,
    method,
    code: module.code,
    timesteps,
    samples: snn.samples,
    annAccuracy,
    accuracy,
    loss: (annAccuracy - accuracy) * 100,
    agreement: known(snn.agreement?.at(-1), "a reference"),
    relativeLogitError: known(snn.relativeLogitError?.at(-1), "a reference"),
    spikesPerNeuron: known(snn.spikesPerSample.at(-1), "a timestep") / neurons,
    synapticOperations: known(snn.synapticOperationsPerSample.at(-1), "a timestep"),
    latencyTimesteps: snn.latencyTimesteps,
  };
}

function tableOf(all: readonly Row[]): string {
  const head = [
    "method",
    "T",
    "accuracy",
    "loss",
    "agreement",
    "logit error",
    "spikes/neuron",
    "SynOps",
  ];
  return alignedTable([
    head,
    ...all.map((row) => [
      row.method,
      String(row.timesteps),
      percentText(row.accuracy),
      row.loss.toFixed(2),
      percentText(row.agreement),
      row.relativeLogitError.toExponential(2),
      row.spikesPerNeuron.toFixed(3),
      `${(row.synapticOperations / 1e6).toFixed(2)} M`,
    ]),
  ]);
}

function percentText(share: number | undefined): string {
  return share === undefined ? "" : `${(share * 100).toFixed(2)} %`;
}

/** Splits at commas outside of braces and quotes: a method may be a list of passes in quotes. */
function splitList(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|[^,"]+/g)].map((match) => match[1] ?? match[0]);
}

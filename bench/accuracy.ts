/**
 * `npm run accuracy`: conversion loss against timesteps, method by method, on real models. Each row
 * is a conversion of its own for its number of timesteps, read at its last one; thresholds come from
 * training images only.
 */
import { writeFileSync } from "node:fs";
import { Command, Option } from "@commander-js/extra-typings";
import type { Evaluation } from "../calibrate/evaluate.ts";
import { type Context, runningOf } from "../cli/action.ts";
import { loadData } from "../cli/data.ts";
import { loadNetwork } from "../cli/load.ts";
import { options, wholeNumber } from "../cli/options.ts";
import { createOutputs } from "../cli/outputs.ts";
import { createTerminal } from "../cli/terminal.ts";
import { DiagnosticError, known } from "../ir/diagnostic.ts";
import { type Module, opsOf } from "../ir/module.ts";
import { neuronKinds } from "../ir/op.ts";
import { elementCount } from "../ir/type.ts";
import { evaluateModule } from "../library/assess.ts";
import { convert } from "../library/convert.ts";
import { calibrationOn } from "../library/measure.ts";
import { type Method, methods, methodsOf, splitList } from "./accuracy/methods.ts";
import { renderPage } from "./accuracy/page.ts";
import { type Row, comparisonTable, comparisons, percentText, tableOf } from "./accuracy/rows.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { type Case, casesOf } from "./suite.ts";

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
  .option(
    "--methods <list>",
    `all, peers, ours, or of ${methods.map(({ name }) => name).join(", ")}, or passes in "…"`,
    "default",
  )
  .option("--timesteps <list>", "numbers of timesteps", "4,8,16,32,64")
  .addOption(
    new Option("--calib-samples <n>", "training samples to calibrate on")
      .default(512)
      .argParser(wholeNumber(1, 1_000_000)),
  )
  .option("--html <file>", "writes a page with curves")
  .addOption(options.limit)
  .addOption(options.threads)
  .addOption(options.json)
  .parse();

const given = program.opts();
const terminal = createTerminal({ json: given.json, quiet: false });
const context: Context = {
  terminal,
  report: () => undefined,
  diagnostics: [],
  outputs: createOutputs(),
};
const running = runningOf({ engine: "wasm", threads: given.threads }, context);
const rows: Row[] = [];
for (const one of chosenCases()) rows.push(...(await measureCase(one)));
const machine = describeMachine();
const report = { machine, versions: describeVersions(), seed: 0, rows };
const compared = comparisons(rows);
if (given.html !== undefined)
  writeFileSync(given.html, await renderPage({ rows, compared, machine }));
if (given.json) terminal.out(JSON.stringify(report));
else if (compared.length > 0) {
  terminal.out("\nIn (relative logit error, spikes per neuron):");
  terminal.out(comparisonTable(compared));
}

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
  const chosen = methodsOf(given.methods);
  const steps = splitList(given.timesteps).map(Number);
  const work = chosen.flatMap((method) => steps.map((timesteps) => ({ method, timesteps })));
  for (const [done, { method, timesteps }] of work.entries()) {
    const label = `${one.name}, ${done + 1} of ${work.length}: ${method.name}, T = ${timesteps}`;
    const { pipeline } = method;
    try {
      const started = performance.now();
      const { module } = await convert(clean, measure, running, { timesteps, pipeline, seed: 0 });
      const seconds = (performance.now() - started) / 1000;
      const snn = await evaluateModule(module, test, running, { label, reference: ann });
      made.push(rowOf({ model: one.name, method, timesteps, seconds, ann, snn, module }));
    } catch (error) {
      // What a method cannot convert is not in its table, and no reason not to see the others.
      if (!(error instanceof DiagnosticError)) throw error;
      terminal.alert(`${label}: ${error.message}`);
    }
  }
  if (!given.json) terminal.out(tableOf(made));
  return made;
}

interface Measured {
  readonly model: string;
  readonly method: Method;
  readonly timesteps: number;
  readonly seconds: number;
  readonly ann: Evaluation;
  readonly snn: Evaluation;
  readonly module: Module;
}

function rowOf({ model, method, timesteps, seconds, ann, snn, module }: Measured): Row {
  const neurons = opsOf(module, ...neuronKinds).reduce(
    (n, op) => n + elementCount(op.type.shape),
    0,
  );
  const annAccuracy = known(ann.accuracy?.[0], "labels");
  const accuracy = known(snn.accuracy?.at(-1), "labels");
  return {
    model,
    method: method.name,
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
    bits: opsOf(module, "snn.graded").reduce((most, op) => Math.max(most, op.attrs.bits), 1),
    annOperations: ann.analogueOperations,
    analogueOperations: snn.analogueOperations,
    seconds,
    ours: method.ours,
  };
}

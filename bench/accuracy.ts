/**
 * `npm run accuracy`: conversion loss against timesteps, method by method, on real models. Each row
 * is a conversion of its own for its number of timesteps, read at its last one; thresholds come from
 * training images only.
 */
import { neuronsOf } from "../ir/op/known.ts";
import { Command, Option } from "@commander-js/extra-typings";
import { ownEnergy } from "../calibrate/energy.ts";
import type { Evaluation } from "../calibrate/evaluate.ts";
import { type CommandContext, perform, runningOf } from "../cli/action.ts";
import { loadData } from "../cli/options/data.ts";
import { loadNetwork } from "../cli/load.ts";
import { diagnose } from "../cli/diagnostics.ts";
import { writeOutput } from "../cli/files/files.ts";
import { options, wholeNumber, wholeNumbers } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { DiagnosticError, fail, known } from "../ir/diagnostic.ts";
import { type Module } from "../ir/module.ts";
import { elementCount } from "../ir/type.ts";
import { evaluateModule } from "../library/assess.ts";
import { convert, stepsOf } from "../library/convert.ts";
import { type Running, calibrationOn } from "../library/measure.ts";
import { alphabetOf } from "./accuracy/alphabet.ts";
import { type Method, methods, methodsOf } from "./accuracy/methods.ts";
import { renderPage } from "./accuracy/page.ts";
import { quantisedAnn } from "./accuracy/quantised.ts";
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
    `all, quantised-ann, peers, ours, or of ${methods.map(({ name }) => name).join(", ")}, or passes in "…"`,
    "differential",
  )
  .addOption(
    new Option("--timesteps <list>", "numbers of timesteps")
      .default([4, 8, 16, 32, 64], "4,8,16,32,64")
      .argParser(wholeNumbers),
  )
  .addOption(
    new Option("--calib-samples <n>", "training samples to calibrate on")
      .default(512)
      .argParser(wholeNumber(1, 1_000_000)),
  )
  .option("--html <file>", "writes a page with curves")
  .addOption(options.limit)
  .addOption(options.threads)
  .addOption(options.json)
  .addOption(options.debug);

const given = optionsOf(program);
await perform(given, async (whole) => {
  const { terminal } = whole;
  // Remarks on how data were fitted to a model are not what this run is about.
  const context: CommandContext = {
    ...whole,
    report: (...found) => whole.report(...found.filter((d) => d.severity === "warning")),
  };
  const running = runningOf({ engine: "wasm", threads: given.threads }, context);
  const chosen = methodsOf(given.methods);
  // What is wrong with any of them is told before the first one runs.
  for (const { pipeline } of chosen) stepsOf(pipeline);
  const rows: Row[] = [];
  for (const one of chosenCases()) rows.push(...(await measureCase(one, chosen, context, running)));
  if (rows.length === 0) fail(diagnose("nothing-measured", null, {}));
  const machine = describeMachine();
  const report = { machine, versions: describeVersions(), seed: 0, rows };
  const compared = comparisons(rows);
  if (given.html !== undefined)
    writeOutput(given.html, Buffer.from(await renderPage({ rows, compared, machine })));
  const text =
    compared.length === 0
      ? ""
      : `\nIn (relative logit error, spikes and bits per neuron), at equal latency:\n${comparisonTable(compared)}`;
  if (given.json !== true && text !== "") terminal.out(text);
  return { json: report, text: "" };
});

function chosenCases(): Case[] {
  const { model, calib, data, preprocess } = given;
  if (model === undefined) return casesOf(given.shared, program.args);
  return [
    {
      name: model,
      model,
      preprocess: preprocess ?? "",
      calibration: calib ?? beside("--calib"),
      test: data ?? beside("--data"),
      note: "",
    },
  ];
}

function beside(option: string): never {
  return fail(diagnose("usage", null, { text: `--model needs ${option}` }));
}

/** All methods and timesteps on one model. */
async function measureCase(
  one: Case,
  chosen: readonly Method[],
  context: CommandContext,
  running: Running,
): Promise<Row[]> {
  const { terminal } = context;
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
  if (test.labels === null) fail(diagnose("labels-wanted", null, { file: one.test }));
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
  const work = chosen.flatMap((method) =>
    (method.kind === "quantised" ? [1] : given.timesteps).map((asked) => ({
      method,
      timesteps: asked,
    })),
  );
  for (const [done, { method, timesteps: asked }] of work.entries()) {
    const label = `${one.name}, ${done + 1} of ${work.length}: ${method.name}, T = ${asked}`;
    const { pipeline } = method;
    try {
      const started = performance.now();
      const options = { timesteps: asked, pipeline, seed: 0 };
      const { module: converted } = await convert(clean, measure, running, options);
      const module = method.kind === "quantised" ? quantisedAnn(converted) : converted;
      // A network that has sent all before ends there, and need not be measured again for more.
      const timesteps = endsBefore(module, asked) ? module.timesteps : asked;
      if (
        timesteps < asked &&
        made.some((row) => row.method === method.name && row.timesteps === timesteps)
      )
        continue;
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

/** Whether a network of differential code was made for fewer timesteps than were asked for. */
function endsBefore(module: Module, asked: number): boolean {
  return module.code === "differential" && module.timesteps < asked;
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
  const neurons = neuronsOf(module).reduce((n, op) => n + elementCount(op.type.shape), 0);
  const perNeuron = (count: number): number => (neurons === 0 ? 0 : count / neurons);
  const last = (list: readonly number[] | null, what: string): number => known(list?.at(-1), what);
  const annAccuracy = known(ann.accuracy?.[0], "labels");
  const accuracy = last(snn.accuracy, "labels");
  const energy = ownEnergy(ann, snn);
  return {
    model,
    method: method.name,
    code: module.code,
    alphabet: alphabetOf(module),
    timesteps,
    samples: snn.samples,
    annAccuracy,
    accuracy,
    loss: (annAccuracy - accuracy) * 100,
    lossStandardError: last(snn.lossStandardError, "a reference") * 100,
    agreement: last(snn.agreement, "a reference"),
    relativeLogitError: last(snn.relativeLogitError, "a reference"),
    spikesPerNeuron: perNeuron(last(snn.spikesPerSample, "a timestep")),
    bitsPerNeuron: perNeuron(last(snn.bitsPerSample, "a timestep")),
    synapticOperations: last(snn.synapticOperationsPerSample, "a timestep"),
    synapticBits: last(snn.synapticBitsPerSample, "a timestep"),
    multiplyAccumulates: last(snn.multiplyAccumulatesPerSample, "a timestep"),
    annOperations: last(ann.multiplyAccumulatesPerSample, "a timestep"),
    energyRatio: energy.ratio,
    energyRatioByBits: energy.ratioByBits,
    energyTable: energy.table.name,
    latencyTimesteps: snn.latency.timesteps,
    latencyPhases: snn.latency.phases,
    latencyWithDelay: snn.latency.withDelay,
    seconds,
    ours: method.ours,
  };
}

/**
 * `npm run bench`: speed and memory of our engines beside others, in one run. The parts are in
 * speed/; docs/performance.md says how each figure is obtained.
 */
import path from "node:path";
import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type CommandContext, perform } from "../cli/action.ts";
import { diagnose } from "../cli/diagnostics.ts";
import { options, wholeNumber, wholeNumbers } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { fail, known } from "../ir/diagnostic.ts";
import { conversionOf } from "./speed/conversion.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { annSuite } from "./speed/suites/ann.ts";
import { compileSuite } from "./speed/suites/compile.ts";
import { type Bench, type Settings, type Suite, rowsOrAlert } from "./speed/context.ts";
import { defaultEngine, engineNames, isEngineName } from "./speed/engines.ts";
import { fitSuite } from "./speed/suites/fit.ts";
import { growthSuite } from "./speed/suites/growth.ts";
import { kernelSuite, limitsSuite } from "./speed/suites/machine.ts";
import { type NodeBinary, nodesAt, ownNode, shortVersion } from "./speed/node-binary.ts";
import { preparePeer } from "./speed/peers.ts";
import { isSource, outFolder } from "./speed/project.ts";
import { type PeerName, peerNames } from "./speed/processes/protocol.ts";
import { type Row, tableOf } from "./speed/rows.ts";
import { qdqSuite } from "./speed/suites/qdq.ts";
import { simulatorsSuite } from "./speed/suites/simulators.ts";
import { snnSuite } from "./speed/suites/snn.ts";
import { createStatus } from "./speed/status.ts";
import { type Case, casesOf } from "./suite.ts";

const suites: ReadonlyMap<string, Suite> = new Map([
  ["limits", limitsSuite],
  ["ann", annSuite],
  ["snn", snnSuite],
  ["qdq", qdqSuite],
  ["kernel", kernelSuite],
  ["fit", fitSuite],
  ["peers", simulatorsSuite],
  ["compile", compileSuite],
  ["growth", growthSuite],
]);
const suiteNames = [...suites.keys()];
/** Those that are no part of a whole run: what they find goes into the code, or into other suites' notes. */
const suitesWhenNamed: readonly string[] = ["fit", "qdq"];
/** Those that start no process, and so run on the Node that runs this. */
const suitesInThisProcess: readonly string[] = ["fit"];
/** Those that run models, and other engines on them. */
const suitesOnModels: readonly string[] = ["ann", "snn", "qdq", "compile"];

/** Measured where no model is named. */
const defaultModels: readonly string[] = [
  "vnn_fc256x2",
  "lenet_ccoltong",
  "fashion_cnn_bogdi",
  "akamaster_resnet20",
  "mobilenet_v1_0.25_128",
];

const program = new Command("bench")
  .description("speed and memory of our engines beside others")
  .argument("[names...]", "suites, and parts of models' names; the five of the docs if none")
  .option(
    "--shared <folder>",
    "folder with models/ and data/",
    process.env["SNNC_SHARED"] ?? "../shared",
  )
  .option("--model <file>", "a model of your own, with --data, --preprocess and --calib")
  .option("--data <path>", "its samples, with labels where the accuracy is asked for")
  .option("--calib <path>", "its training samples, for suite snn")
  .addOption(options.preprocess)
  .addOption(new Option("--suite <names...>", "what to measure").choices(suiteNames))
  .addOption(
    new Option("--engine <name>", "ours that is measured")
      .choices(engineNames)
      .default(String(defaultEngine)),
  )
  .addOption(
    new Option("--threads <n>", "threads of every engine")
      .default(1)
      .argParser(wholeNumber(1, 256)),
  )
  .option("--python <path>", "Python with torch, for suite peers (default: python3, if it has)")
  .option("--node <paths>", "other Nodes to run engines on, one after another: a,b")
  .addOption(
    new Option("--rounds <n>", "rounds of each comparison").argParser(wholeNumber(1, 1000)),
  )
  .addOption(
    new Option("--seconds <x>", "for one measurement in one round").argParser(positiveNumber),
  )
  .addOption(
    new Option("--timesteps <list>", "timesteps of spiking networks")
      .default([1, 2, 4, 8], "1,2,4,8")
      .argParser(wholeNumbers),
  )
  .addOption(
    new Option("--further-timesteps <list>", "where to look on for a loss within half a point")
      .default([16, 32, 64, 128], "16,32,64,128")
      .argParser(wholeNumbers),
  )
  .option(
    "--pipeline <passes>",
    'what converts: "rate", "sparse --integer --weight-bits 4" …',
    "default --integer",
  )
  .addOption(
    new Option("--calib-samples <n>", "training samples to calibrate on")
      .default(512)
      .argParser(wholeNumber(1, 1_000_000)),
  )
  .addOption(
    new Option("--accuracy-samples <n>", "test samples to measure accuracy on")
      .default(1000)
      .argParser(wholeNumber(1, 1_000_000)),
  )
  .option("--snn <folder>", "where converted networks are kept", outFolder)
  .option("--fresh", "convert again")
  .option("--quick", "few and short rounds, few points: shows that everything runs")
  .addOption(options.seed)
  .addOption(options.json)
  .addOption(options.debug);

const given = optionsOf(program);
const status = createStatus();
await perform(given, async (context) => {
  const nodes = given.node === undefined ? [ownNode] : await nodesAt(given.node);
  const bench = await prepareBench(context, known(nodes[0], "a Node"));
  const say = (text: string): void => {
    if (given.json !== true) context.terminal.out(text);
  };
  const machine = describeMachine();
  const { processor, cores, memoryGiB } = machine;
  const versions = nodes.map(({ version }) => version).join(", ");
  say(`${processor}, ${cores} cores, ${memoryGiB} GiB; Node ${versions}`);
  const rows: Row[] = [];
  for (const name of chosenSuites()) {
    const measure = known(suites.get(name), name);
    const inTurn = suitesInThisProcess.includes(name) ? [ownNode] : nodes;
    const found: Row[] = [];
    for (const [turn, node] of inTurn.entries()) {
      // What was converted for the first one is the same for all.
      const settings = { ...bench.settings, fresh: bench.settings.fresh && turn === 0 };
      const onNode = { ...bench, node, settings };
      const measured = await rowsOrAlert(bench, name, () => measure(onNode));
      found.push(
        ...measured.map((row) => ({ ...row, case: `${row.case}, Node ${shortVersion(node)}` })),
      );
    }
    status.clear();
    rows.push(...found);
    if (found.length > 0) say(`\n${name}\n${tableOf(found)}`);
  }
  const json = {
    machine,
    versions: {
      ...describeVersions(),
      ...Object.fromEntries(bench.versions),
      node: versions,
    },
    seed: given.seed,
    rows,
  };
  return { json, text: "", exitCode: rows.length === 0 ? 1 : 0 };
});

async function prepareBench(context: CommandContext, node: NodeBinary): Promise<Bench> {
  const alert = (text: string): void => {
    status.clear();
    context.terminal.alert(text);
  };
  const needsModels = chosenSuites().some((name) => suitesOnModels.includes(name));
  const cases = needsModels ? chosenCases() : [];
  if (needsModels && isSource) {
    alert("run from source: memory, and time of compiling, are mostly the TypeScript loader's");
  }
  const peers: PeerName[] = [];
  if (needsModels) {
    for (const peer of peerNames) {
      status.show(`installing ${peer}`);
      const why = await preparePeer(peer);
      if (why === null) peers.push(peer);
      else alert(`${peer} could not be installed, and its rows are left out: ${why}`);
    }
  }
  return {
    shared: given.shared,
    settings: settingsOf(),
    cases,
    node,
    peers,
    // Remarks on how data were fitted to a model are not what this run is about.
    context: {
      ...context,
      report: (...found) => context.report(...found.filter((d) => d.severity === "warning")),
    },
    versions: new Map(),
    status: status.show,
    alert,
  };
}

function settingsOf(): Settings {
  const quick = given.quick === true;
  return {
    engine: isEngineName(given.engine) ? given.engine : defaultEngine,
    threads: given.threads,
    seed: given.seed,
    rounds: given.rounds ?? (quick ? 3 : 7),
    seconds: given.seconds ?? (quick ? 0.05 : 0.5),
    timesteps: given.timesteps,
    furtherTimesteps: given.furtherTimesteps,
    calibrationSamples: given.calibSamples,
    accuracySamples: given.accuracySamples,
    pipeline: checked(given.pipeline),
    fresh: given.fresh === true,
    quick,
    pythons: given.python === undefined ? ["python3", "/usr/bin/python3"] : [given.python],
    snnFolder: path.resolve(given.snn),
  };
}

/** The pipeline, if it is one: otherwise nothing is measured. */
function checked(pipeline: string): string {
  conversionOf(pipeline);
  return pipeline;
}

function chosenSuites(): string[] {
  const named = [...(given.suite ?? []), ...program.args.filter((name) => suites.has(name))];
  return suiteNames.filter((name) =>
    named.length === 0 ? !suitesWhenNamed.includes(name) : named.includes(name),
  );
}

function chosenCases(): Case[] {
  const { model, data, calib, preprocess } = given;
  if (model !== undefined) {
    const test = data ?? fail(diagnose("usage", null, { text: "--model needs --data" }));
    const calibration = calib ?? test;
    return [{ name: model, model, preprocess: preprocess ?? "", calibration, test, note: "" }];
  }
  const names = program.args.filter((name) => !suites.has(name));
  const all = casesOf(given.shared, []);
  if (names.length === 0) return all.filter(({ name }) => defaultModels.includes(name));
  // A whole name means that model alone, even where others have longer names that begin with it.
  const isNamed = (name: string): boolean =>
    names.some((part) =>
      all.some((one) => one.name === part) ? name === part : name.includes(part),
    );
  const found = all.filter(({ name }) => isNamed(name));
  if (found.length > 0) return found;
  return fail(
    diagnose("no-such-model", null, {
      names,
      known: [...suiteNames, ...all.map(({ name }) => name)],
    }),
  );
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  // eslint-disable-next-line no-restricted-syntax -- commander's own way to refuse an argument
  throw new InvalidArgumentError("It must be a positive number.");
}

/** `snnc build`: a network as files that run without snnc. */
import path from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { chooseBalanced } from "../../calibrate/data/choose.ts";
import type { Preprocess } from "../../calibrate/data/preprocess.ts";
import type { BuildSample, Material } from "../../ir/backend.ts";
import { fail } from "../../ir/diagnostic.ts";
import { printable } from "../../ir/text/printable.ts";
import { type Built, buildFor } from "../../library/build.ts";
import { loaderFiles } from "../../library/loader-files.ts";
import { defaultTarget, parseTarget, refuseUnused, targets } from "../../library/targets.ts";
import { targetsText } from "../options/targets.ts";
import { type CommandContext, type Outcome, perform } from "../action.ts";
import { readClassList } from "../options/classes.ts";
import { diagnose } from "../diagnostics.ts";
import { loadNetwork } from "../load.ts";
import type { Network } from "../../library/network.ts";
import { measuredData } from "../network-data.ts";
import { options, wholeNumber } from "../options/options.ts";
import { checkBuildFolder, writeBuildFolder } from "../files/own-folder.ts";
import { buildNames } from "../files/own-names.ts";
import { readPreprocess } from "../options/preprocessing.ts";
import { recordedPreprocess } from "../../library/record/preprocessing.ts";
import { diagnosticToJson } from "../terminal/render.ts";
import { alignedTable } from "../terminal/tables.ts";
import { timestepsOf } from "../options/timesteps.ts";
import { version } from "../version.ts";

type Given = ReturnType<ReturnType<typeof declare>["opts"]>;

export function buildCommand() {
  return declare().action((file, given) => perform(given, (context) => work(file, given, context)));
}

function declare() {
  return new Command("build")
    .description("write a network as files that run without snnc")
    .argument("<network>", ".snn network, or an ONNX model to build without conversion")
    .option(
      "--target <name>",
      `what it is to run on: ${targets.map(({ name }) => name).join(", ")}`,
      defaultTarget,
    )
    .requiredOption("-o, --output <folder>", "folder for the files")
    .addOption(options.timesteps)
    .addOption(
      new Option(
        "--chunk <n>",
        "timesteps computed together (default: 4); early exit saves whole chunks",
      ).argParser(wholeNumber(1, 64)),
    )
    .option("--probe <name...>", "keep these layers or ops observable; all means every layer")
    .option("--membrane <name...>", "keep these layers' membrane potentials observable")
    .option("--samples <path>", "data for the samples of the demo page or the self-test")
    .addOption(
      new Option("--sample-count <n>", "number of these samples (default: 10)").argParser(
        wholeNumber(1, 1000),
      ),
    )
    .addOption(options.labels)
    .addOption(options.x)
    .addOption(options.y)
    .addOption(options.labelMap)
    .addOption(options.preprocess)
    .addOption(options.maxDataBytes)
    .addOption(options.classes)
    .option("--no-demo", "do not write the demo page or the self-test")
    .option("--force", "write into a folder that already holds other files")
    .addOption(options.inputShape)
    .addOption(options.dimension)
    .addOption(options.modelOutputs)
    .addOption(options.batchAxis)
    .addOption(options.stream)
    .addOption(options.inputValue)
    .addOption(options.maxValueBytes)
    .addOption(options.seed)
    .addOption(options.json)
    .addOption(options.quiet)
    .addOption(options.debug)
    .addHelpText("after", `\n${targetsText()}`);
}

async function work(file: string, given: Given, context: CommandContext): Promise<Outcome> {
  const target = parseTarget(given.target, given.chunk === undefined ? {} : { chunk: given.chunk });
  refuseContradictions(given);
  refuseUnused(target.backend, materialsIn(given));
  const force = given.force === true;
  checkBuildFolder(given.output, force);
  if (given.classes !== undefined) context.outputs.reads(given.classes);
  context.outputs.writesInto(given.output, buildNames);
  const network = await loadNetwork(file, given, context);
  const { module, sha256, provenance } = network;
  const timesteps = timestepsOf(module, file, given.timesteps, context);
  const preprocess =
    given.preprocess === undefined
      ? recordedPreprocess(provenance, file)
      : await readPreprocess(given.preprocess, context);
  const takes = (material: Material): boolean => target.backend.takes.includes(material);
  const built = await buildFor(
    target,
    module,
    {
      timesteps,
      probes: given.probe ?? [],
      membranes: given.membrane ?? [],
      // A recorded one is nobody's wish.
      preprocess: preprocess === null || !takes("preprocess") ? null : statedTo(preprocess),
      classes: given.classes === undefined ? null : await readClassList(given.classes),
      samples: given.demo ? await samplesFor(network, given, preprocess, context) : null,
    },
    {
      tool: { name: "snnc", version },
      network: { file: path.basename(file), sha256 },
      provenance,
    },
    loaderFiles,
  );
  writeBuildFolder(given.output, built.files, force);
  return {
    json: {
      target: target.backend.name,
      out: given.output,
      files: built.listing,
      report: built.report,
      diagnostics: context.diagnostics.map(diagnosticToJson),
    },
    text: textOf(given, built),
  };
}

/** Options that would be of no effect are refused, not passed over. */
function refuseContradictions({ demo, samples, sampleCount, labels, x, y }: Given): void {
  const needs = (option: string, other: string): never =>
    fail(diagnose("option-needs", null, { option, other }));
  if (!demo && samples !== undefined)
    needs("--samples", "the demo page or the self-test (--no-demo)");
  if (samples === undefined && sampleCount !== undefined) needs("--sample-count", "--samples");
  if (samples === undefined && labels !== undefined) needs("--labels", "--samples");
  if (samples === undefined && x !== undefined) needs("--x", "--samples");
  if (samples === undefined && y !== undefined) needs("--y", "--samples");
}

/** What the options give besides the network: a target that makes no use of it refuses it. */
function materialsIn(options: Given): readonly string[] {
  const { probe, membrane, samples, preprocess, classes } = options;
  const given = {
    probes: probe !== undefined,
    membranes: membrane !== undefined,
    samples: samples !== undefined,
    preprocess: preprocess !== undefined,
    classes: classes !== undefined,
  } satisfies Record<Material, boolean>;
  return Object.entries(given).flatMap(([material, isGiven]) => (isGiven ? [material] : []));
}

/** What the loader does to pixels of the right size; resizing is the page's. */
function statedTo({ scale, mean, std, layout, channels }: Preprocess) {
  return { scale, mean, std, layout, channels };
}

/** As evenly over the classes as the data allow, the same ones each time. */
async function samplesFor(
  network: Network,
  given: Given,
  preprocess: Preprocess | null,
  context: CommandContext,
): Promise<readonly BuildSample[]> {
  const { samples: file, sampleCount = 10, seed } = given;
  if (file === undefined) return [];
  const { labels: labelled, x, y, maxDataBytes, classes, labelMap } = given;
  const prepared = { labels: labelled, x, y, maxDataBytes, classes, labelMap };
  // Read already, for the page to do the same.
  const wanted = { ...prepared, preprocessing: preprocess };
  const data = await measuredData(network, file, wanted, context);
  const chosen = chooseBalanced(data.dataset, sampleCount, seed);
  const { labels } = data.dataset;
  return chosen.map((index) => ({
    label: labels?.[index] ?? null,
    inputs: data.samples.get(index).map((each) => each.data),
  }));
}

function textOf(given: Given, { rows, listing }: Built<unknown>): string {
  const wrote = `wrote ${listing.length} files to ${printable(given.output)}`;
  return rows.length === 0 ? wrote : `${alignedTable(rows)}\n\n${wrote}`;
}

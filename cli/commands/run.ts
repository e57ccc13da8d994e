/** `snnc run`: raw outputs, and any value in between, for given inputs. */
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { archiveNames, encodeNpy, encodeNpz } from "../../calibrate/data/formats/write.ts";
import { CostTally, type RunCosts } from "../../calibrate/cost-tally.ts";
import { datasetHash } from "../../calibrate/data/order.ts";
import { figuresOfRun } from "../../calibrate/result/figures.ts";
import type { RunResult } from "../../calibrate/result/schema.ts";
import { limit } from "../../calibrate/data/dataset.ts";
import { type DataSource, modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import type { Executable, Probe, ProbeData, SampleSource } from "../../ir/executable.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, answersOf, isOverTime, producerOf } from "../../ir/module.ts";
import { printable } from "../../ir/text/printable.ts";
import { type Tensor, zeros } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { opNamed } from "../../ir/analysis/walk.ts";
import { requireRunLength } from "../../library/data.ts";
import { type Running, loadOn } from "../../library/measure.ts";
import type { Network } from "../../library/network.ts";
import { type CommandContext, type Outcome, perform, runningOf } from "../action.ts";
import { diagnose } from "../diagnostics.ts";
import { writeOutput } from "../files/files.ts";
import { loadNetwork } from "../load.ts";
import { recordedScaleWarnings } from "../../library/record/network-record.ts";
import { openFor } from "../network-data.ts";
import { options } from "../options/options.ts";
import { commonOf, commonOptions } from "../result.ts";
import { timestepsOf, timestepsOn } from "../options/timesteps.ts";
import { timed } from "../timed.ts";

type Given = ReturnType<ReturnType<typeof declare>["opts"]>;

export function runCommand() {
  return declare().action((file, given) => perform(given, (context) => work(file, given, context)));
}

function declare() {
  return new Command("run")
    .description("run a network on inputs and write its outputs")
    .argument("<network>", "ONNX model or .snn network")
    .requiredOption("--input <path>", "samples [N, …]; for several inputs an .npz by name")
    .requiredOption("-o, --output <file>", ".npy, or .npz with outputs and probes by name")
    .option("--probe <name...>", "also write the values of these ops at every timestep (.npz)")
    .addOption(options.x)
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
  context.outputs.reads(file, given.input);
  context.outputs.writes(given.output);
  const network = await loadNetwork(file, given, context);
  const { module, kind } = network;
  const samples = await inputsFor(network, given, context);
  const read = path.basename(given.input);
  const own = timestepsOf(module, file, given.timesteps, context);
  const timesteps = timestepsOn({ name: read, samples }, own, given.timesteps, context);
  context.report(...recordedScaleWarnings(network, samples, read));
  const taken = new Set(module.outputs.map((output) => output.name));
  const probed = [...new Set(given.probe ?? [])].map((name) => ({
    // An op without a name of its own has its output's.
    name: taken.has(name) ? `${name}.steps` : name,
    value: valueNamed(module, name),
  }));
  const format = formatOf(given.output, module.outputs.length + probed.length);
  const running = runningOf(given, context);
  const executable = await loadOn(running, module);
  const { result: ran, seconds } = await timed(() =>
    gather(executable, samples, probed, timesteps, running).finally(() => executable.close()),
  );
  const { gathered, costs } = ran;
  const all = [...gathered.keys()];
  const names = format === "npz" ? archiveNames(all) : new Map<string, string>();
  for (const [name, written] of names) {
    if (name !== written) context.report(diagnose("array-renamed", null, { name, written }));
  }
  const tensors = new Map(
    [...gathered].map(([name, { rows, shape }]) => [names.get(name) ?? name, stack(rows, shape)]),
  );
  writeOutput(given.output, encode(format, tensors));
  const shapes = [...tensors].map(([name, t]) => ({ name, shape: t.shape }));
  const data = { name: read, samples: samples.count, sha256: samples.sha256, labelled: false };
  const result: RunResult = {
    ...commonOf(network, context, { data, [kind]: figuresOfRun(costs) }),
    command: "run",
    options: { ...commonOptions(given), probe: given.probe ?? [] },
    network: file,
    kind,
    samples: samples.count,
    timesteps: isOverTime(module) ? timesteps : 0,
    output: given.output,
    arrays: shapes,
    seconds,
  };
  return {
    json: result,
    text: shapes.map(({ name, shape }) => `${printable(name)}  [${shape.join(", ")}]`).join("\n"),
  };
}

interface Inputs extends DataSource {
  readonly sha256: string;
}

/** The samples to run; numbers that are not finite are let through. */
async function inputsFor(network: Network, given: Given, context: CommandContext): Promise<Inputs> {
  const { x, preprocess: file, maxDataBytes, engine } = given;
  const wanted = { x, preprocess: file, maxDataBytes, engine };
  const { dataset, preprocess } = await openFor(network, given.input, wanted, context, false);
  const some = given.limit === undefined ? dataset : limit(dataset, given.limit);
  const samples = sampleSource(some, modelInputs(network.module), preprocess, {
    allowNonFinite: true,
    maxDataBytes,
    mostFrames: given.timesteps,
  });
  context.report(...samples.diagnostics);
  if (given.timesteps === undefined) requireRunLength(some.name, samples);
  return { ...samples, sha256: datasetHash(some) };
}

interface Probed {
  readonly name: string;
  readonly value: Probe["value"];
}

/** What was kept of one value, sample by sample, and its shape without them. */
interface Kept {
  readonly rows: ProbeData[];
  readonly shape: readonly number[];
}

/**
 * Every output after the last timestep, then every probe at each timestep; in a framed code there is one
 * answer, and of probes the sum of the frame.
 */
async function gather(
  executable: Executable,
  samples: SampleSource,
  probed: readonly Probed[],
  timesteps: number,
  running: Running,
): Promise<{ readonly gathered: ReadonlyMap<string, Kept>; readonly costs: RunCosts }> {
  const { module } = executable;
  const answers = answersOf(module, timesteps);
  const tally = new CostTally(module, answers, executable.neurons.length);
  const gathered = new Map<string, Kept>();
  for (const { name, value } of module.outputs) {
    gathered.set(name, { rows: [], shape: shapeOf(module, value) });
  }
  for (const { name, value } of probed) {
    gathered.set(name, { rows: [], shape: [answers, ...shapeOf(module, value)] });
  }
  const keep = (name: string, data: ProbeData | undefined): void => {
    known(gathered.get(name), name).rows.push(known(data, name));
  };
  await executable.run(
    samples,
    {
      timesteps,
      probes: probed.map(({ value }) => ({ value, keep: "trace" })),
      onProgress: (done, total) => running.onProgress?.("running", done, total),
    },
    (result) => {
      const { outputs, probes } = result;
      tally.add(result);
      module.outputs.forEach(({ name }, i) => {
        const all = known(outputs[i], `output ${name}`);
        keep(name, all.subarray(all.length - all.length / answers));
      });
      probed.forEach(({ name }, i) => {
        keep(name, probes[i]);
      });
    },
  );
  return { gathered, costs: tally.finish(executable.neurons) };
}

/** The value of the op that people know by `name`. */
function valueNamed(module: Module, name: string): Probe["value"] {
  const op = opNamed(module, name);
  if (op !== undefined) return op.result;
  const near = [...new Set(module.ops.map((candidate) => shortName(candidate.loc)))];
  return fail(diagnose("unknown-value", null, { name, near: near.slice(0, 12) }));
}

/** A value's shape without the batch axis of 1. */
function shapeOf(module: Module, value: Probe["value"]): readonly number[] {
  const { shape } = producerOf(module, value).type;
  return shape[0] === 1 ? shape.slice(1) : shape;
}

function stack(rows: readonly ProbeData[], shape: readonly number[]): Tensor {
  const size = elementCount(shape);
  const dtype = rows[0] instanceof Int32Array ? "i32" : "f32";
  const all = zeros(dtype, [rows.length, ...shape]);
  rows.forEach((row, i) => all.data.set(row, i * size));
  return all;
}

type OutputFormat = "npy" | "npz";

/** What a file of this name holds; `arrays` are to go into it. */
function formatOf(file: string, arrays: number): OutputFormat {
  const extension = path.extname(file);
  if (extension === ".npz") return "npz";
  // Devices such as /dev/stdout have no extension.
  if (extension !== ".npy" && extension !== "") {
    const wanted = "a name that ends in .npy or .npz";
    fail(diagnose("bad-option", null, { option: "-o", given: file, wanted }));
  }
  if (arrays > 1) {
    const text = `${arrays} arrays do not fit into one .npy`;
    fail(diagnose("usage", null, { text }, ["name the output with .npz"]));
  }
  return "npy";
}

function encode(format: OutputFormat, tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const [only] = tensors.values();
  return format === "npz" ? encodeNpz(tensors) : encodeNpy(known(only, "an array"));
}

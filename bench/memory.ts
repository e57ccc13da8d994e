/**
 * `npm run bench:memory`: what a large model costs in time and memory, each command in a process of
 * its own: linear layers with random weights, checked and converted. Memory is the largest resident
 * set above that of the same command on a tiny model, in multiples of the model's weights.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "@commander-js/extra-typings";
import onnxProto from "onnx-proto";
import { encodeNpy } from "../calibrate/data/formats/write.ts";
import { type Outcome, perform } from "../cli/action.ts";
import { options, wholeNumber } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { alignedTable } from "../cli/terminal/tables.ts";
import { uniform } from "../ir/random.ts";
import { invariant } from "../ir/diagnostic.ts";
import { tensorOf } from "../ir/tensor.ts";
import { describeMachine, describeVersions } from "./machine.ts";

const { onnx } = onnxProto;

const program = new Command("memory")
  .description("time and memory of check and convert on a large model")
  .option("--layers <n>", "linear layers", wholeNumber(2, 1000), 25)
  .option("--width <n>", "neurons in each", wholeNumber(2, 16_384), 1024)
  .addOption(options.json)
  .addOption(options.debug);
const given = optionsOf(program);

interface Cost {
  readonly seconds: number;
  readonly megabytes: number;
}

const folder = await mkdtemp(path.join(tmpdir(), "snnc-memory-"));
const entry = fileURLToPath(new URL("../cli/main.js", import.meta.url));
/** Loaded before the command: tells its largest resident set when it ends. */
const meter =
  "data:text/javascript,process.on('exit',()=>console.error('rss',process.resourceUsage().maxRSS))";

await perform(given, async () => {
  try {
    return await measureAll();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function measureAll(): Promise<Outcome> {
  await writeNetwork("large", given.layers, given.width);
  await writeNetwork("tiny", 2, 16);
  const weights = (given.layers * given.width ** 2 * 4) / 1e6;
  const rows = [];
  for (const [name, argumentsFor] of commands()) {
    const tiny = await costOf(argumentsFor("tiny"));
    const large = await costOf(argumentsFor("large"));
    const times = (large.megabytes - tiny.megabytes) / weights;
    rows.push({ case: name, weights, ...large, baseline: tiny.megabytes, times });
  }
  const text = alignedTable([
    ["command", "weights", "seconds", "peak", "of that the program's own", "times the weights"],
    ...rows.map((row) => [
      row.case,
      `${row.weights.toFixed(0)} MB`,
      row.seconds.toFixed(1),
      `${row.megabytes.toFixed(0)} MB`,
      `${row.baseline.toFixed(0)} MB`,
      row.times.toFixed(2),
    ]),
  ]);
  const report = { machine: describeMachine(), versions: describeVersions(), seed: 0, rows };
  return { json: report, text };
}

/** Each command with its arguments for one of the two models. */
function commands(): [string, (size: string) => string[]][] {
  const at = (name: string): string => path.join(folder, name);
  const convert = (threads: number) => (size: string) => [
    ...["convert", at(`${size}.onnx`), "--calib", at(`${size}.npy`), "-T", "8", "--no-eval"],
    ...["--threads", String(threads), "-o", at(`${size}.snn`)],
  ];
  return [
    ["check", (size) => ["check", at(`${size}.onnx`)]],
    ["convert, 1 thread", convert(1)],
    ["convert, 2 threads", convert(2)],
  ];
}

async function writeNetwork(name: string, layers: number, width: number): Promise<void> {
  const samples = tensorOf("f32", [16, width], numbers(16 * width, 0, 1));
  await writeFile(path.join(folder, `${name}.npy`), encodeNpy(samples));
  await writeFile(path.join(folder, `${name}.onnx`), network(layers, width));
}

/** Linear layers with a ReLU behind each but the last. */
function network(layers: number, width: number): Uint8Array {
  const gain = Math.sqrt(24 / width);
  const shape = { dim: [{ dimParam: "batch" }, { dimValue: width }] };
  const type = { tensorType: { elemType: 1, shape } };
  const node: { opType: string; input: string[]; output: string[] }[] = [];
  const initializer = [];
  for (let i = 0; i < layers; i++) {
    const input = i === 0 ? "x" : `r${i - 1}`;
    node.push({ opType: "MatMul", input: [input, `w${i}`], output: [`a${i}`] });
    if (i < layers - 1) node.push({ opType: "Relu", input: [`a${i}`], output: [`r${i}`] });
    const weights = Float32Array.from(numbers(width * width, i + 1, gain), (x) => x - gain / 2);
    const rawData = new Uint8Array(weights.buffer);
    initializer.push({ name: `w${i}`, dims: [width, width], dataType: 1, rawData });
  }
  const graph = {
    name: "mlp",
    node,
    initializer,
    input: [{ name: "x", type }],
    output: [{ name: `a${layers - 1}`, type }],
  };
  return onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ version: 13 }], graph }).finish();
}

function* numbers(count: number, stream: number, scale: number): Iterable<number> {
  for (let i = 0; i < count; i++) yield scale * uniform(0, stream, i, 0);
}

/** Runs one command to its end. */
async function costOf(args: readonly string[]): Promise<Cost> {
  const begin = performance.now();
  const child = spawn(process.execPath, ["--import", meter, entry, ...args]);
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise((resolve) => child.on("close", resolve));
  invariant(code === 0, `snnc ${args.join(" ")} ended with ${String(code)}: ${errors}`);
  const kibibytes = Number(/^rss (\d+)$/m.exec(errors)?.[1]);
  return { seconds: (performance.now() - begin) / 1000, megabytes: (kibibytes * 1024) / 1e6 };
}

/**
 * How help is arranged: commands and options in groups, and examples below them. One table, so that an
 * option stands in the same group wherever it is taken.
 */
import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/** The groups, each with the options in it by their long names. */
const optionGroups = {
  "Model:": [
    ...["model", "input-shape", "dim", "model-outputs", "batch-axis", "stream", "input-value"],
    "max-value-bytes",
  ],
  "Data:": [
    ...["calib", "calib-samples", "data", "input", "samples", "sample-count", "labels", "x", "y"],
    ...["task", "classes", "label-map", "preprocess", "max-data-bytes", "limit"],
  ],
  "Conversion:": ["code", "bits", "pipeline", "passes", "integer", "weight-bits", "allow-analogue"],
  "Automatic choice:": ["auto", "max-loss", "confidence", "objective"],
  "Jobs:": ["job", "print-job"],
  "Target:": ["target"],
  "Passes:": ["print-after", "time-passes", "no-verify", "check-numerics"],
  "Run:": ["timesteps", "chunk", "early-exit", "exit-every", "engine", "threads", "seed"],
  "Output:": [
    ...["output", "report", "no-eval", "probe", "membrane", "no-demo", "force", "locs"],
    ...["json", "quiet", "debug"],
  ],
} as const;

const groupOf: ReadonlyMap<string, string> = new Map(
  Object.entries(optionGroups).flatMap(([group, names]) =>
    names.map((name) => [`--${name}`, group] as const),
  ),
);

/** Options that are of another group in a command of this name. */
const ownGroups: ReadonlyMap<string, string> = new Map([
  // How long a network runs is a property that conversion gives it.
  ["convert --timesteps", "Conversion:"],
]);

const commandGroups: ReadonlyMap<string, readonly string[]> = new Map([
  ["Convert:", ["check", "convert", "build"]],
  ["Measure and run:", ["eval", "run", "report"]],
  ["Look inside:", ["inspect", "diff"]],
  ["Lists and help:", ["passes", "ops"]],
]);

interface Example {
  readonly line: string;
  readonly does: string;
}

/**
 * Examples for each command, and first for the program. They work as written, in this order, in a folder
 * with `model.onnx` (a node is named `/Relu`), `calibration.npz`, `test.npz` and `samples.npy`.
 */
export const examples = {
  snnc: [
    { line: "snnc check model.onnx", does: "can it be converted?" },
    {
      line: "snnc convert model.onnx --calib calibration.npz -o model.snn",
      does: "convert it, with calibration data",
    },
    { line: "snnc eval model.snn --data test.npz", does: "measure the accuracy" },
  ],
  check: [
    { line: "snnc check model.onnx", does: "can it be converted?" },
    {
      line: "snnc check model.onnx --code rate --target wasm",
      does: "to rate code, and built for WebAssembly?",
    },
    { line: "snnc check model.snn", does: "what does a network hold, and what can build it?" },
  ],
  convert: [
    {
      line: "snnc convert model.onnx --calib calibration.npz --data test.npz -o model.snn",
      does: "convert, and measure both networks on test data",
    },
    {
      line: "snnc convert model.onnx --calib calibration.npz --pipeline rate -T 64 -o other.snn --report report",
      does: "rate code, 64 timesteps, with a report",
    },
    {
      line: "snnc convert model.onnx --calib calibration.npz --auto --objective spikes -o auto.snn",
      does: "choose code, timesteps and bits, for few spikes",
    },
  ],
  eval: [
    { line: "snnc eval model.snn --data test.npz", does: "accuracy at each timestep" },
    { line: "snnc eval model.onnx --data test.npz", does: "accuracy of the ONNX model" },
    {
      line: "snnc eval model.snn --data test.npz --early-exit 0.9",
      does: "also stop each sample when its answer is clear",
    },
  ],
  run: [
    { line: "snnc run model.snn --input samples.npy -o outputs.npy", does: "write the outputs" },
    {
      line: "snnc run model.snn --input samples.npy -o outputs.npz --probe /Relu",
      does: "and the spikes of a layer, by the name of its node",
    },
    {
      line: "snnc run model.onnx --input samples.npy -o expected.npy",
      does: "outputs of the ONNX model",
    },
  ],
  build: [
    { line: "snnc build model.snn -o site", does: "files for browsers and Node, with a demo page" },
    {
      line: "snnc build model.snn -o demo --samples test.npz --sample-count 5",
      does: "the page shows five samples",
    },
    {
      line: "snnc build model.snn -o bare --no-demo --probe all",
      does: "no page; programs can read the spikes of every layer",
    },
  ],
  report: [
    {
      line: "snnc report model.snn --model model.onnx --data test.npz -o report2",
      does: "compare layer by layer, on test data",
    },
    {
      line: "snnc report model.snn --model model.onnx --data test.npz -o report3 --calib calibration.npz",
      does: "also say what each pass cost",
    },
    {
      line: "snnc report model.snn --model model.onnx --data test.npz -o report4 --limit 50 --json",
      does: "on 50 samples, as JSON",
    },
  ],
  inspect: [
    { line: "snnc inspect model.snn", does: "print the network" },
    { line: "snnc inspect model.onnx --locs short", does: "print a model, with names of nodes" },
    { line: "snnc inspect model.snn --json", does: "as JSON, with the record of its origin" },
  ],
  diff: [
    { line: "snnc diff model.snn other.snn", does: "two networks" },
    { line: "snnc diff model.onnx model.snn", does: "a model and its network" },
    { line: "snnc diff model.snn other.snn --json", does: "as JSON" },
  ],
  passes: [
    { line: "snnc passes", does: "all passes and pipelines" },
    { line: "snnc passes | grep balance", does: "passes that choose thresholds" },
    { line: "snnc passes --json > passes.json", does: "for a script" },
  ],
  ops: [
    { line: "snnc ops", does: "all operators and ops" },
    { line: "snnc ops | grep Pool", does: "is an operator supported?" },
    { line: "snnc ops --json > ops.json", does: "for a script" },
  ],
} as const satisfies Readonly<Record<string, readonly [Example, Example, Example]>>;

/** Puts a command's options and subcommands into groups, and its examples below its help. */
export function arrangeHelp(command: CommandUnknownOpts): void {
  const name = command.name();
  for (const option of command.options) {
    const long = option.long ?? "";
    const group = ownGroups.get(`${name} ${long}`) ?? groupOf.get(long);
    if (group !== undefined) option.helpGroup(group);
  }
  for (const each of command.commands) {
    const group = [...commandGroups].find(([, names]) => names.includes(each.name()));
    if (group !== undefined) each.helpGroup(group[0]);
  }
  if (command.commands.length === 0) {
    const help = new Option("-h, --help", "display help for command");
    command.addHelpOption(help.helpGroup("Output:"));
  } else {
    // Commander makes the command `help` itself, later.
    command.commandsGroup("Lists and help:");
  }
  const found = Object.entries(examples).find(([each]) => each === name);
  if (found !== undefined) command.addHelpText("after", examplesText(found[1]));
}

function examplesText(list: readonly Example[]): string {
  return `\nExamples:\n${list.map(({ line, does }) => `  ${line}\n      ${does}`).join("\n")}`;
}

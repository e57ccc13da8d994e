/** `snnc run`: raw outputs, and any value in between, for given inputs. */
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { archiveNames, encodeNpy, encodeNpz } from "../../calibrate/data/formats/write.ts";
import { limit } from "../../calibrate/data/dataset.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import type { Probe, ProbeData } from "../../ir/executable.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, answersOf, isOverTime, producerOf } from "../../ir/module.ts";
import { printable } from "../../ir/text/printable.ts";
import { type Tensor, zeros } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { opNamed } from "../../ir/analysis/walk.ts";
import { loadOn } from "../../library/measure.ts";
import { perform, runningOf, warmUp } from "../action.ts";
import { diagnose } from "../diagnostics.ts";
import { writeOutput } from "../files/files.ts";
import { loadNetwork } from "../load.ts";
import { recordedScaleWarnings } from "../../library/record/network-record.ts";
import { options } from "../options/options.ts";
import { openPrepared } from "../options/preprocessing.ts";
import { recordedPreprocess } from "../../library/record/preprocessing.ts";
import { diagnosticToJson } from "../terminal/render.ts";
import { timestepsOf } from "../options/timesteps.ts";

export function runCommand() {
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
    .addOption(options.debug)
    .action((file, given) =>
      perform(given, async (context) => {
        context.outputs.reads(file, given.input);
        context.outputs.writes(given.output);
        const network = await loadNetwork(file, given, context);
        const { module, kind, provenance } = network;
        const inputs = modelInputs(module);
        const inputNames = inputs.map((input) => input.name);
        warmUp(given.engine);
        const { dataset, preprocess } = await openPrepared(
          given.input,
          { preprocess: given.preprocess, recorded: recordedPreprocess(provenance, file) },
          (how) =>
            openDataset(given.input, {
              withLabels: false,
              preprocess: how,
              inputs: inputNames,
              x: given.x,
              maxDataBytes: given.maxDataBytes,
            }),
          context,
        );
        const some = given.limit === undefined ? dataset : limit(dataset, given.limit);
        const samples = sampleSource(some, inputs, preprocess, {
          allowNonFinite: true,
          maxDataBytes: given.maxDataBytes,
        });
        context.report(...samples.diagnostics);
        // As long as the longest sample, where inputs change over time.
        const longest = samples.longest();
        const frames = longest === null ? undefined : Math.max(1, longest);
        const timesteps = timestepsOf(module, file, given.timesteps ?? frames, context);
        const read = path.basename(given.input);
        context.report(...recordedScaleWarnings(network, samples, read));
        const taken = new Set(module.outputs.map((output) => output.name));
        const probed = [...new Set(given.probe ?? [])].map((name) => ({
          // An op without a name of its own has its output's.
          name: taken.has(name) ? `${name}.steps` : name,
          value: valueNamed(module, name),
        }));
        const format = formatOf(given.output, module.outputs.length + probed.length);
        const probes = probed.map(({ value }): Probe => ({ value, keep: "trace" }));
        // What is kept at each answer: in a framed code one, and of probes the sum of the frame.
        const answers = answersOf(module, timesteps);
        const running = runningOf(given, context);
        const gathered = new Map<string, ProbeData[]>();
        const keep = (name: string, data: ProbeData): void => {
          const rows = gathered.get(name) ?? [];
          gathered.set(name, rows);
          rows.push(data);
        };
        const executable = await loadOn(running, module);
        const started = performance.now();
        await executable
          .run(
            samples,
            {
              timesteps,
              probes,
              onProgress: (done, total) => running.onProgress?.("running", done, total),
            },
            (result) => {
              module.outputs.forEach((output, i) => {
                const all = known(result.outputs[i], `output ${output.name}`);
                keep(output.name, all.subarray(all.length - all.length / answers));
              });
              probed.forEach(({ name }, i) => keep(name, known(result.probes[i], `probe ${name}`)));
            },
          )
          .finally(() => executable.close());
        const seconds = (performance.now() - started) / 1000;
        const tensors = new Map<string, Tensor>();
        const all = [...module.outputs, ...probed].map(({ name }) => name);
        const names = format === "npz" ? archiveNames(all) : new Map<string, string>();
        for (const [name, written] of names) {
          if (name !== written) context.report(diagnose("array-renamed", null, { name, written }));
        }
        for (const { name, value } of module.outputs) {
          tensors.set(
            names.get(name) ?? name,
            stack(gathered.get(name) ?? [], shapeOf(module, value)),
          );
        }
        for (const { name, value } of probed) {
          const rows = gathered.get(name) ?? [];
          tensors.set(names.get(name) ?? name, stack(rows, [answers, ...shapeOf(module, value)]));
        }
        writeOutput(given.output, encode(format, tensors));
        const shapes = [...tensors].map(([name, t]) => ({ name, shape: t.shape }));
        return {
          json: {
            network: file,
            kind,
            samples: samples.count,
            timesteps: isOverTime(module) ? timesteps : 0,
            output: given.output,
            arrays: shapes,
            seconds,
            diagnostics: context.diagnostics.map(diagnosticToJson),
          },
          text: shapes
            .map(({ name, shape }) => `${printable(name)}  [${shape.join(", ")}]`)
            .join("\n"),
        };
      }),
    );
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

type Format = "npy" | "npz";

/** What a file of this name holds; `arrays` are to go into it. */
function formatOf(file: string, arrays: number): Format {
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

function encode(format: Format, tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const [only] = tensors.values();
  return format === "npz" ? encodeNpz(tensors) : encodeNpy(known(only, "an array"));
}

/** The worked model of docs/architecture.md: the digits network at four points of its way. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import {
  convert,
  importOnnx,
  modelInputs,
  printModule,
  sampleSource,
  singleThreadWasmEngine,
} from "../../index.ts";
import { limit, openDataset, openPreprocess } from "../../library/node.ts";

/** Enough to choose thresholds for a page. */
const calibrationSamples = 64;

/** Blocks of IR text by name. */
export async function digitsBlocks(root: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(root, "examples/digits");
  const bytes = readFileSync(join(folder, "digits.onnx"));
  const imported = known(importOnnx(bytes, { file: "digits.onnx" }).module, "the imported model");
  const dataset = await openDataset(join(folder, "calibration.npz"), { withLabels: false });
  const samples = sampleSource(
    limit(dataset, calibrationSamples),
    modelInputs(imported),
    await openPreprocess(join(folder, "preprocess.json")),
  );
  const running = { engine: singleThreadWasmEngine, threads: 1 };
  const { passes, reference, module } = await convert(imported, samples, running, {
    timesteps: 16,
    // The page shows rate code, which is the plainest.
    pipeline: "mmse",
  });
  const converted = known(
    passes.find(({ pass }) => pass === "convert-activations"),
    "the conversion",
  ).after;
  return new Map([
    ["digits at import", block(opLines(imported), 0, 4)],
    ["digits cleaned up", block(opLines(known(reference, "the analogue network")), 0, 6)],
    ["digits converted", block(opLines(converted), 0, 6, 3)],
    ["digits balanced", block(thresholdLines(module), 0, 4)],
  ]);
}

/** Lines from `first` to before `last`, and the last `tail` ones, in a code block. */
function block(lines: readonly string[], first: number, last: number, tail = 0): string {
  const end = lines.slice(lines.length - tail, tail === 0 ? 0 : undefined);
  return ["```text", ...lines.slice(first, last), "…", ...end, "```"].join("\n");
}

/** The ops, without what describes windows and without the list's indentation. */
function opLines(module: Module): string[] {
  return printModule(module, { locs: "short" })
    .split("\n")
    .filter((line) => line.startsWith("  %"))
    .map((line) => line.trim().replace(/strides = .*?dilations = \[[^\]]*\]/, "…"));
}

/** Neurons, and the tensors that hold their parameters. */
function thresholdLines(module: Module): string[] {
  const lines = printModule(module, { locs: "none" }).split("\n");
  const neuron = known(
    lines.find((line) => line.includes("snn.if")),
    "a neuron",
  );
  const names = [...neuron.matchAll(/@[\w.]+/g)].map(([name]) => name);
  const tensors = lines.filter((line) => names.some((name) => line.startsWith(`  ${name} =`)));
  return [neuron, ...tensors].map((line) => line.trim());
}

/**
 * The examples in the help, run as written: by a shell, one after another, in a folder that holds the
 * files that they name, made of the network and the data of examples/digits. Runs what is built.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { projectFolder } from "../../bench/speed/project.ts";
import { encodeNpy, encodeNpz } from "../../calibrate/data/formats/write.ts";
import { openDataset, openPreprocess } from "../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { examples } from "../../cli/options/help.ts";
import { optionsOf } from "../../cli/script.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";

const entry = path.join(projectFolder, "dist/cli/main.js");
const digits = (name: string): string => path.join(projectFolder, "examples/digits", name);

/** The command whose examples write the networks that others read comes first. */
const first = "convert";

export async function verify(args: readonly string[]): Promise<boolean> {
  const { json } = optionsOf(
    new Command("npm run verify -- examples").option("--json", "one object on stdout", false),
    args,
  );
  if (!existsSync(entry)) {
    console.error("needs what `npm run build` makes");
    return false;
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), "snnc-examples-"));
  try {
    await fill(folder);
    const lists = Object.entries(examples);
    const ordered = [...lists].sort(([a], [b]) => Number(b === first) - Number(a === first));
    const failures: { line: string; status: number | null; stderr: string }[] = [];
    for (const [command, list] of ordered) {
      for (const { line } of list) {
        const script = `snnc() { "${process.execPath}" "${entry}" "$@"; }\n${line}`;
        const ran = spawnSync("sh", ["-c", script], { cwd: folder, encoding: "utf8" });
        // The networks that `diff` is shown are different.
        const holds =
          ran.status === (command === "diff" ? 1 : 0) && ran.stderr.search(/^error/m) < 0;
        if (!json) console.log(`${holds ? "works" : "FAILS"}  ${line}`);
        if (holds) continue;
        failures.push({ line, status: ran.status, stderr: ran.stderr });
        if (!json) console.log(`exit code ${String(ran.status)}\n${ran.stderr}`);
      }
    }
    if (json) console.log(JSON.stringify({ failures }));
    return failures.length === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the files that the examples name. */
async function fill(folder: string): Promise<void> {
  const at = (name: string): string => path.join(folder, name);
  copyFileSync(digits("digits.onnx"), at("model.onnx"));
  const bytes = readFileSync(digits("digits.onnx"));
  const { module } = importOnnx(bytes, { file: "digits.onnx" });
  const network = known(module, "the example's network");
  for (const name of ["calibration.npz", "test.npz"]) {
    const { x, y } = await prepared(name, network);
    writeFileSync(at(name), encodeNpz(new Map([...Object.entries({ x, y })])));
    if (name === "test.npz") writeFileSync(at("samples.npy"), encodeNpy(x));
  }
}

/** A set of the example as the network takes it, float32 [N, 1, 20, 20], with class numbers [N]. */
async function prepared(name: string, network: Module): Promise<{ x: Tensor; y: Tensor }> {
  const dataset = await openDataset(digits(name));
  const preprocess = await openPreprocess(digits("preprocess.json"));
  const source = sampleSource(dataset, modelInputs(network), preprocess);
  const samples = Array.from({ length: source.count }, (_, i) =>
    known(source.get(i)[0], "an input"),
  );
  const shape = known(samples[0], "a sample").shape.slice(1);
  const values = samples.flatMap(({ data }) => [...data]);
  const labels = [...known(dataset.labels, "labels")];
  return {
    x: tensorOf("f32", [samples.length, ...shape], values),
    y: tensorOf("i32", [labels.length], labels),
  };
}

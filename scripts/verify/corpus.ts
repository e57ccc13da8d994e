/**
 * Public models by many exporters: each is imported or refused as its row says, gives what
 * onnxruntime gives for random inputs, and goes through pipelines without a fault of ours. The files
 * are not here: scripts/verify/corpus/models.json says where each comes from, and by which hash it is
 * found in a folder of yours.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "@commander-js/extra-typings";
import { z } from "zod";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { diagnose } from "../../cli/diagnostics.ts";
import { optionsOf } from "../../cli/script.ts";
import { foldingWork } from "../../frontend/onnx/graph/fold.ts";
import type { ImportResult } from "../../frontend/import.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { type Diagnostic, DiagnosticError, fail, known } from "../../ir/diagnostic.ts";
import { type Module, type SpikingCode, tensorAt } from "../../ir/module.ts";
import { checkModel } from "../../library/check.ts";
import { convert } from "../../library/convert.ts";
import { type CorpusRow, drawn, row } from "./corpus/rows.ts";
import { type Runtime, compareWithRuntime, openRuntime } from "./corpus/runtime.ts";

const codes: readonly SpikingCode[] = ["differential", "rate", "few-spikes", "ttfs"];
const pipelines = ["differential", "rate", "ttfs", "integer"] as const;
const timesteps = 2;
const calibrationSamples = 3;

/** Multiply-adds beyond which a network is checked and imported, but not run by every pipeline. */
const mostWork = 4e8;

/** Runs the bar; see `npm run verify -- corpus --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- corpus")
    .argument("<dir>", "a folder with files of scripts/verify/corpus/models.json")
    .option("--json", "one object on stdout", false);
  const { json } = optionsOf(command, args);
  const [folder = ""] = command.args;
  if (!existsSync(folder)) fail(diagnose("no-such-folder", null, { folder, what: "models" }));
  const rows = z.array(row).parse(JSON.parse(readFileSync(listFile(), "utf8")));
  const found = filesByHash(folder);
  const { runtime, why } = await openRuntime();
  if (runtime === null) console.error(`NOT COMPARED with onnxruntime: ${why}`);
  const lines: Line[] = [];
  for (const each of rows) {
    const file = found.get(each.sha256);
    if (file === undefined) {
      console.error(`MISSING ${each.repository} ${each.path} (${each.sha256.slice(0, 12)})`);
      continue;
    }
    const line = await attempt(each, new Uint8Array(readFileSync(file)), runtime);
    lines.push(line);
    if (!json) console.log(textOf(line));
  }
  const failures = lines.filter((line) => line.faults.length > 0);
  if (json) console.log(JSON.stringify({ rows: rows.length, lines }));
  else {
    console.log(
      `${rows.length} listed, ${lines.length} found, ${failures.length} with faults, ` +
        `${lines.filter(({ imported }) => imported).length} imported, ` +
        `${lines.filter(({ difference }) => difference !== null).length} compared`,
    );
  }
  return failures.length === 0 && lines.length > 0;
}

interface Line {
  readonly model: string;
  readonly exporter: string;
  readonly imported: boolean;
  /** The largest difference from onnxruntime, relative to the largest output; null where not compared. */
  readonly difference: number | null;
  /** Why onnxruntime does not load the model; "" where it does, or was not asked. */
  readonly why: string;
  /** What each code and pipeline said: "yes", a code of a diagnostic, or that it was skipped. */
  readonly checks: Readonly<Record<string, string>>;
  readonly conversions: Readonly<Record<string, string>>;
  readonly refusals: readonly string[];
  /** What must not be. */
  readonly faults: readonly string[];
}

/** Beyond this a difference from onnxruntime is a fault: sums in another order stay below it. */
const tolerance = 1e-3;

async function attempt(each: CorpusRow, bytes: Uint8Array, runtime: Runtime | null): Promise<Line> {
  const faults: string[] = [];
  const model = `${each.repository} ${each.path}`;
  const line = { model, exporter: each.exporter, faults };
  const empty = { difference: null, why: "", checks: {}, conversions: {} };
  let result: ImportResult;
  try {
    result = importOnnx(bytes, { file: path.basename(each.path), ...readingOf(each) });
  } catch (error) {
    faults.push(stackOf(error));
    return { ...line, ...empty, imported: false, refusals: [] };
  }
  const refusals = errorsOf(result.diagnostics);
  const got = result.module === null ? (firstError(result.diagnostics)?.code ?? "?") : "imports";
  if (got !== each.expected) faults.push(`expected ${each.expected}, got ${got}`);
  if (result.module === null) return { ...line, ...empty, imported: false, refusals };
  const { module } = result;
  let difference: number | null = null;
  let why = "";
  if (runtime !== null) {
    try {
      const compared = await compareWithRuntime(runtime, bytes, module, each);
      if (typeof compared === "string") why = compared;
      else difference = compared;
      if (difference !== null && !(difference <= tolerance)) {
        faults.push(`${difference} off of onnxruntime`);
      }
    } catch (error) {
      faults.push(`comparison: ${stackOf(error)}`);
    }
  }
  const checks = await eachOf(codes, faults, async (code) => {
    const { convertible, obstacles } = await checkModel(result, singleThreadEngine, { code });
    if (convertible) return "yes";
    refusals.push(...obstacles.slice(0, 3).map(({ op, help }) => `${code}: ${op}: ${help}`));
    return "no";
  });
  const conversions = await eachOf(pipelines, faults, async (pipeline) => {
    if (workIn(module) > mostWork) return "skipped: large";
    const samples = { count: calibrationSamples, get: (i: number) => drawn(module, i) };
    const running = { engine: wasmEngine, threads: 1 };
    const made = await convert(module, samples, running, { pipeline, timesteps, seed: 0 });
    const executable = await wasmEngine.load(made.module, { threads: 1 });
    const one = { count: 1, get: () => drawn(module, 0) };
    const options = { timesteps: made.module.timesteps };
    await executable.run(one, options, () => undefined).finally(() => executable.close());
    return "yes";
  });
  return { ...line, imported: true, difference, why, checks, conversions, refusals };
}

/** Runs `work` for each name; a diagnostic is an answer, anything else thrown a fault. */
async function eachOf<T extends string>(
  names: readonly T[],
  faults: string[],
  work: (name: T) => Promise<string>,
): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const name of names) {
    try {
      answers[name] = await work(name);
    } catch (error) {
      if (error instanceof DiagnosticError) {
        const [first] = error.diagnostics;
        answers[name] = first === undefined ? "?" : `${first.code}: ${first.message}`;
      } else {
        answers[name] = "fault";
        faults.push(`${name}: ${stackOf(error)}`);
      }
    }
  }
  return answers;
}

function workIn(module: Module): number {
  const shapes = new Map(module.ops.map((op) => [op.result, op.type.shape]));
  return module.ops.reduce((sum, op) => {
    return (
      sum +
      foldingWork(
        op,
        (value) => shapes.get(value) ?? [],
        (ref) => tensorAt(module, ref),
      )
    );
  }, 0);
}

/** A row's options, as the importer takes them. */
function readingOf({ outputs, dimensions, inputShapes, inputConstants }: CorpusRow) {
  return {
    ...(outputs === undefined ? {} : { outputs }),
    ...(dimensions === undefined ? {} : { dimensions: new Map(Object.entries(dimensions)) }),
    ...(inputShapes === undefined ? {} : { inputShapes: new Map(Object.entries(inputShapes)) }),
    ...(inputConstants === undefined
      ? {}
      : { inputConstants: new Map(Object.entries(inputConstants)) }),
  };
}

/** The list lies beside the source; what is compiled finds it from there too. */
function listFile(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const places = ["corpus/models.json", "../../../scripts/verify/corpus/models.json"];
  return known(
    places.map((place) => path.join(here, place)).find((file) => existsSync(file)),
    "models.json",
  );
}

function filesByHash(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile());
  return new Map(
    files.map((file) => [createHash("sha256").update(readFileSync(file)).digest("hex"), file]),
  );
}

function firstError(diagnostics: readonly Diagnostic[]): Diagnostic | undefined {
  return diagnostics.find(({ severity }) => severity === "error");
}

function errorsOf(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics
    .filter(({ severity }) => severity === "error")
    .slice(0, 5)
    .map(({ code, message, help }) => `${code}: ${message}; ${help ?? ""}`);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function textOf(line: Line): string {
  const cells = (answers: Readonly<Record<string, string>>): string =>
    Object.entries(answers)
      .map(([name, answer]) => `${name} ${answer}`)
      .join(", ");
  const { difference, why } = line;
  const not = why === "" ? "not compared" : `not compared (onnxruntime: ${why.slice(0, 120)})`;
  const compared = difference === null ? not : `${difference.toExponential(1)} off`;
  const head = `${line.faults.length > 0 ? "FAULT" : "ok"}  ${line.model}  (${line.exporter})`;
  const lines = [head];
  if (line.imported) {
    lines.push(`    ${compared}; check: ${cells(line.checks)}`, `    ${cells(line.conversions)}`);
  }
  for (const refusal of line.refusals) lines.push(`    refused: ${refusal}`);
  for (const fault of line.faults) lines.push(`    FAULT: ${fault}`);
  return lines.join("\n");
}

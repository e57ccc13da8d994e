/**
 * Golden files: a command, an input, and what must come out, in one `.snnir` file.
 *
 *     // RUN: --passes fold-batchnorm --locs none
 *     module @m … { … }
 *     // EXPECT:                      or  // EXPECT-ERROR: code
 *     module @m … { … }                   the diagnostics, as rendered below
 *
 * Commands: `--parse-print`, `--verify` (the same, of a valid module) and `--passes LIST`. Besides,
 * `--locs STYLE`, `--timesteps T` that passes convert for, `--samples N` random ones that passes may
 * run the network on, and `--seed` of these.
 */
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { DiagnosticError, type Diagnostic } from "../../ir/diagnostic.ts";
import { diagnose } from "../../ir/diagnostics.ts";
import { type Loc, formatLoc } from "../../ir/loc.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { uniform } from "../../ir/random.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import { establishedBy, pipelineNames } from "../../passes/index.ts";
import type { Calibration } from "../../passes/pass.ts";
import { calibrationOn } from "../../library/measure.ts";
import { runPipeline } from "../../passes/manager.ts";
import { parsePipeline } from "../../passes/pipeline.ts";

export interface Golden {
  /** The first line. */
  readonly command: string;
  /** All up to the expectation, first line included, so that lines count as in the file. */
  readonly input: string;
  /** The expectation, its marker included. */
  readonly expected: string;
}

/** Splits a golden file; one without an expectation has an empty one. */
export function splitGolden(text: string): Golden {
  const marker = /^\/\/ EXPECT(?:-ERROR)?:.*$/m.exec(text);
  const input = text.slice(0, marker?.index);
  const command = /^\/\/ RUN: (.*)\n/.exec(text)?.[1];
  if (command === undefined) throw new Error("the first line is not `// RUN: …`");
  return { command, input, expected: text.slice(input.length) };
}

/** What the command makes of the input, in the form of an expectation, and the module if any. */
export async function runGolden(
  { command, input }: Golden,
  file: string,
): Promise<{ readonly actual: string; readonly module: Module | null }> {
  const options = readCommand(command);
  const reported: Diagnostic[] = [];
  try {
    const module = await options.run(parseModule(input, { file }), (d) => reported.push(d));
    const head = ["// EXPECT:", ...reported.map((d) => `// ${d.severity}[${d.code}]: ${d.message}`)];
    return { actual: `${head.join("\n")}\n${printModule(module, { locs: options.locs })}`, module };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const codes = [...new Set(error.diagnostics.map((d) => d.code))];
    const lines = [`// EXPECT-ERROR: ${codes.join(", ")}`, ...error.diagnostics.map(render)];
    return { actual: `${lines.join("\n")}\n`, module: null };
  }
}

interface Command {
  readonly locs: "none" | "short" | "full";
  readonly run: (module: Module, report: (d: Diagnostic) => void) => Promise<Module>;
}

function readCommand(command: string): Command {
  const words = command.split(" ");
  const valueOf = (option: string): string | null => {
    const at = words.indexOf(option);
    const value = at < 0 ? undefined : words[at + 1];
    if (at >= 0 && value === undefined) throw new Error(`${option} lacks its value`);
    if (at >= 0) words.splice(at, 2);
    return value ?? null;
  };
  const locs = valueOf("--locs") ?? "none";
  if (locs !== "none" && locs !== "short" && locs !== "full") throw new Error(`--locs ${locs}`);
  const timesteps = Number(valueOf("--timesteps") ?? 1);
  const samples = Number(valueOf("--samples") ?? 0);
  const seed = Number(valueOf("--seed") ?? 0);
  const passes = valueOf("--passes");
  const [only, ...rest] = words;
  if (passes !== null && words.length === 0) {
    const options = samples === 0 ? {} : { calibration: eighths(samples, seed) };
    return {
      locs,
      run: async (module, report) => {
        const steps = parsePipeline(passes, pipelineNames);
        const all = { ...options, timesteps, establishedBy, report };
        return (await runPipeline(verified(module), steps, all)).module;
      },
    };
  }
  if (rest.length > 0) throw new Error(`what is ${rest.join(" ")}?`);
  if (only === "--parse-print") return { locs, run: async (module) => module };
  if (only === "--verify") return { locs, run: async (module) => verified(module) };
  throw new Error(`what is ${command}?`);
}

/** Runs modules in the interpreter, on samples of eighths between −1 and 1. */
function eighths(count: number, seed: number): Calibration {
  const on = (module: Module): Calibration => {
    const get = (index: number): Tensor[] =>
      inputsOf(module).map(({ type }, i) =>
        tensorOf(
          type.dtype,
          type.shape,
          Array.from(
            { length: elementCount(type.shape) },
            (_, k) => Math.round(uniform(seed, index, i, k) * 16 - 8) / 8,
          ),
        ),
      );
    return calibrationOn({ count, get }, { engine: interpretEngine, threads: 1 });
  };
  return {
    measure: (module, ...asked) => on(module).measure(module, ...asked),
    watch: (module, ...asked) => on(module).watch(module, ...asked),
  };
}

function verified(module: Module): Module {
  const violations = verify(module);
  if (violations.length === 0) return module;
  throw new DiagnosticError(
    violations.map(({ invariant, op, message }) =>
      diagnose("ir-invalid", op?.loc ?? null, { invariant, message }),
    ),
  );
}

function render({ loc, message, notes, help }: Diagnostic): string {
  const lines = [`${loc === null ? "" : `${placeOf(loc)}: `}${message}`];
  for (const note of notes) lines.push(`    ${note}`);
  if (help !== null) lines.push(`  help: ${help}`);
  return lines.join("\n");
}

/** A place without the file's name, which would only repeat the golden file's own. */
function placeOf(loc: Loc): string {
  return loc.kind === "text" ? `${loc.line}:${loc.column}` : formatLoc(loc);
}

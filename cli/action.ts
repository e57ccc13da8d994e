/**
 * What surrounds the work of every command: the terminal, the engine, one place where results are
 * printed and one where failures become messages and exit codes.
 */
import { interpretEngine } from "../backends/interpret/engine.ts";
import { typedEngine } from "../backends/typed/engine.ts";
import { wasmEngine } from "../backends/wasm/engine.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { Engine } from "../ir/executable.ts";
import { EngineDiffersError } from "../library/engine-check.ts";
import type { Running } from "../library/measure.ts";
import { PassBrokeModuleError } from "../passes/manager.ts";
import { type CommonOptions, explainFailure } from "./terminal/explain.ts";
import type { EngineName } from "../library/job/job.ts";
import { type Outputs, createOutputs } from "./files/outputs.ts";
import { saveDifference, saveReproducer } from "./files/reproducer.ts";
import { renderDiagnostics } from "./terminal/render.ts";
import { type Progress, type Terminal, createTerminal } from "./terminal/terminal.ts";

export interface Outcome {
  /** What `--json` prints. */
  readonly json: object;
  /** What people see. */
  readonly text: string;
  /** 0 unless said otherwise. */
  readonly exitCode?: number;
}

/** What a command's work is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Diagnostics that are not errors: shown at once, gathered for `--json`. */
  readonly report: (...diagnostics: readonly Diagnostic[]) => void;
  readonly diagnostics: readonly Diagnostic[];
  /** What the command reads and writes: nothing that is read is ever replaced. */
  readonly outputs: Outputs;
}

/** Runs a command's work, prints what came of it, and sets the exit code. */
export async function perform(
  options: CommonOptions,
  work: (context: CommandContext) => Promise<Outcome> | Outcome,
): Promise<void> {
  const terminal = createTerminal(options);
  const diagnostics: Diagnostic[] = [];
  const context: CommandContext = {
    terminal,
    diagnostics,
    outputs: createOutputs(),
    report(...found) {
      diagnostics.push(...found);
      const loudest = options.quiet === true ? found.filter(isWarning) : found;
      const shown = options.json === true ? [] : loudest;
      if (shown.length > 0) terminal.alert(renderDiagnostics(shown, terminal.alertColor));
    },
  };
  try {
    const outcome = await work(context);
    terminal.close();
    if (options.json === true) terminal.json(outcome.json);
    else if (outcome.text !== "") terminal.out(outcome.text);
    process.exitCode = outcome.exitCode ?? 0;
  } catch (error) {
    terminal.close();
    process.exitCode = explain(error, terminal, options, diagnostics);
  }
}

/** Remarks say what was done; a warning, that a result may not be what it is taken for. */
function isWarning({ severity }: Diagnostic): boolean {
  return severity !== "info";
}

/** Explains a failure, and keeps what is needed to see one of ours again; returns the exit code for it. */
export function explain(
  error: unknown,
  terminal: Terminal,
  options: CommonOptions,
  earlier: readonly Diagnostic[],
): number {
  return explainFailure(error, terminal, options, earlier, keep);
}

/** Writes what shows a fault of ours again; returns what there is to say about it. */
function keep(error: unknown): readonly string[] {
  if (error instanceof EngineDiffersError) return [saveDifference(error)];
  if (!(error instanceof PassBrokeModuleError)) return [];
  return [...(error.frame === "" ? [] : [error.frame]), saveReproducer(error)];
}

const engines: Readonly<Record<EngineName, Engine>> = {
  wasm: wasmEngine,
  typed: typedEngine,
  interpret: interpretEngine,
};

/** Has the engine that will run data get ready while they are read. */
export function warmUp(engine: EngineName | undefined): void {
  if (engine !== undefined) engines[engine].warmUp?.();
}

/** The engine and threads that the options name, with progress drawn on the terminal. */
export function runningOf(
  options: { readonly engine: EngineName; readonly threads: number },
  { terminal, report: show }: Pick<CommandContext, "terminal" | "report">,
): Running {
  const told = new Set<string>();
  let label: string | null = null;
  let shown: Progress | null = null;
  return {
    engine: engines[options.engine],
    threads: options.threads,
    now: () => performance.now(),
    onDiagnostic(diagnostic) {
      // The same again for the next network says nothing new.
      const key = JSON.stringify(diagnostic);
      if (!told.has(key)) show(diagnostic);
      told.add(key);
    },
    onProgress(what, done, total) {
      if (label !== what) {
        shown?.stop();
        shown = terminal.progress(what, total);
        label = what;
      }
      shown?.update(done);
      if (done === total) {
        shown?.stop();
        label = null;
      }
    },
  };
}

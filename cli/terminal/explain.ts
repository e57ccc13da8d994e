/**
 * From a failure to messages and an exit code. Loads little: where the heap was full, what is left of it
 * has to suffice for saying so.
 */
import { type Diagnostic, DiagnosticError } from "../../ir/diagnostic.ts";
import { isOutOfMemory } from "../../ir/run/memory.ts";
import { diagnose } from "../diagnostics.ts";
import { diagnosticToJson, renderDiagnostics } from "./render.ts";
import type { Terminal } from "./terminal.ts";

/** The options of every command that decide what is printed. */
export interface CommonOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly debug?: boolean | undefined;
}

/**
 * Explains a failure; returns the exit code for it. `keep` may write what shows a fault of ours again, and
 * says so in lines of text.
 */
export function explainFailure(
  error: unknown,
  terminal: Terminal,
  options: CommonOptions,
  earlier: readonly Diagnostic[],
  keep: (error: unknown) => readonly string[] = () => [],
): number {
  const withStack = options.debug === true && error instanceof Error ? (error.stack ?? null) : null;
  if (error instanceof DiagnosticError) {
    if (options.json === true) {
      const all = [...earlier, ...error.diagnostics];
      tryJson(terminal, { diagnostics: all.map(diagnosticToJson) });
    }
    terminal.alert(renderDiagnostics(error.diagnostics, terminal.alertColor));
    for (const line of keep(error)) terminal.alert(line);
    if (withStack !== null) terminal.alert(withStack);
    return exitCodeOf(error.diagnostics);
  }
  if (isOutOfMemory(error)) return explainFailure(outOfMemory(), terminal, options, earlier);
  const message = error instanceof Error ? error.message : String(error);
  if (options.json === true) {
    const internal = { code: "internal", severity: "error", message };
    const diagnostics = [...earlier.map(diagnosticToJson), internal];
    tryJson(terminal, { diagnostics });
  }
  terminal.alert(`error[internal]: ${message}`);
  const kept = keep(error);
  for (const line of kept) terminal.alert(line);
  if (kept.length === 0 && withStack !== null) terminal.alert(withStack);
  terminal.alert("  note: this is a fault of snnc, not of your input; --debug shows where");
  return 70;
}

/** Our own fault outweighs the machine's, and that the input's. */
function exitCodeOf(diagnostics: readonly Diagnostic[]): number {
  const causes = new Set(diagnostics.map(({ cause }) => cause));
  return causes.has("fault") ? 70 : causes.has("environment") ? 2 : 1;
}

/** The failure itself goes to stderr too, so it is not lost where stdout is what failed. */
function tryJson(terminal: Terminal, value: object): void {
  try {
    terminal.json(value);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
  }
}

function outOfMemory(): DiagnosticError {
  return new DiagnosticError([diagnose("out-of-memory", null, {})]);
}

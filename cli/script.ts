/**
 * What surrounds scripts and benchmarks as `perform` surrounds commands: their options are read, and what
 * is wrong with them is reported, as the command line does it. Exit code 1 for what the user can mend, 2 for
 * the machine, 70 for faults of ours.
 */
import { CommanderError } from "@commander-js/extra-typings";
import { diagnose } from "./diagnostics.ts";
import { diagnosticToJson } from "./terminal/render.ts";
import { createTerminal } from "./terminal/terminal.ts";

/** What is needed of a commander `Command`, whatever its arguments and options. */
interface Parser<O> {
  readonly args: readonly string[];
  configureOutput(to: {
    writeOut: (text: string) => void;
    writeErr: (text: string) => void;
  }): unknown;
  exitOverride(): unknown;
  showSuggestionAfterError(): unknown;
  parse(args: readonly string[], from: { from: "user" }): unknown;
  name(): string;
  opts(): O;
}

/**
 * The options of `args`, by default those that the process was started with. Ends it where it was asked
 * for help (0), or where they are wrong (1): then `--json` gets its one object too.
 */
export function optionsOf<O>(
  program: Parser<O>,
  args: readonly string[] = process.argv.slice(2),
): O {
  const terminal = createTerminal({ json: true, quiet: true });
  program.configureOutput({
    writeOut: (text) => terminal.out(text.replace(/\n$/, "")),
    writeErr: (text) => terminal.alert(text.replace(/\n$/, "")),
  });
  program.exitOverride();
  program.showSuggestionAfterError();
  try {
    program.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(commanderFailure(error, args));
  }
  return program.opts();
}

/** What `--json` prints of wrong options; commander has told the rest. Returns the exit code. */
function commanderFailure(error: CommanderError, args: readonly string[]): number {
  // Help and version are answers, not errors.
  if (error.exitCode === 0) return 0;
  if (args.includes("--json")) {
    const text = error.message.replace(/^error: /, "").replaceAll("\n", " ");
    const diagnostics = [diagnosticToJson(diagnose("usage", null, { text }))];
    createTerminal({ json: true, quiet: true }).json({ diagnostics });
  }
  return 1;
}

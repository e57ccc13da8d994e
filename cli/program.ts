/** The program: argv to a command, and usage errors to exit code 1. */
import { Command, CommanderError } from "@commander-js/extra-typings";
import { DiagnosticError } from "../ir/diagnostic.ts";
import { buildCommand } from "./commands/build.ts";
import { checkCommand } from "./commands/check.ts";
import { convertCommand } from "./commands/convert.ts";
import { diffCommand } from "./commands/diff.ts";
import { evalCommand } from "./commands/eval.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { opsCommand } from "./commands/ops.ts";
import { passesCommand } from "./commands/passes.ts";
import { reportCommand } from "./commands/report.ts";
import { runCommand } from "./commands/run.ts";
import { explain } from "./action.ts";
import { diagnose } from "./diagnostics.ts";
import { arrangeHelp } from "./options/help.ts";
import { type Terminal, createTerminal } from "./terminal/terminal.ts";
import { version } from "./version.ts";

/** Runs `snnc ARGS`, and sets the exit code of the process or thread that it runs in. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const terminal = createTerminal({ json: true, quiet: true });
  try {
    await createProgram(terminal).parseAsync(args, { from: "user" });
  } catch (error) {
    const json = args.includes("--json");
    if (!(error instanceof CommanderError)) {
      process.exitCode = explain(error, terminal, { json }, []);
    } else if (error.exitCode === 0) {
      // Help and version are answers, not errors.
      process.exitCode = 0;
    } else {
      process.exitCode = 1;
      if (json) {
        const text = error.message.replace(/^error: /, "").replaceAll("\n", " ");
        const usage = new DiagnosticError([diagnose("usage", null, { text })]);
        explain(usage, { ...terminal, alert: () => undefined }, { json }, []);
      }
    }
  }
}

/** All commands, which print to `terminal` what is not the work of one of them. */
function createProgram(terminal: Terminal): Command {
  const commands = [
    checkCommand(),
    convertCommand(),
    evalCommand(),
    runCommand(),
    buildCommand(),
    reportCommand(),
    inspectCommand(),
    diffCommand(),
    passesCommand(),
    opsCommand(),
  ];
  const program = new Command("snnc")
    .description("compile trained neural networks to spiking neural networks")
    .version(version)
    .showSuggestionAfterError()
    .exitOverride();
  const output = {
    writeOut: (text: string) => terminal.out(text.replace(/\n$/, "")),
    writeErr: (text: string) => terminal.alert(text.replace(/\n$/, "")),
  };
  program.configureOutput(output);
  for (const command of commands) {
    // One line after the error: all of the help would push it off the screen.
    command.showHelpAfterError(`(options: snnc ${command.name()} --help)`);
    program.addCommand(command.configureOutput(output).exitOverride());
    arrangeHelp(command);
  }
  arrangeHelp(program);
  return program;
}

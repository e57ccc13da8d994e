#!/usr/bin/env node
/** The entry point: argv to a command, and usage errors to exit code 1. */
import { Command, CommanderError } from "@commander-js/extra-typings";
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
import { diagnose } from "./diagnostics.ts";
import { diagnosticToJson } from "./render.ts";
import { createTerminal } from "./terminal.ts";
import { version } from "./version.ts";

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
const terminal = createTerminal({ json: true, quiet: true });
const output = {
  writeOut: (text: string) => terminal.out(text.replace(/\n$/, "")),
  writeErr: (text: string) => terminal.alert(text.replace(/\n$/, "")),
};
program.configureOutput(output);
for (const command of commands) {
  // One line after the error: all of the help would push it off the screen.
  command.showHelpAfterError(`(options: snnc ${command.name()} --help)`);
  program.addCommand(command.configureOutput(output).exitOverride());
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and version are answers, not errors.
  process.exitCode = error.exitCode === 0 ? 0 : 1;
  if (error.exitCode !== 0 && process.argv.includes("--json")) {
    const text = error.message.replace(/^error: /, "").replaceAll("\n", " ");
    const diagnostics = [diagnosticToJson(diagnose("usage", null, { text }))];
    terminal.json({ diagnostics });
  }
}

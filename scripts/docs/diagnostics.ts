/** docs/diagnostics.md: every message there is, by the folder that declares it. */
import { diagnose as threads } from "../../backends/diagnostics.ts";
import { diagnose as cBuild } from "../../backends/c/diagnostics.ts";
import { diagnose as wasm } from "../../backends/wasm/diagnostics.ts";
import { diagnose as wasmBuild } from "../../backends/wasm/emit/diagnostics.ts";
import { diagnose as calibrate } from "../../calibrate/diagnostics.ts";
import { diagnoseEvaluation } from "../../calibrate/evaluation-diagnostics.ts";
import { diagnose as cli } from "../../cli/diagnostics.ts";
import { diagnose as frontend } from "../../frontend/diagnostics.ts";
import { diagnose as onnx } from "../../frontend/onnx/diagnostics.ts";
import type { Diagnose, Diagnostic, DiagnosticSpec } from "../../ir/diagnostic.ts";
import { diagnose as ir } from "../../ir/diagnostics.ts";
import { diagnose as options } from "../../ir/option-diagnostics.ts";
import { diagnose as semantics } from "../../ir/semantics/diagnostics.ts";
import { diagnose as library } from "../../library/diagnostics.ts";
import { diagnose as passes } from "../../passes/diagnostics.ts";
import { diagnose as allocation } from "../../passes/fit/diagnostics.ts";
import { code, generatedNote, prose } from "./markdown.ts";

interface Catalogue {
  readonly title: string;
  /** The file that declares it. */
  readonly file: string;
  readonly entries: readonly Entry[];
}

interface Entry {
  readonly code: string;
  readonly severity: string;
  readonly cause: Diagnostic["cause"];
  readonly message: string;
  readonly help: string | null;
}

/**
 * Stands for a parameter that is not known: as text its name in angle quotes, as a list one such
 * element, as a function a stand-in again. Enough for sentences to be put together around it.
 */
function standIn(name: string): object {
  const text = `‹${name}›`;
  return new Proxy(() => undefined, {
    get(_target, key) {
      if (key === Symbol.toPrimitive) return (hint: string) => (hint === "number" ? NaN : text);
      if (key === Symbol.iterator) return () => [text].values();
      if (key === "toString" || key === "join") return () => text;
      if (key === "length") return standIn(`count of ${name}`);
      return standIn(/^\d+$/.test(String(key)) ? name : `${name}.${String(key)}`);
    },
    apply: () => standIn(name.replace(/\.[^.]*$/, "")),
  });
}

const anyParameter = new Proxy({}, { get: (_target, key) => standIn(String(key)) });
// Messages read their parameters and nothing else; what they get here answers to every name.
// eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
const parameters = anyParameter as never;

/** Every catalogue; a test compares the list with the sources. */
export const catalogues: readonly Catalogue[] = [
  catalogueOf("Command line", "cli/diagnostics.ts", cli),
  catalogueOf("Models of every format", "frontend/diagnostics.ts", frontend),
  catalogueOf("ONNX models", "frontend/onnx/diagnostics.ts", onnx),
  catalogueOf("Data and preprocessing", "calibrate/diagnostics.ts", calibrate),
  catalogueOf("Evaluation", "calibrate/evaluation-diagnostics.ts", diagnoseEvaluation),
  catalogueOf("Threads", "backends/diagnostics.ts", threads),
  catalogueOf("WebAssembly engine", "backends/wasm/diagnostics.ts", wasm),
  catalogueOf("Builds for WebAssembly", "backends/wasm/emit/diagnostics.ts", wasmBuild),
  catalogueOf("Builds in C", "backends/c/diagnostics.ts", cBuild),
  catalogueOf("Library", "library/diagnostics.ts", library),
  catalogueOf("Passes and pipelines", "passes/diagnostics.ts", passes),
  catalogueOf("Bits of layers", "passes/fit/diagnostics.ts", allocation),
  catalogueOf("Options of passes and targets", "ir/option-diagnostics.ts", options),
  catalogueOf("Texts and .snn files", "ir/diagnostics.ts", ir),
  catalogueOf("Meaning of ops", "ir/semantics/diagnostics.ts", semantics),
];

export function diagnosticsPage(): string {
  return [
    "# Diagnostics",
    generatedNote,
    introduction,
    ...catalogues.map(
      ({ title, file, entries }) =>
        `## ${title}\n\nDeclared in ${code(file)}.\n\n${entries.map(entryText).join("\n")}`,
    ),
  ].join("\n\n");
}

function entryText({ code: name, severity, cause, message, help }: Entry): string {
  const marked = cause === "input" ? "" : `, ${cause}`;
  const lines = [`- **${code(name)}** (${severity}${marked}): ${code(message)}`];
  if (help !== null) lines.push(`  - ${prose(help)}`);
  return lines.join("\n");
}

function catalogueOf<P>(title: string, file: string, { specs }: Diagnose<P>): Catalogue {
  const rows = Object.entries<DiagnosticSpec<never>>(specs);
  return {
    title,
    file,
    entries: rows.map(([name, spec]) => {
      const help = typeof spec.help === "function" ? spec.help(parameters) : (spec.help ?? null);
      return {
        code: name,
        severity: spec.severity,
        cause: spec.cause ?? "input",
        message: spec.message(parameters).replaceAll("NaN", "‹number›"),
        help,
      };
    }),
  };
}

const introduction = `All messages about what you gave to snnc. Each message has a stable code and a severity. Most have a
way out, which stands below the message in this list. \`--json\` lists messages under \`diagnostics\`. Parts that
depend on the case are in angle quotes.

An \`error\` ends the command. The exit code is 1 if the input is at fault, 2 if the machine is (marked
_environment_), and 70 if snnc is (marked _fault_). A \`warning\` or an \`info\` does not end it.

One failure is in no catalogue: another fault of snnc ends with \`internal\` (exit code 70). If a pass is at fault,
snnc also writes a reproducer.`;

/**
 * Runs the ONNX project's backend tests: every folder with a `model.onnx` and
 * `test_data_set_*` beside it is imported with the shapes of the given inputs, interpreted, and
 * compared with the given outputs. Says by operator what is not supported.
 *
 *     npm run conformance -- DIRECTORY [--json] [--refused] [--only TEXT]
 *
 * --refused lists the cases that are not supported, with the reason; --only runs the cases whose
 * name holds TEXT. The exit code is 1 where a case fails, or where there is none.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { perform } from "../cli/action.ts";
import { diagnose } from "../cli/diagnostics.ts";
import { options } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { fail } from "../ir/diagnostic.ts";
import { type ConformanceResult, runCase } from "../frontend/onnx/conformance.ts";
import { filesBeside } from "../frontend/files.ts";

/**
 * Test vectors of ONNX 1.17 that its later releases corrected, with where that is told. They are
 * run like the others; where the result differs from the vector they are counted by themselves.
 */
const errata: ReadonlyMap<string, string> = new Map([
  ...["2D_int8_float16", "2D_int8_float32", "3D_int8_float16", "3D_int8_float32"].map(
    (name): [string, string] => [
      `test_qlinearmatmul_${name}`,
      "wraps around where the specification saturates (onnx/onnx issue 7835)",
    ],
  ),
  [
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True",
    "counts elements beyond the padding (see onnx/onnx issue 5276)",
  ],
]);

/** Folders below `directory` that hold a model.onnx, in order of their names. */
function* casesIn(directory: string): Iterable<string> {
  const entries = readdirSync(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.name === "model.onnx")) yield directory;
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) yield* casesIn(join(directory, entry.name));
  }
}

/** The numbered files `input_0.pb`, `input_1.pb` … of a data set. */
function numbered(folder: string, stem: string): readonly Uint8Array[] {
  const files: Uint8Array[] = [];
  for (let i = 0; existsSync(join(folder, `${stem}_${i}.pb`)); i++) {
    files.push(readFileSync(join(folder, `${stem}_${i}.pb`)));
  }
  return files;
}

function run(folder: string): ConformanceResult {
  const modelPath = join(folder, "model.onnx");
  const sets = readdirSync(folder)
    .filter((name) => name.startsWith("test_data_set_"))
    .toSorted();
  return runCase({
    name: basename(folder),
    model: readFileSync(modelPath),
    files: filesBeside(modelPath),
    sets: sets.map((set) => ({
      inputs: numbered(join(folder, set), "input"),
      outputs: numbered(join(folder, set), "output"),
    })),
  });
}

const program = new Command("conformance")
  .description("run a folder of ONNX backend test cases")
  .argument("<directory>", "folder with cases: model.onnx beside test_data_set_*")
  .option("--refused", "list the cases that are not supported, with the reason")
  .option("--only <text>", "run the cases whose name holds this")
  .addOption(options.json)
  .addOption(options.debug);
const given = optionsOf(program);
const [directory = ""] = program.args;

await perform(given, () => {
  const summary = {
    cases: 0,
    passed: 0,
    failed: 0,
    unsupported: new Map<string, number>(),
    failures: new Array<{ case: string; why: string }>(),
    /** Cases that differ from a vector which is known to be wrong. */
    errata: new Array<{ case: string; why: string }>(),
  };
  const refused: string[] = [];
  if (!existsSync(directory))
    fail(diagnose("no-such-folder", null, { folder: directory, what: "cases" }));
  for (const folder of casesIn(directory)) {
    if (given.only !== undefined && !basename(folder).includes(given.only)) continue;
    const result = run(folder);
    summary.cases++;
    if (result.kind === "passed") summary.passed++;
    else if (result.kind === "failed") {
      const erratum = errata.get(basename(folder));
      if (erratum !== undefined) {
        summary.errata.push({ case: basename(folder), why: erratum });
        continue;
      }
      summary.failed++;
      summary.failures.push({ case: basename(folder), why: result.why });
    } else {
      for (const operator of result.operators) {
        summary.unsupported.set(operator, (summary.unsupported.get(operator) ?? 0) + 1);
      }
      refused.push(`${basename(folder)}: ${result.why}`);
    }
  }

  if (summary.cases === 0) {
    fail(diagnose("no-such-folder", null, { folder: directory, what: "model.onnx in any case" }));
  }
  const unsupported = Object.fromEntries(summary.unsupported);
  const { cases, passed, failed } = summary;
  const known = summary.errata.length;
  const rest = cases - passed - failed - known;
  const rows = [...summary.unsupported].toSorted(([, a], [, b]) => b - a);
  const lines = [
    ...summary.failures.map(({ case: name, why }) => `FAILED ${name}: ${why}`),
    ...(given.refused === true ? refused : []),
    ...summary.errata.map(({ case: name, why }) => `wrong vector ${name}: ${why}`),
    `${cases} cases: ${passed} passed, ${failed} failed, ${known} with a wrong vector, ` +
      `${rest} not supported`,
    ...rows.map(([operator, count]) => `${String(count).padStart(5)}  ${operator}`),
  ];
  return {
    json: { ...summary, unsupported },
    text: lines.join("\n"),
    exitCode: failed > 0 ? 1 : 0,
  };
});

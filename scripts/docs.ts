/**
 * Writes the generated documentation: docs/diagnostics.md, docs/onnx-operators.md,
 * docs/report.schema.json, docs/result.schema.json, and what stands between marks in docs/ir.md, docs/architecture.md,
 * docs/library.md, docs/targets.md and docs/passes/README.md. With `--check` it writes nothing and
 * fails where a page is not what it would write.
 *
 *     npm run docs [-- --check]
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { perform } from "../cli/action.ts";
import { writeOutput } from "../cli/files/files.ts";
import { options } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { generatedPages } from "./docs/pages.ts";

const program = new Command("docs")
  .description("write the generated documentation")
  .option("--check", "write nothing, and fail where a page is not what would be written")
  .addOption(options.json)
  .addOption(options.debug);
const given = optionsOf(program);

await perform(given, async () => {
  const root = process.cwd();
  const written: string[] = [];
  const outdated: string[] = [];
  for (const [file, text] of await generatedPages(root)) {
    const path = join(root, file);
    if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
    if (given.check === true) outdated.push(file);
    else writeOutput(path, Buffer.from(text));
    written.push(file);
  }
  return {
    json: given.check === true ? { outdated } : { written },
    text: written
      .map((file) =>
        given.check === true ? `${file} is out of date: run \`npm run docs\`` : `wrote ${file}`,
      )
      .join("\n"),
    exitCode: outdated.length > 0 ? 1 : 0,
  };
});

/**
 * Writes the generated documentation: docs/ir.md, docs/diagnostics.md, docs/onnx-operators.md and
 * the tables of docs/passes/README.md. With `--check` it writes nothing and fails where a page is
 * not what it would write.
 *
 *     npm run docs [-- --check]
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedPages } from "./docs/pages.ts";

const root = process.cwd();
const checkOnly = process.argv.includes("--check");
for (const [file, text] of await generatedPages(root)) {
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  if (checkOnly) {
    console.error(`${file} is out of date: run \`npm run docs\``);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`wrote ${file}`);
  }
}

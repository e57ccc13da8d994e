/** The generated pages by path, laid out by Prettier as the written ones are. Writes nothing. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { reportJsonSchema } from "../../calibrate/report/schema.ts";
import { resultJsonSchema } from "../../calibrate/result/schema.ts";
import { invariant } from "../../ir/diagnostic.ts";
import { diagnosticsPage } from "./diagnostics.ts";
import { digitsBlocks } from "./digits.ts";
import { irBlocks } from "./ir.ts";
import { operatorsPage } from "./operators.ts";
import { passTable, pipelineTable } from "./passes.ts";
import { targetTable } from "./targets.ts";

/** Every generated page, from the sources and the pages under `root`. */
export async function generatedPages(root: string): Promise<ReadonlyMap<string, string>> {
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  const passes = "docs/passes/README.md";
  let architecture = read("docs/architecture.md");
  for (const [name, text] of await digitsBlocks(root)) {
    architecture = filled(architecture, name, text);
  }
  let ir = read("docs/ir.md");
  const sources = {
    ops: readdirSync(join(root, "ir/op/attrs"))
      .map((file) => read(`ir/op/attrs/${file}`))
      .join(""),
    verifier: read("ir/verify.ts"),
  };
  for (const [name, text] of irBlocks(sources)) ir = filled(ir, name, text);
  const library = filled(read("docs/library.md"), "example", libraryExample(read));
  const pages = new Map([
    ["docs/architecture.md", architecture],
    ["docs/library.md", library],
    ["docs/ir.md", ir],
    ["docs/diagnostics.md", diagnosticsPage()],
    ["docs/onnx-operators.md", operatorsPage()],
    ["docs/report.schema.json", JSON.stringify(reportJsonSchema())],
    ["docs/result.schema.json", JSON.stringify(resultJsonSchema())],
    ["docs/targets.md", filled(read("docs/targets.md"), "targets", targetTable())],
    [passes, filled(filled(read(passes), "passes", passTable()), "pipelines", pipelineTable())],
  ]);
  const laidOut = new Map<string, string>();
  for (const [file, text] of pages) {
    const parser = file.endsWith(".json") ? "json" : "markdown";
    laidOut.set(file, await format(text, { parser, printWidth: 100 }));
  }
  return laidOut;
}

/** The example as a user of the package would write it. */
function libraryExample(read: (file: string) => string): string {
  const text = read("examples/library.ts")
    .replace(/^\/\*\*.*?\*\/\n/s, "")
    .replaceAll('"../index.ts"', '"snnc"')
    .replaceAll('"../library/node.ts"', '"snnc/node"');
  return `\`\`\`ts\n${text.trim()}\n\`\`\``;
}

/** `page` with what stands between the marks of `name` replaced. */
function filled(page: string, name: string, text: string): string {
  const begin = `<!-- generated: ${name} -->`;
  const end = `<!-- end: ${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  invariant(from >= 0 && to > from, `a page without the marks ${begin} and ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

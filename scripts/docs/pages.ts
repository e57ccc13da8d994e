/** The generated pages by path, laid out by Prettier as the written ones are. Writes nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { invariant } from "../../ir/diagnostic.ts";
import { diagnosticsPage } from "./diagnostics.ts";
import { irPage } from "./ir.ts";
import { operatorsPage } from "./operators.ts";
import { passTable, pipelineTable } from "./passes.ts";

/** Every generated page, from the sources and the pages under `root`. */
export async function generatedPages(root: string): Promise<ReadonlyMap<string, string>> {
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  const passes = "docs/passes/README.md";
  const pages = new Map([
    ["docs/ir.md", irPage(read("ir/op.ts"))],
    ["docs/diagnostics.md", diagnosticsPage()],
    ["docs/onnx-operators.md", operatorsPage()],
    [passes, filled(filled(read(passes), "passes", passTable()), "pipelines", pipelineTable())],
  ]);
  const laidOut = new Map<string, string>();
  for (const [file, text] of pages) {
    laidOut.set(file, await format(text, { parser: "markdown", printWidth: 100 }));
  }
  return laidOut;
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

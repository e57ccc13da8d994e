/** Runs the golden files of `test/golden`; `UPDATE_GOLDEN=1` writes what comes out into them. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { describe, expect, it } from "vitest";
import { diagnose } from "../ir/diagnostics.ts";
import { parseModule } from "../ir/text/parse.ts";
import { printModule } from "../ir/text/print.ts";
import { runGolden, splitGolden } from "./golden/harness.ts";

const folder = join(import.meta.dirname, "golden");
const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".snnir"))
  .map((name) => name.split(sep).join("/"))
  .sort();
const update = process.env["UPDATE_GOLDEN"] === "1";

describe("golden files", () => {
  it.each(names)("%s", async (name) => {
    const path = join(folder, name);
    const golden = splitGolden(readFileSync(path, "utf8"));
    const { actual, module } = await runGolden(golden, name);
    if (update) writeFileSync(path, golden.input + actual);
    else expect(actual).toBe(golden.expected);
    if (module === null) return;
    const text = printModule(module, { locs: "full" });
    const again = parseModule(text, { file: name, tensors: module.tensors });
    expect(printModule(again, { locs: "full" })).toBe(text);
  });

  it("show every message about text", () => {
    const shown = new Set(
      names.flatMap((name) => {
        const text = readFileSync(join(folder, name), "utf8");
        return /^\/\/ EXPECT-ERROR: (.*)$/m.exec(text)?.[1]?.split(", ") ?? [];
      }),
    );
    // These two need a tensor beside the text, or a text of a thousand levels: test/ir/text.test.ts.
    const elsewhere = new Set(["ir-tensor-differs", "ir-nesting"]);
    const missing = Object.keys(diagnose.specs).filter(
      (code) => code.startsWith("ir-") && !shown.has(code) && !elsewhere.has(code),
    );
    expect(missing).toEqual([]);
  });
});

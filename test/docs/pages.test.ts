/** Generated pages are what would be generated now, and the lists behind them are complete. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allPasses } from "../../passes/index.ts";
import { catalogues } from "../../scripts/docs/diagnostics.ts";
import { generatedPages } from "../../scripts/docs/pages.ts";
import { root, textOf } from "./markdown.ts";

const folders = ["ir", "frontend", "passes", "backends", "calibrate", "tune", "library", "cli"];

/** Every source file, from the root. */
function sources(): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => `${folder}/${file}`),
    );
}

describe("generated pages", () => {
  it("are current; else run `npm run docs`", async () => {
    for (const [file, text] of await generatedPages(root)) expect(textOf(file), file).toBe(text);
  });

  it("know every catalogue of messages", () => {
    const declaring = sources().filter((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return file !== "ir/diagnostic.ts" && /\bcatalogue\(\{/.test(text);
    });
    expect(catalogues.map(({ file }) => file).sort()).toEqual(declaring.sort());
  });

  it("give every code one meaning", () => {
    const codes = catalogues.flatMap(({ entries }) => entries.map(({ code }) => code));
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
  });

  it("spell every message without knowing its case", () => {
    for (const { entries } of catalogues) {
      for (const { code, message, help } of entries) {
        expect(`${message} ${help ?? ""}`, code).not.toMatch(/undefined|NaN|\[object|=>/);
      }
    }
  });
});

describe("pages of passes", () => {
  it("are of passes that there are", () => {
    const pages = readdirSync(join(root, "docs/passes")).filter((file) => file !== "README.md");
    expect(pages.sort()).toEqual(allPasses.map(({ name }) => `${name}.md`).sort());
  });
});

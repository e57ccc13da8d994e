/** Every relative link leads somewhere, to the heading too, and every path of a source is one that there is. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorsOf, linksIn, markdownFiles, root, textOf } from "./markdown.ts";

describe("links", () => {
  it.each(markdownFiles())("of %s resolve", (file) => {
    const broken = linksIn(textOf(file)).filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? file : join(dirname(file), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(textOf(target)).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

/** Folders of sources, with what is beside them. */
const folders = [
  ...["ir", "frontend", "passes", "backends", "calibrate", "library", "cli"],
  ...["scripts", "bench", "test", "docs", "examples"],
];

/** Every file and folder of the sources, each with a slash before it; folders with one behind it too. */
const there = [
  ...readdirSync(root).map((name) => `/${name}`),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(({ parentPath }) => !parentPath.includes("node_modules"))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name).slice(root.length);
        return entry.isDirectory() ? `${path}/` : path;
      }),
  ),
  ...folders.map((folder) => `/${folder}/`),
];

/** Whether a path names something, from the root or from a folder that the text is about. */
function exists(path: string): boolean {
  return there.some((each) => each.endsWith(`/${path}`) || each.endsWith(`/${path}/`));
}

/** What is made, not kept: these and what lies in them need not be there. */
const made = /^(dist|coverage|out)\/|^model\.d\.ts$/;

describe("paths of sources", () => {
  // A history names what was there.
  const files = markdownFiles().filter((file) => file !== "CHANGELOG.md");

  it.each(files)("in %s exist", (file) => {
    const text = textOf(file);
    const named = [...text.matchAll(/`([\w-][\w./-]*)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => {
        const isSource = path.endsWith(".ts") && path !== ".ts";
        return isSource || path.endsWith("/") || folders.includes(path.split("/")[0] ?? "");
      });
    const imported = [...text.matchAll(/ from "(?:\.\.?\/)+([\w./-]+\.ts)"/g)].map(
      ([, path = ""]) => path,
    );
    const missing = [...named, ...imported].filter((path) => !made.test(path) && !exists(path));
    expect(missing).toEqual([]);
  });
});

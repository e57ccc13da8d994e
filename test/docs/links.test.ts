/** Every relative link leads somewhere, to the heading too. */
import { existsSync } from "node:fs";
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

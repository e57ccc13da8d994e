/** Every Markdown file of the repository, with its code blocks and links. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** Paths of all Markdown files that git knows of or would add, from the root. */
export function markdownFiles(): string[] {
  const listed = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    { cwd: root, encoding: "utf8" },
  );
  return [...new Set(listed.split("\n"))]
    .filter((file) => file !== "" && existsSync(join(root, file)))
    .sort();
}

export function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** The lines of the code blocks in `language`. */
export function codeLines(text: string, language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"));
  return [...blocks].flatMap(([, block = ""]) => block.split("\n").filter((line) => line !== ""));
}

/** Targets of links, code blocks left out. */
export function linksIn(text: string): string[] {
  const prose = text.replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** The anchors that headings make, as GitHub spells them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/**
 * Every pass has its page, with the headings in their order, its options, and examples that run;
 * `UPDATE_GOLDEN=1` writes what comes out of the examples into them.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allPasses } from "../../passes/index.ts";
import { runGolden, splitGolden } from "../golden/harness.ts";

const headings = [
  "Purpose",
  "Requires",
  "Establishes",
  "Equation",
  "Options",
  "Edge cases",
  "Example in IR text",
  "Reference",
];

const update = process.env["UPDATE_GOLDEN"] === "1";

describe.each(allPasses.map((pass) => [pass.name, pass] as const))(
  "the page of %s",
  (name, pass) => {
    const path = join(import.meta.dirname, `../../docs/passes/${name}.md`);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const sectionOf = (heading: string): string =>
      text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";

    it("has the fixed headings", () => {
      expect(text.startsWith(`# ${name}\n`)).toBe(true);
      expect([...text.matchAll(/^## (.*)$/gm)].map((match) => match[1])).toEqual(headings);
    });

    it("names every property and option of the pass", () => {
      for (const property of pass.requires)
        expect(sectionOf("Requires")).toContain(`\`${property}\``);
      for (const property of pass.establishes) {
        expect(sectionOf("Establishes")).toContain(`\`${property}\``);
      }
      const options = sectionOf("Options");
      for (const option of Object.keys(pass.options)) expect(options).toContain(`\`${option}\``);
      if (Object.keys(pass.options).length === 0) expect(options).toContain("None.");
    });

    it("has examples that are true", async () => {
      let updated = text;
      for (const [, example = ""] of text.matchAll(/^```snnir\n(.*?)^```$/gms)) {
        const golden = splitGolden(example);
        const { actual } = await runGolden(golden, `${name}.md`);
        if (update) updated = updated.replace(example, () => golden.input + actual);
        else expect(actual).toBe(golden.expected);
      }
      if (update) writeFileSync(path, updated);
    });
  },
);

/** Commands in the documentation are ones that the command line takes, options and values too. */
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { buildCommand } from "../../cli/commands/build.ts";
import { checkCommand } from "../../cli/commands/check.ts";
import { convertCommand } from "../../cli/commands/convert.ts";
import { diffCommand } from "../../cli/commands/diff.ts";
import { evalCommand } from "../../cli/commands/eval.ts";
import { inspectCommand } from "../../cli/commands/inspect.ts";
import { opsCommand } from "../../cli/commands/ops.ts";
import { passesCommand } from "../../cli/commands/passes.ts";
import { reportCommand } from "../../cli/commands/report.ts";
import { runCommand } from "../../cli/commands/run.ts";
import { examples } from "../../cli/options/help.ts";
import { stepsOf } from "../../library/convert.ts";
import { codeLines, markdownFiles, root, textOf } from "./markdown.ts";

const commands = [
  buildCommand,
  checkCommand,
  convertCommand,
  evalCommand,
  runCommand,
  reportCommand,
  inspectCommand,
  diffCommand,
  passesCommand,
  opsCommand,
];

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(textOf("package.json")));

/** Words as a shell splits them; quotes keep spaces. */
function wordsOf(line: string): string[] {
  const words = line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g);
  return [...words].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
}

/** Parses the words after `snnc` as the program does, and runs nothing. */
async function parse(words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  for (const make of commands) {
    const command = make();
    if (command.name() !== name) continue;
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    command.action(() => undefined);
    await command.parseAsync(rest, { from: "user" });
    return;
  }
  throw new Error(`there is no command ${name ?? ""}`);
}

/** Lines of shell blocks, without their comments, cut at `&&`. */
const lines = markdownFiles().flatMap((file) =>
  codeLines(textOf(file), "sh")
    .flatMap((line) => line.replace(/\s#.*$/, "").split("&&"))
    .map((line) => [file, line.trim()] as const),
);

describe("shell blocks", () => {
  it.each(lines)("%s: %s", async (_file, line) => {
    const [program, ...words] = wordsOf(line);
    switch (program) {
      case "snnc":
        await parse(words);
        break;
      case "npm":
        if (words[0] === "run") expect(Object.keys(scripts)).toContain(words[1]);
        else expect(["ci", "test"]).toContain(words[0]);
        break;
      case "alias":
        expect(line).toBe('alias snnc="node $PWD/dist/cli/main.js"');
        break;
      // Run by test/docs/build-c.test.ts, as far as tools reach.
      case "make":
        expect(words[0]).toBe("-C");
        break;
      case "examples/microcontroller/test-in-qemu.sh":
        expect(existsSync(path.join(root, program))).toBe(true);
        break;
      default:
        expect.fail(`what is ${program ?? ""}?`);
    }
  });

  it("name passes and options that there are", () => {
    // The pass that docs/adding-a-pass.md adds is an example.
    const files = markdownFiles().filter((file) => file !== "docs/adding-a-pass.md");
    const given = files.flatMap((file) =>
      [...textOf(file).matchAll(/--(?:passes|pipeline) ("[^"]+"|[a-z][^\s`]*)/g)].map(
        ([, list = ""]) => [file, list.replaceAll('"', "")] as const,
      ),
    );
    expect(given.length).toBeGreaterThan(3);
    for (const [file, list] of given) expect(() => stepsOf(list), `${file}: ${list}`).not.toThrow();
  });
});

describe("examples in the help", () => {
  const names = commands.map((make) => make().name());

  it("are three for each command, and for the program", () => {
    expect(Object.keys(examples).sort()).toEqual([...names, "snnc"].sort());
    for (const list of Object.values(examples)) expect(list).toHaveLength(3);
  });

  // `npm run verify -- examples` runs them.
  const listed = Object.entries(examples).flatMap(([name, list]) =>
    list.map(({ line }) => [line, name] as const),
  );
  it.each(listed)("%s", async (line, name) => {
    // What a shell does with the result is no matter of the program.
    const [program, ...words] = wordsOf(line.replace(/ [|>] .*$/, ""));
    expect(program).toBe("snnc");
    if (name !== "snnc") expect(words[0]).toBe(name);
    await parse(words);
  });
});

describe("npm run example", () => {
  it("is a command that the program takes", async () => {
    const line = (scripts["example"] ?? "").split("&&").at(-1) ?? "";
    const [node, entry, ...words] = wordsOf(line.trim());
    expect([node, entry]).toEqual(["node", "dist/cli/main.js"]);
    await parse(words);
  });
});

/** The guide of docs/build-c.md, run as it is written: as far as the tools on this machine reach. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { hasTool, strict } from "../backends/c/native.ts";
import { withCompiler } from "../backends/c/with-compiler.ts";
import { snnc } from "../cli/snnc.ts";
import { codeLines, root, textOf } from "./markdown.ts";

const page = textOf("docs/build-c.md");
const folder = mkdtempSync(path.join(tmpdir(), "snnc-guide-"));
symlinkSync(path.join(root, "examples"), path.join(folder, "examples"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function wordsOf(line: string): string[] {
  const words = line.matchAll(/(?:"([^"]*)"|'([^']*)'|([^\s"']+))(?:"([^"]*)")?/g);
  return [...words].map(
    ([, double, single, bare = "", rest = ""]) => double ?? single ?? bare + rest,
  );
}

/** What a line needs besides snnc. */
const tools: Readonly<Record<string, readonly string[]>> = {
  make: ["make", "cc"],
  "arm-none-eabi": ["make", "arm-none-eabi-gcc"],
  qemu: ["arm-none-eabi-gcc", "qemu-system-arm"],
};

it("goes from a model to a program that passes its self-test", async () => {
  const ran: string[] = [];
  for (const line of codeLines(page, "sh")) {
    const [program = "", ...words] = wordsOf(line);
    if (program === "snnc") {
      const { code, stderr } = await snnc(words, { cwd: folder });
      expect(code, `${line}\n${stderr}`).toBe(0);
      ran.push(line);
      continue;
    }
    const needs = Object.entries(tools).findLast(([part]) => line.includes(part))?.[1] ?? [];
    if (!needs.every(hasTool)) {
      process.stderr.write(
        `THIS LINE OF docs/build-c.md WAS NOT RUN, as ${needs.join(" or ")} is missing: ${line}\n`,
      );
      continue;
    }
    const out = execFileSync(program, words, { cwd: folder, stdio: "pipe" }).toString();
    if (line.includes("test")) expect(out).toMatch(/passed: 3 samples, 16 timesteps, \d+ layers/);
    ran.push(line);
  }
  expect(ran.length).toBeGreaterThanOrEqual(2);
  if (!withCompiler()) return;
  writeFileSync(path.join(folder, "classify.c"), `${codeLines(page, "c").join("\n")}\n`);
  const flags = [...strict, "-Idigits", "-c", "classify.c", "-o", "classify.o"];
  execFileSync("cc", flags, { cwd: folder, stdio: "pipe" });
  // The sketch is C++, with what the Arduino core brings declared here.
  const core = `#include <stdint.h>
unsigned long micros();
void delay(unsigned long ms);
struct Port { void begin(long); void print(const char *); void print(int); void print(unsigned long); void println(const char *); };
extern Port Serial;
#include "examples/microcontroller/classify.ino"
`;
  writeFileSync(path.join(folder, "sketch.cpp"), core);
  if (hasTool("c++")) {
    const sketch = [
      "-std=c++11",
      "-Wall",
      "-Wextra",
      "-Idigits",
      "-I.",
      "-c",
      "sketch.cpp",
      "-o",
      "s.o",
    ];
    execFileSync("c++", sketch, { cwd: folder, stdio: "pipe" });
  } else process.stderr.write("THE ARDUINO SKETCH WAS NOT COMPILED: there is no c++ here\n");
});

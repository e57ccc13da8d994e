/**
 * How a process ends that does not come to its own end: by a signal, on a terminal or not, with no
 * memory left, with nobody who reads what it prints, and with no room for it.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { codesIn, digits, entry, jsonOf, snnc, start, temporaryFolder } from "./snnc.ts";

const at = temporaryFolder("ending");
const script = "/usr/bin/script";
/** The reference takes a minute for these, so that the end always comes first. */
const slow = ["eval", digits.model, "--data", digits.test, "--preprocess", digits.preprocess];
const endless = [...slow, "--engine", "interpret", "--threads", "1"];

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Starts a program and calls `act` once its output holds `cue`. */
function until(
  program: string,
  args: readonly string[],
  cue: string,
  act: (process: ReturnType<typeof spawn>) => void,
): Promise<Ended> {
  const child = spawn(program, args, { cwd: at(), env: { ...process.env, TERM: "xterm" } });
  let output = "";
  let acted = false;
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    if (acted || !output.includes(cue)) return;
    acted = true;
    act(child);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, output }));
  });
}

describe.concurrent("a signal", () => {
  it.skipIf(!existsSync(script))("restores the terminal", async () => {
    const command = [process.execPath, entry, ...endless].map((word) => `'${word}'`).join(" ");
    const { code, output } = await until(
      script,
      ["-qec", command, "/dev/null"],
      "0/1000",
      (child) =>
        // What the key Ctrl-C sends; the terminal makes a signal of it.
        child.stdin?.write("\u0003"),
    );
    expect(code).toBe(130);
    const [hidden, shown] = ["\u001b[?25l", "\u001b[?25h"].map((code) => output.lastIndexOf(code));
    const [cut, wrapped] = ["\u001b[?7l", "\u001b[?7h"].map((code) => output.lastIndexOf(code));
    expect(hidden).toBeGreaterThan(-1);
    expect(shown).toBeGreaterThan(hidden ?? NaN);
    expect(wrapped).toBeGreaterThan(cut ?? NaN);
    expect(output).not.toContain("error");
  });

  it("ends the work at once, with its own code, and leaves nothing", async () => {
    const convert = ["convert", digits.model, "--calib", digits.test, "--preprocess"];
    const options = [digits.preprocess, "--engine", "interpret", "--threads", "1"];
    const args = [...convert, ...options, "--print-after", "all", "-o", "net.snn"];
    const ended = await until(process.execPath, [entry, ...args], "// after", (child) =>
      child.kill("SIGTERM"),
    );
    expect([ended.code, ended.signal]).toEqual([143, null]);
    expect(ended.output).not.toContain("error");
    expect(await readdir(at())).toEqual([]);
  });
});

describe.concurrent("too little memory", () => {
  // With eight, little is left to say it with.
  it.for([8, 20])("of the heap is the machine's fault: %i MB", async (megabytes) => {
    const env = { NODE_OPTIONS: `--max-old-space-size=${megabytes}` };
    const calib = ["--calib", digits.calibration, "--preprocess", digits.preprocess];
    const args = ["convert", digits.model, ...calib, "--threads", "1", "-o", at("heap.snn")];
    const ran = await snnc([...args, "--json"], { env });
    expect([ran.code, codesIn(ran.stderr)]).toEqual([2, ["out-of-memory"]]);
    expect(jsonOf(ran)).toMatchObject({ diagnostics: [{ code: "out-of-memory" }] });
  });
});

describe.concurrent("standard output", () => {
  const shell = (line: string, ...args: readonly string[]) =>
    start("bash", ["-c", line, "bash", process.execPath, entry, ...args]);

  it.for([[], ["--json"]])("that is full is no fault of ours %j", async (more) => {
    const { code, stderr } = await shell('"$@" > /dev/full', "check", digits.model, ...more);
    expect(codesIn(stderr)).toEqual(["cannot-print"]);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
  });

  it("that nobody reads is no fault at all", async () => {
    const line = '"$@" | head -c 1; echo " ${PIPESTATUS[0]}"';
    const { stdout, stderr } = await shell(line, "inspect", digits.model);
    expect([stdout, stderr]).toEqual(["m 0\n", ""]);
  });
});

/** Scripts and benchmarks answer bad input as the command line does: a code, a way out, no stack. */
import { execFile } from "node:child_process";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const answer = z.object({ diagnostics: z.array(z.object({ code: z.string() })) });

interface Ran {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function run(script: string, ...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [`dist/${script}.js`, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe.concurrent("a script", () => {
  it.each([
    ["bench/accuracy", ["--methods", "nonsense", "--shared", "nowhere"], "unknown-pass"],
    ["bench/accuracy", ["--model", "m.onnx"], "usage"],
    ["scripts/conformance", ["nowhere"], "no-such-folder"],
    ["scripts/fuzz", ["--examples", "nowhere"], "no-such-folder"],
    ["scripts/verify", ["nonsense"], "usage"],
    ["scripts/verify", ["graphs", "--runs", "0"], "usage"],
    ["scripts/package", ["--nonsense"], "usage"],
  ])("%s %s ends with 1 and %s", async (script, args, code) => {
    const { code: exit, stdout, stderr } = await run(script, ...args, "--json");
    expect(exit).toBe(1);
    const { diagnostics } = answer.parse(JSON.parse(stdout));
    expect(diagnostics.map((each) => each.code)).toEqual([code]);
    // Commander's own words have no code.
    expect(stderr).toMatch(code === "usage" ? /error(\[usage\])?: \S/ : `error[${code}]`);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

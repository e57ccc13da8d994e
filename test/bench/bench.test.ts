/** The command as a whole, on what needs neither data nor other engines. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const run = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, ["dist/bench/bench.js", ...args]);

const row = z.strictObject({
  suite: z.string(),
  case: z.string(),
  subject: z.string(),
  baseline: z.string(),
  metric: z.string(),
  subjectValue: z.number().positive(),
  baselineValue: z.number().nullable(),
  ratio: z.number().nullable(),
  rounds: z.number().int().positive(),
  spread: z.number().min(0),
  note: z.string(),
});
const report = z.strictObject({
  machine: z.strictObject({ processor: z.string(), cores: z.number(), memoryGiB: z.number() }),
  versions: z.record(z.string(), z.string()),
  seed: z.number(),
  rows: z.array(row),
});

describe("npm run bench", () => {
  it("prints the published JSON and nothing else", async () => {
    const { stdout, stderr } = await run("limits", "--rounds", "2", "--seconds", "0.001", "--json");
    const { rows } = report.parse(JSON.parse(stdout));
    expect(rows.map(({ suite, rounds }) => [suite, rounds])).toEqual(Array(8).fill(["limits", 2]));
    expect(stderr).toBe("");
  });

  it("says so where there is no data", async () => {
    await expect(run("--shared", "nowhere", "ann")).rejects.toThrow(/no-shared-models.*nowhere/);
  });
});

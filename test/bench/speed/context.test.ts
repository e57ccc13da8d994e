/** What rows say of memory, and what becomes of a case that cannot be measured. */
import { describe, expect, it } from "vitest";
import { memoryNote, rowsOrAlert } from "../../../bench/speed/context.ts";
import { ContestantError } from "../../../bench/speed/processes/contestant.ts";
import { DiagnosticError, InvariantError } from "../../../ir/diagnostic.ts";

describe("memoryNote", () => {
  it("tells what was planned, where anything was", () => {
    expect(memoryNote({ peakBytes: 123.4e6, planned: null })).toBe("peak 123 MB");
    const planned = { weightsBytes: 2e6, arenaBytes: 0.5e6, threads: 1 };
    expect(memoryNote({ peakBytes: 123.4e6, planned })).toBe(
      "peak 123 MB, of which weights 2.00 MB and arena 0.500 MB planned",
    );
    expect(memoryNote({ peakBytes: 123.4e6, planned: { ...planned, threads: 4 } })).toBe(
      "peak 123 MB, of which weights 2.00 MB and arena 4 x 0.500 MB planned",
    );
  });
});

describe("rowsOrAlert", () => {
  const tried = async (error: Error): Promise<[unknown, string[]]> => {
    const alerts: string[] = [];
    const alert = (text: string): void => void alerts.push(text);
    return [await rowsOrAlert({ alert }, "ann: x", () => Promise.reject(error)), alerts];
  };

  it("leaves out, aloud, what a process or a network fails at", async () => {
    expect(await tried(new ContestantError("gone"))).toEqual([[], ["ann: x is left out: gone"]]);
    expect(await tried(new DiagnosticError([]))).toEqual([[], ["ann: x is left out: "]]);
  });

  it("hides no fault of ours", async () => {
    await expect(tried(new InvariantError("broken"))).rejects.toThrow("broken");
  });
});

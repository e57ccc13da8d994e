/** Runs that are shared out among child processes. */
import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { shareOut } from "../../scripts/verify/graphs/children.ts";
import { temporaryFolder } from "../cli/snnc.ts";

const folder = temporaryFolder("children");

interface Square {
  readonly square: number;
}

function isSquare(message: unknown): message is Square {
  return typeof message === "object" && message !== null && "square" in message;
}

describe("runs in child processes", () => {
  // Run number 3 ends its process.
  beforeAll(() => {
    writeFileSync(
      folder("child.mjs"),
      `process.on("message", (run) => run === 3 ? process.exit(7) : process.send({ square: run * run }));
process.on("disconnect", () => process.exit());
`,
    );
  });

  it.each([1, 3])("are all answered by %i children, but for one that dies", async (jobs) => {
    const answers = new Map<number, Square | null>();
    const given = { first: 1, runs: 5, jobs, script: folder("child.mjs"), args: [] };
    await shareOut(given, isSquare, (run, answer) => void answers.set(run, answer));
    expect([...answers].toSorted(([a], [b]) => a - b)).toEqual([
      [1, { square: 1 }],
      [2, { square: 4 }],
      [3, null],
      [4, { square: 16 }],
      [5, { square: 25 }],
    ]);
  });
});

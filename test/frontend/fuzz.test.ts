/** A short run of the fuzzer, in this process; `npm run fuzz` is the long one. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attempt, mutantOf } from "../../scripts/fuzz/attempt.ts";
import { seeds } from "../../scripts/fuzz/seeds.ts";

const models = seeds(join(import.meta.dirname, "../../examples"));
const runs = 300;
/** CPU seconds, as `npm run fuzz` has them: a busy machine is no fault of the importer. */
const slowest = 10;

describe("the importer on broken models", () => {
  it("takes every seed as it is", () => {
    for (const { name, bytes } of models) {
      expect([name, attempt(bytes)]).toEqual([name, { kind: "ran", why: "" }]);
    }
  });

  it(`answers ${runs} mutants with a module or a diagnostic, and quickly`, () => {
    const kinds = new Map<string, number>();
    for (let run = 0; run < runs; run++) {
      const start = process.cpuUsage();
      const { kind, why } = attempt(mutantOf(models, 2026, run));
      expect(why).toBe("");
      const { user, system } = process.cpuUsage(start);
      expect((user + system) / 1e6).toBeLessThan(slowest);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    // Both ends are reached: a fuzzer whose mutants are all refused alike finds nothing.
    expect(kinds.get("ran")).toBeGreaterThan(runs / 20);
    expect(kinds.get("refused")).toBeGreaterThan(runs / 20);
  });

  it("makes the same mutant of the same numbers", () => {
    expect(mutantOf(models, 1, 17)).toEqual(mutantOf(models, 1, 17));
    expect(mutantOf(models, 1, 17)).not.toEqual(mutantOf(models, 1, 18));
  });
});

/** The smallest case all the way: processes are started, asked in turns, and ended. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ContestantError,
  interleave,
  withContestants,
} from "../../../../bench/speed/processes/contestant.ts";
import { ownNode } from "../../../../bench/speed/node-binary.ts";
import { writeInputs } from "../../../../bench/speed/processes/inputs.ts";
import { growthNetwork } from "../../../../bench/speed/networks/networks.ts";
import type { OurSpec } from "../../../../bench/speed/processes/protocol.ts";
import { encodePackage } from "../../../../ir/file/package.ts";
import { zeros } from "../../../../ir/tensor.ts";

let folder = "";
let spec: OurSpec;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "snnc-bench-"));
  const module = growthNetwork({ width: 8, firingRate: 0.5, timesteps: 2 });
  const model = path.join(folder, "small.snn");
  await writeFile(model, encodePackage({ module, provenance: {} }));
  const samples = { count: 3, get: () => [zeros("f32", [1, 8])] };
  const inputs = await writeInputs(path.join(folder, "x.f32"), samples, 2);
  spec = { role: "ours", engine: "typed", threads: 1, model, inputs, timesteps: 2 };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a contestant", () => {
  it("answers and is measured in turns with another", async () => {
    await withContestants(ownNode, async (start) => {
      const both = [await start("one", spec), await start("two", spec)];
      const { logits, activity } = await (both[0]?.answers(2) ?? Promise.reject(new Error("none")));
      expect(logits).toEqual(new Float32Array(20));
      expect(activity).toEqual({ firingRate: 0, synapticOperations: 0 });
      const asked: string[] = [];
      const values = await interleave(
        both,
        2,
        ({ name }) => {
          asked.push(name);
          return { mode: "stream", seconds: 0.001 };
        },
        () => undefined,
      );
      // A round that does not count, then two that do.
      expect(asked).toEqual(["one", "two", "one", "two", "one", "two"]);
      expect(values.map((each) => each.length)).toEqual([2, 2]);
      for (const value of values.flat()) expect(value).toBeGreaterThan(0);
    });
  });

  it("that cannot start says why, without ending the benchmark", async () => {
    const missing = { ...spec, model: path.join(folder, "missing.snn") };
    const failure = withContestants(ownNode, (start) => start("ours", missing));
    await expect(failure).rejects.toThrow(ContestantError);
    await expect(failure).rejects.toThrow(/^ours: there is no file .*missing\.snn$/);
  });
});

/** Every clean and fuse pass, and the pipeline of them, keeps what a network computes. */
import { describe, expect, it } from "vitest";
import { known } from "../../ir/diagnostic.ts";
import { allPasses, pipelines } from "../../passes/index.ts";
import { step } from "../../passes/pipeline.ts";
import { idiomaticNetworks } from "./idioms.ts";
import { expectLaws } from "./laws.ts";

/** What a pass may change of the outputs, relative to the largest; 0 where it moves only. */
const tolerances: Readonly<Record<string, number>> = {
  "fold-constants": 0,
  "drop-identity": 0,
  "merge-quantisers": 0,
  "share-common": 0,
  "canonicalise-shapes": 0,
  "eliminate-dead": 0,
  "normalise-activations": 1e-6,
  "sink-transposes": 1e-5,
  "merge-pads": 1e-6,
  "matmul-to-linear": 1e-5,
  "constants-to-affine": 1e-5,
  "fold-batchnorm": 1e-4,
  "merge-linear": 1e-4,
  "merge-pools": 1e-5,
};

describe.each(Object.entries(tolerances))("%s", (name, tolerance) => {
  const pass = known(
    allPasses.find((p) => p.name === name),
    name,
  );

  it("keeps outputs and validity, and comes to rest", async () => {
    await expectLaws([step(pass)], { tolerance });
  });

  it("does so on what exporters write", async () => {
    await expectLaws([step(pass)], { tolerance, source: idiomaticNetworks });
  });
});

describe("every pass that keeps outputs before conversion", () => {
  it("is held to the laws above", () => {
    const early = allPasses.filter((pass) => pass.role === "clean" || pass.role === "fuse");
    expect(early.map((pass) => pass.name).sort()).toEqual(Object.keys(tolerances).sort());
    expect(early.filter((pass) => !pass.preservesOutputs)).toEqual([]);
  });
});

describe("the canonical pipeline", () => {
  it("keeps outputs and validity, and comes to rest soon", async () => {
    const steps = known(pipelines.get("canonical"), "canonical");
    await expectLaws(steps, { tolerance: 1e-4, rounds: 3, runs: 100 });
    await expectLaws(steps, { tolerance: 1e-4, rounds: 3, runs: 100, source: idiomaticNetworks });
  });
});

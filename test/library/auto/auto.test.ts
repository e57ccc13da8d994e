/** Choosing a conversion: what is chosen is the least of what is good enough, whatever the order. */
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { uniform } from "../../../ir/random.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { stepsOf } from "../../../library/convert.ts";
import { codeMadeBy } from "../../../passes/codes.ts";
import { pipelines } from "../../../passes/index.ts";
import { printPipeline } from "../../../passes/pipeline.ts";
import {
  type Objective,
  type Trial,
  candidates,
  candidatesFor,
  chooseConversion,
} from "../../../library/auto/auto.ts";

const text = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 4]
  %1 = ann.linear(%0) {weight = @a, bias = none} : real[1, 2]
  %2 = ann.relu(%1) : real[1, 2]
  %3 = ann.linear(%2) {weight = @b, bias = none} : real[1, 3]
  ann.output(%3) {name = "y"}
}
tensors {
  @a = f32[2, 4] dense<[1, -0.5, 0.5, 1, 0.25, 1, -1, 0.5]>
  @b = f32[3, 2] dense<[1, -1, -1, 1, 0.5, 0.25]>
}
`;
/** An activation that is computed on decoded values. */
const twice = text.replace(
  "%3 = ann.linear(%2) {weight = @b, bias = none} : real[1, 3]",
  "%4 = ann.tanh(%2) : real[1, 2]\n  %3 = ann.linear(%4) {weight = @b, bias = none} : real[1, 3]",
);
const network = parseModule(text, { file: "m.snnir" });
const running = { engine: singleThreadEngine, threads: 1 };

function samples(count: number, order: (index: number) => number = (i) => i): SampleSource {
  const values = (index: number): number[] =>
    [0, 1, 2, 3].map((k) => 2 * uniform(3, order(index), k, 0) - 1);
  return { count, get: (index) => [tensorOf("f32", [1, 4], values(index))] };
}

const costs: Readonly<Record<Objective, (trial: Trial) => number>> = {
  latency: (trial) => trial.latencyTimesteps,
  spikes: (trial) => trial.spikesPerSample,
  energy: (trial) => trial.energyRatio,
};

describe("chooseConversion", () => {
  it.each(["latency", "spikes", "energy"] as const)(
    "takes the least %s of what changes few predictions",

    async (objective) => {
      const options = { maxLoss: 10, objective };
      const { chosen, trials, judgedOn, calibratedOn } = await chooseConversion(
        network,
        samples(100),
        running,
        options,
      );
      expect([calibratedOn, judgedOn]).toEqual([50, 100]);
      expect(chosen.boundPoints).toBeLessThanOrEqual(10);
      const cost = costs[objective];
      for (const trial of trials) {
        expect(trial.boundPoints).toBeGreaterThan(trial.changedPoints);
        if (trial.boundPoints <= 10) expect(cost(chosen)).toBeLessThanOrEqual(cost(trial));
      }
      // No network is tried twice, as it is where nothing is sent any more.
      const keys = trials.map(({ pipeline, spikesPerSample }) => `${pipeline} ${spikesPerSample}`);
      expect(new Set(keys).size).toBe(keys.length);
    },
  );

  it("does not care how samples are ordered", async () => {
    const options = { maxLoss: 10, objective: "latency" } as const;
    const forwards = await chooseConversion(network, samples(40), running, options);
    const backwards = await chooseConversion(
      network,
      samples(40, (i) => 39 - i),
      running,
      options,
    );
    expect(backwards).toEqual(forwards);
  });

  it("refuses where not even no change would show it, and says how many samples would", async () => {
    const choice = chooseConversion(network, samples(16), running, {
      maxLoss: 0.5,
      objective: "latency",
    });
    await expect(choice).rejects.toThrow(
      "16 samples cannot prove that at most 0.5 is lost: if none of them changes, up to 17.07 points may " +
        "still be lost (95 % confidence)",
    );
  });

  it("judges values by how far they are off", { timeout: 60_000 }, async () => {
    const options = { maxLoss: 2, objective: "latency", task: "regress" } as const;
    const { chosen, trials, task } = await chooseConversion(network, samples(40), running, options);
    expect(task.name).toBe("regress");
    expect(chosen.boundPoints).toBeLessThanOrEqual(2);
    // One timestep of four bits is some percent off, which predictions alone would not show.
    const coarse = trials.find(({ bits, timesteps }) => bits === 4 && timesteps === 1);
    expect(coarse?.boundPoints ?? Infinity).toBeGreaterThan(2);
  });

  it("tries as many as the judges can show it of, each held to its share of the error", async () => {
    const options = { maxLoss: 10, objective: "spikes" } as const;
    const few = await chooseConversion(network, samples(40), running, options);
    // 0.9^40 is 0.0148, of which 0.05 has room for three.
    expect(few.sharedBy).toBe(3);
    expect(few.trials.length).toBeLessThanOrEqual(3);
    const tried = candidates.filter(({ rank }) => rank < 3).map(({ pipeline }) => pipeline);
    expect(few.trials.every(({ pipeline }) => tried.includes(pipeline))).toBe(true);
    const unchanged = few.trials.find(({ changedPoints }) => changedPoints === 0);
    // 1 − (0.05 / 3)^(1/40)
    expect(unchanged?.boundPoints).toBeCloseTo(9.7294, 3);
  });

  it("tries pipelines as they are named, but for bits and precision, and says them as text", () => {
    for (const { pipeline, steps, bits, precision } of candidates) {
      expect(printPipeline(stepsOf(pipeline), { full: true })).toBe(
        printPipeline(steps, { full: true }),
      );
      const code = known(codeMadeBy(steps) ?? undefined, "a code");
      expect(steps.map(({ pass }) => pass.name)).toEqual(
        known(pipelines.get(code), code).map(({ pass }) => pass.name),
      );
      const given = steps.flatMap(({ options }) => [options["bits"], options["precision"]]);
      for (const value of [bits, precision]) if (value !== null) expect(given).toContain(value);
    }
  });

  it("chooses among networks of integers", async () => {
    const options = { maxLoss: 20, objective: "spikes", integer: true, weightBits: 7 } as const;
    const { chosen, trials } = await chooseConversion(network, samples(40), running, options);
    expect(trials.length).toBeGreaterThan(0);
    for (const { pipeline } of trials) expect(pipeline).toMatch(/,quantise\{bits=7[,}]/);
    expect(printPipeline(stepsOf(chosen.pipeline))).toContain("quantise{bits=7");
  });

  it("says why no candidate has integers", async () => {
    const module = parseModule(twice, { file: "m.snnir" });
    const choice = chooseConversion(module, samples(40), running, {
      maxLoss: 10,
      objective: "spikes",
      integer: true,
    });
    await expect(choice).rejects.toThrow(
      /tanh .* has no integer form: it is computed on values that were read out/,
    );
  });

  it("has a rank of its own for each candidate", () => {
    for (const objective of ["latency", "energy"] as const) {
      for (const integer of [false, true]) {
        const all = candidatesFor({ integer, objective });
        const ranks = all.map(({ rank }) => rank).sort((a, b) => a - b);
        expect(ranks).toEqual(candidates.map((_, i) => i));
      }
    }
  });

  it("says the precision that steps have in integers", () => {
    const precisions = candidatesFor({ integer: true, objective: "latency" }).map(
      ({ precision, pipeline }) => [precision, /precision=(\d+)/.exec(pipeline)?.[1]],
    );
    for (const [named, written] of precisions) {
      expect(named === null ? undefined : String(named)).toBe(written);
    }
    expect(precisions[0]).toEqual([9, "9"]);
  });

  it("tries integers of five and six bits that are sent once where energy counts", () => {
    const oneStep = candidatesFor({ integer: true, objective: "energy", weightBits: { mean: 3 } })
      .filter(({ timesteps }) => timesteps === 1)
      .map(({ pipeline, bits }) => [
        bits,
        pipeline.includes("allocate-weight-bits{budget=3},quantise"),
      ]);
    expect(oneStep).toEqual([
      [6, true],
      [5, true],
      [8, true],
      [4, true],
    ]);
  });

  it("refuses too few samples", async () => {
    const choice = chooseConversion(network, samples(7), running, {
      maxLoss: 1,
      objective: "latency",
    });
    await expect(choice).rejects.toThrow(DiagnosticError);
  });
});

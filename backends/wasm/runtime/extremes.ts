/**
 * Samples with values that are not finite, or so large that sums in float32 could overflow where the
 * interpreter's do not: these are run in double precision, by the typed engine's kernels, on the
 * caller's thread. Winograd's tiles would spread such values to neighbours, too.
 */
import type { SampleResult } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { type StatisticsData, statisticsToData } from "../../../ir/run/observe.ts";
import { type Runner, createRunner } from "../../typed/execute.ts";
import { compilePlan } from "../../typed/plan.ts";
import type { RunTask, Sample } from "./runner.ts";

/** Larger magnitudes are extreme. Float32 goes up to 2^128: half of that is left for the weights. */
const largest = 2 ** 64;

export function isExtreme({ inputs }: Sample): boolean {
  return inputs.some((data) => {
    // By number: iterating took as long as a small network.
    const { length } = data;
    for (let i = 0; i < length; i++) if (!(Math.abs(data[i] ?? 0) <= largest)) return true;
    return false;
  });
}

/** The extreme samples of one run. */
export class ExtremeSamples {
  private readonly module: Module;
  private readonly job: RunTask;
  /** Made for the first of them. */
  private runner: Runner | null = null;

  constructor(module: Module, job: RunTask) {
    this.module = module;
    this.job = job;
  }

  run({ index, inputs }: Sample): SampleResult {
    const { earlyExit, ...job } = this.job;
    this.runner ??= createRunner(compilePlan(this.module), {
      ...job,
      countOperations: true,
      earlyExit: earlyExit ?? undefined,
    });
    return this.runner.run(index, inputs);
  }

  /** Of those that were run; none where there was no such sample. */
  statistics(): readonly StatisticsData[] {
    return this.runner === null ? [] : [statisticsToData(this.runner.statistics())];
  }
}

/** One sample on one engine. */
import { known } from "../../../ir/diagnostic.ts";
import type { Engine, Probe, SampleResult } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import type { Tensor } from "../../../ir/tensor.ts";

export async function runOn(
  engine: Engine,
  module: Module,
  inputs: readonly Tensor[],
  probes: readonly Probe[] = [],
): Promise<SampleResult> {
  const executable = await engine.load(module, { threads: 1 });
  const results: SampleResult[] = [];
  const options = { timesteps: module.timesteps, probes };
  await executable.run({ count: 1, get: () => inputs }, options, (r) => results.push(r));
  await executable.close();
  return known(results[0], "a result");
}

/**
 * How often neurons fire on calibration samples. The compiler chooses kernels by it, so it is recorded with the
 * network.
 */
import type { SampleSource } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { producerOf } from "../../ir/module.ts";
import { elementCount } from "../../ir/type.ts";
import { type Running, byContent, loadOn } from "../measure.ts";

/** Enough for a rate within a tenth, which is finer than kernels differ. */
const samplesForRates = 64;

/** As they are written down: four digits behind the point. */
const resolution = 1e4;

/**
 * The module with the rates of its neurons, where kernels may be chosen by them: in a network of integers, whose
 * sums are the same in any order. In float32 sums of another order round otherwise, so there the
 * choice does not depend on samples. The samples are those whose hashes come first.
 */
export async function withRates(
  module: Module,
  samples: SampleSource,
  running: Running,
): Promise<Module> {
  if (!module.properties.has("integer") || module.code === "none" || samples.count === 0)
    return module;
  const all = byContent(samples);
  const count = Math.min(samplesForRates, all.count);
  const executable = await loadOn(running, module);
  const spikes = new Float64Array(executable.neurons.length);
  try {
    await executable.run(
      { count, get: (index) => all.get(index) },
      {
        timesteps: module.timesteps,
        onProgress: (done, total) => running.onProgress?.("measuring firing rates", done, total),
      },
      (result) => {
        for (const [i, each] of result.spikes.entries()) spikes[i] = (spikes[i] ?? 0) + each;
      },
    );
  } finally {
    await executable.close();
  }
  const rates = new Map<ValueId, number>();
  for (const [i, value] of executable.neurons.entries()) {
    const neurons = elementCount(producerOf(module, value).type.shape);
    const rate = (spikes[i] ?? 0) / (count * module.timesteps * neurons);
    rates.set(value, Math.round(Math.min(1, rate) * resolution) / resolution);
  }
  return { ...module, rates };
}

/** What the values of a network were on calibration samples, as histograms. */
import { known } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { type Running, loadOn } from "../../../library/measure.ts";
import { Histogram } from "./ranges.ts";

/** Runs the samples twice: for the extremes, and for what lies between. */
export async function histogramsOf(
  module: Module,
  values: readonly ValueId[],
  samples: SampleSource,
  running: Running,
): Promise<ReadonlyMap<ValueId, Histogram>> {
  const probes = values.map((value) => ({ value, keep: "mean" }) as const);
  const options = { timesteps: 1, probes, countOperations: false };
  const executable = await loadOn(running, module);
  try {
    const extremes = values.map(() => ({ low: 0, high: 0 }));
    await executable.run(samples, options, (result) => {
      for (const [i, data] of result.probes.entries()) {
        const each = known(extremes[i], "extremes");
        for (const x of data) {
          if (x < each.low) each.low = x;
          if (x > each.high) each.high = x;
        }
      }
    });
    const histograms = extremes.map(({ low, high }) => new Histogram(low, high));
    await executable.run(samples, options, (result) => {
      for (const [i, data] of result.probes.entries())
        known(histograms[i], "a histogram").add(data);
    });
    return new Map(values.map((value, i) => [value, known(histograms[i], "a histogram")]));
  } finally {
    await executable.close();
  }
}

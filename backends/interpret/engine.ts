/**
 * The interpreter as an engine: the reference itself, one thread, one sample after the other. For
 * checking faster engines and for modules small enough not to need one.
 */
import { neuronsOf } from "../../ir/op/known.ts";
import { requireSafeTimesteps } from "../../ir/analysis/bounds.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, Executable } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { type Module, producerOf } from "../../ir/module.ts";
import { StatisticsGatherer } from "../../ir/run/observe.ts";

/** Runs every module there is; `threads` makes no difference. */
export const interpretEngine: Engine = {
  name: "interpret",
  load: (module) => Promise.resolve(createExecutable(module)),
};

function createExecutable(module: Module): Executable {
  return {
    module,
    neurons: neuronsOf(module).map((op) => op.result),
    async run(samples, options, onSample) {
      const { timesteps, probes = [], observe = [] } = options;
      requireSafeTimesteps(module, timesteps);
      const gatherer = new StatisticsGatherer(
        observe,
        (value) => producerOf(module, value).type.shape,
      );
      for (let index = 0; index < samples.count; index++) {
        const { means, ...result } = interpret(module, samples.get(index), {
          timesteps,
          probes,
          index,
          ...(options.earlyExit === undefined ? {} : { earlyExit: options.earlyExit }),
          average: observe.map(({ value }) => value),
        });
        gatherer.add((value) => known(means.get(value), `the mean of %${value}`));
        onSample?.(options.outputs === false ? { ...result, outputs: [] } : result);
        options.onProgress?.(index + 1, samples.count);
      }
      return gatherer.finish();
    },
    close: () => Promise.resolve(),
  };
}

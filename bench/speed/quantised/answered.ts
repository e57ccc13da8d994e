/** Measures what another engine answered as our own networks are measured: by the task of the output. */
import { invariant } from "../../../ir/diagnostic.ts";
import { type Executable, noActivity } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { type Evaluation, evaluate } from "../../../calibrate/evaluate.ts";
import type { Labelled } from "../../../library/assess.ts";

/** `logits` are of the one output of `module`, for all samples of `data`, one after another. */
export function evaluateAnswers(
  module: Module,
  data: Labelled,
  logits: Float32Array,
  reference: Evaluation,
): Promise<Evaluation> {
  const { count } = data.samples;
  const size = logits.length / count;
  invariant(Number.isInteger(size), `${logits.length} outputs of ${count} samples`);
  const executable: Executable = {
    module,
    neurons: [],
    run(_, __, onSample) {
      for (let index = 0; index < count; index++) {
        onSample?.({
          index,
          timestepsTaken: 1,
          outputs: [logits.subarray(index * size, (index + 1) * size)],
          spikes: new Float64Array(0),
          bits: new Float64Array(0),
          activity: noActivity(1),
          probes: [],
        });
      }
      return Promise.resolve({ samples: count, values: new Map() });
    },
    close: () => Promise.resolve(),
  };
  return evaluate(executable, data.samples, data.labels, {
    timesteps: 1,
    countOperations: false,
    reference,
    ...(data.task === undefined ? {} : { task: data.task }),
  });
}

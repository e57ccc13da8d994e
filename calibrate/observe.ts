/**
 * Gathers what balancing wants to know: the distribution of each activation's operand over the
 * calibration set. Which values, by which channels; the counting is the engine's.
 */
import { channelAxisOf } from "../ir/analysis/channels.ts";
import type { Executable, Observation, SampleSource } from "../ir/executable.ts";
import type { Module } from "../ir/module.ts";
import type { OpKind } from "../ir/op/op.ts";
import type { CalibrationStatistics, Scope } from "../ir/run/stats.ts";

/** The ops whose operand a neuron will integrate once they are converted. */
const activationKinds: ReadonlySet<OpKind> = new Set<OpKind>([
  "ann.celu",
  "ann.clip",
  "ann.elu",
  "ann.fake-quantize",
  "ann.gelu",
  "ann.hard-sigmoid",
  "ann.hard-swish",
  "ann.leaky-relu",
  "ann.mish",
  "ann.prelu",
  "ann.relu",
  "ann.selu",
  "ann.sigmoid",
  "ann.soft-lif",
  "ann.softplus",
  "ann.softsign",
  "ann.tanh",
  "ann.thresholded-relu",
  "snn.if",
  "snn.rehearsed-if",
]);

/** One observation for the operand of every activation or neuron, in the module's order. */
export function activationOperands(module: Module, scope: Scope = "channel"): Observation[] {
  const operands = new Set(
    module.ops.filter((op) => activationKinds.has(op.kind)).flatMap((op) => op.inputs.slice(0, 1)),
  );
  return [...operands].map((value) => ({ value, scope, axis: channelAxisOf(module, value) }));
}

/** Runs every sample and returns the statistics of the values asked for. */
export function observe(
  executable: Executable,
  samples: SampleSource,
  observations: readonly Observation[] = activationOperands(executable.module),
  options: {
    /** The module's own number where not given. */
    readonly timesteps?: number;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<CalibrationStatistics> {
  return executable.run(samples, {
    timesteps: options.timesteps ?? executable.module.timesteps,
    observe: observations,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
}

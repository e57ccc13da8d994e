/**
 * The interpreter beside the simulator that was written from the docs: one sample, and every place
 * where they differ, bit for bit. The simulator gets bytes, as any reader of a `.snn` would.
 */
import { neuronsOf } from "../../../ir/op/known.ts";
import { accountOf, latencyOf } from "../../../ir/account/account.ts";
import { operationsOf } from "../../../ir/account/work.ts";
import { operationKinds } from "../../../ir/account/operations.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type SampleResult, activityKinds } from "../../../ir/executable.ts";
import { type Module, answersOf } from "../../../ir/module.ts";
import { encodePackage } from "../../../ir/file/package.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { simulate } from "./simulator/simulate.ts";
import { isExact } from "../graphs/compare.ts";

/**
 * In what the simulator differs from `result`, which the interpreter gave for the same inputs with the
 * probes of `spikesOf`; nothing where they are equal.
 */
export function differencesFrom(
  module: Module,
  inputs: readonly Tensor[],
  result: SampleResult,
): readonly string[] {
  const found = simulate(
    encodePackage({ module, provenance: {} }),
    inputs.map(({ data }) => Float32Array.from(data)),
  );
  const differences: string[] = [];
  const same = (what: string, wanted: ArrayLike<number>, got: ArrayLike<number>): void => {
    const difference = firstDifference(wanted, got);
    if (difference !== null) differences.push(`${what}: ${difference}`);
  };
  const flat = (steps: readonly Float64Array[]): number[] => steps.flatMap((x) => [...x]);
  for (const [i, output] of result.outputs.entries()) {
    same(`output ${i}`, output, flat(known(found.outputs[i], "an output").values));
  }
  const tracesAt = isExact(module) ? 2 : 1;
  for (const [i, { result: value, kind }] of neuronsOf(module).entries()) {
    const neuron = known(found.neurons[i], `the neurons of %${value}`);
    const what = `${kind} %${value}`;
    same(`what ${what} sends`, known(result.probes[i * tracesAt], "a trace"), flat(neuron.values));
    same(`spikes of ${what}`, [result.spikes[i] ?? NaN], [neuron.spikes]);
    same(`bits of ${what}`, [result.bits[i] ?? NaN], [neuron.bits]);
  }
  for (const kind of activityKinds) same(kind, result.activity[kind], found.activity[kind]);
  const operations = operationsIn(module, result);
  for (const kind of operationKinds) same(kind, [operations[kind]], [found.operations[kind]]);
  const { timesteps, phases, withDelay } = latencyOf(module, module.timesteps);
  const { latency } = found;
  const ours = [latency.timesteps, latency.phases, latency.withDelay];
  same("latency", [timesteps, phases, withDelay], ours);
  return differences;
}

/** All operations of a run that an engine counted. */
export function operationsIn(
  module: Module,
  { activity, spikes }: SampleResult,
): ReturnType<typeof operationsOf> {
  return operationsOf(accountOf(module), {
    steps: answersOf(module, module.timesteps),
    events: activity.events.at(-1) ?? 0,
    plainEvents: activity.plainEvents.at(-1) ?? 0,
    eventBits: activity.eventBits.at(-1) ?? 0,
    spikes,
  });
}

/** Zeros of either sign are one number, as is NaN. */
function firstDifference(wanted: ArrayLike<number>, found: ArrayLike<number>): string | null {
  if (wanted.length !== found.length) return `${found.length} numbers, not ${wanted.length}`;
  for (let i = 0; i < wanted.length; i++) {
    const [x = NaN, y = NaN] = [wanted[i], found[i]];
    if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) return `[${i}] is ${y}, not ${x}`;
  }
  return null;
}

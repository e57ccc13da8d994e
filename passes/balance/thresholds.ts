/**
 * What the balance passes share: measuring what each neuron's activation was given in the analogue
 * network, and writing a threshold per layer, channel or neuron. How a threshold is chosen from
 * the statistics is each pass's own.
 */
import { fail, known } from "../../ir/diagnostic.ts";
import type { Observation } from "../../ir/executable.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, rehearsalOf } from "../../ir/module.ts";
import { type ValueId, isOp } from "../../ir/op/op.ts";
import { ChannelStatistics, type Mass, type Scope, scopes } from "../../ir/run/stats.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import type { Shape } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { inFloatRange } from "../float-range.ts";
import type { OptionSpec } from "../../ir/options.ts";
import type { PassContext } from "../pass.ts";
import { vInitShare, withRanges } from "./ranges.ts";
import { neuronSites } from "./sites.ts";

/** The option that every balance pass has. */
export const scopeOption = {
  kind: "choice",
  means: "scope",
  default: "channel",
  of: scopes,
  help: "one threshold per layer, channel or neuron",
} as const satisfies OptionSpec;

/** What a rule knows when it chooses the range of one layer, channel or neuron. */
export interface RangeChoice {
  /** Of the operand of the activation in the analogue network, on the calibration set. */
  readonly statistics: ChannelStatistics;
  /** The largest value that the activation lets through: 6 for ReLU6, Infinity for ReLU. */
  readonly ceiling: number;
  /** Whether values of either sign are sent, and magnitudes matter; else negative ones count as 0. */
  readonly signed: boolean;
  /** v[0] as a share of the step between two values that can be sent. */
  readonly vInit: number;
  /** Such steps between 0 and the range. */
  readonly levels: number;
}

/** Chooses the largest value that can be sent; 0 where nothing was seen. May exceed the ceiling. */
export type Rule = (choice: RangeChoice) => number;

/** The largest activation; 0 where nothing positive was seen. */
export function largestActivation({ statistics, ceiling, signed }: RangeChoice): number {
  const { min, max } = statistics;
  return Math.min(ceiling, Math.max(0, max, signed ? -min : 0));
}

/** The positive activations, or the magnitudes of signed ones, as weighted points in ascending order. */
export function positiveMasses({ statistics, ceiling, signed }: RangeChoice): Mass[] {
  const masses = statistics.masses();
  const sent = signed
    ? masses
        .map(({ value, count }) => ({ value: Math.abs(value), count }))
        .sort((a, b) => a.value - b.value)
    : masses;
  return sent
    .filter(({ value }) => value > 0)
    .map(({ value, count }) => ({ value: Math.min(ceiling, value), count }));
}

/**
 * Sets the range of every neuron by `rule`, and with it threshold and amplitude. Initial potentials of
 * integrate-and-fire neurons keep their share of the threshold. A range never exceeds the activation's
 * own ceiling (6 for ReLU6), so that the neuron saturates where the activation does. Where the model has
 * quantised the activation it is a whole number of the model's steps, and the same for a whole layer
 * whatever the scope, as the model's is: then weights that are integers of the model stay integers. And
 * where neurons tell as many values apart as the model does, they are those of the model.
 */
export async function balance(
  module: Module,
  pass: string,
  context: Pick<PassContext<unknown>, "measure" | "reference" | "report" | "timesteps">,
  scope: Scope,
  rule: Rule,
): Promise<Module> {
  refuseFinished(module, pass);
  const reference = context.reference ?? fail(diagnose("no-reference", null, { pass }));
  const sites = neuronSites(module, reference, context.timesteps);
  const observe = uniqueObservations(
    sites.map(({ observed, axis }) => ({ value: observed, scope, axis })),
  );
  const measured = await context.measure(reference, observe, 1);
  const ranges = new Map<ValueId, Tensor>();
  const silent: { layer: string; dead: number; channels: number }[] = [];
  for (const { neuron, observed, axis, ceiling, step, signed, levels } of sites) {
    const { channels } = known(measured.values.get(observed), `statistics of %${observed}`);
    const vInit = isOp(neuron, "snn.if") ? vInitShare(module, neuron) : 0.5;
    const choose = (statistics: ChannelStatistics): number =>
      Math.min(ceiling, rule({ statistics, ceiling, signed, vInit, levels }));
    const wanted =
      step === null
        ? channels.map(choose)
        : new Array<number>(channels.length).fill(
            levels === Math.round(ceiling / step)
              ? ceiling
              : wholeSteps(choose(merged(channels)), step, ceiling),
          );
    const chosen = inFloatRange(wanted, neuron.loc);
    const largest = chosen.reduce((most, range) => Math.max(most, range), 0);
    const dead = chosen.filter((range) => range === 0).length;
    if (dead > 0 && scope !== "neuron") {
      silent.push({ layer: shortName(neuron.loc), dead, channels: chosen.length });
    }
    const fallback = largest > 0 ? largest : Math.min(ceiling, 1);
    const shape = parameterShape(neuron.type.shape, scope, axis);
    const values = chosen.map((range) => (range > 0 ? range : fallback));
    ranges.set(neuron.result, tensorOf("f32", shape, values));
  }
  if (silent.length > 0) context.report(diagnose("dead-channels", null, { layers: silent }));
  return withRanges(module, ranges);
}

/** The statistics of a whole layer. */
function merged(channels: readonly ChannelStatistics[]): ChannelStatistics {
  const all = new ChannelStatistics();
  for (const channel of channels) all.merge(channel);
  return all;
}

/** The next range of whole steps that is no smaller; the largest there is where nothing was seen. */
function wholeSteps(range: number, step: number, ceiling: number): number {
  if (range === 0) return Number.isFinite(ceiling) ? ceiling : 0;
  // A hair less, so that a range of whole steps stays what it is.
  return Math.min(ceiling, Math.ceil(range / step - 1e-6) * step);
}

/**
 * Fails where thresholds are integers already, which no pass that sets real ones may replace, and where
 * neurons rehearse, which is learned for what the network is then.
 */
export function refuseFinished(module: Module, pass: string): void {
  if (module.properties.has("integer")) fail(diagnose("already-integer", null, { pass }));
  refuseRehearsed(module, pass);
}

/** Fails where a part of the timesteps is a rehearsal. */
export function refuseRehearsed(module: Module, pass: string): void {
  if (rehearsalOf(module) > 0) fail(diagnose("already-rehearsed", null, { pass }));
}

/** The shape of a parameter that broadcasts to `shape` by scope. */
function parameterShape(shape: Shape, scope: Scope, axis: number): Shape {
  switch (scope) {
    case "layer":
      return [];
    case "channel":
      return shape.map((extent, i) => (i === axis ? extent : 1));
    case "neuron":
      return shape;
  }
}

function uniqueObservations(all: readonly Observation[]): Observation[] {
  return [...new Map(all.map((o) => [o.value, o])).values()];
}

/** The scope that an option holds. */
export function scopeOf(option: string): Scope {
  return known(
    scopes.find((scope) => scope === option),
    `scope ${option}`,
  );
}

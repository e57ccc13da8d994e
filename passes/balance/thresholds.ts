/**
 * What the balance passes share: measuring what each neuron's activation was given in the analogue
 * network, and writing a threshold per layer, channel or neuron. How a threshold is chosen from
 * the statistics is each pass's own.
 */
import { rewrite } from "../../ir/build.ts";
import { channelAxisOf } from "../../ir/channels.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import type { Observation } from "../../ir/executable.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, opsOf, producerOf, tensorAt } from "../../ir/module.ts";
import type { OpOf, ValueId } from "../../ir/op.ts";
import { type ChannelStatistics, type Mass, type Scope, scopes } from "../../ir/stats.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import type { Shape } from "../../ir/type.ts";
import { rectifierCeiling } from "../convert/spiking-form.ts";
import { diagnose } from "../diagnostics.ts";
import type { OptionSpec, PassContext } from "../pass.ts";

/** The option that every balance pass has. */
export const scopeOption = {
  kind: "choice",
  default: "channel",
  of: scopes,
  help: "one threshold per layer, channel or neuron",
} as const satisfies OptionSpec;

/** What a rule knows when it chooses the threshold of one layer, channel or neuron. */
export interface Choice {
  /** Of the operand of the activation in the analogue network, on the calibration set. */
  readonly statistics: ChannelStatistics;
  /** The largest value that the activation lets through: 6 for ReLU6, Infinity for ReLU. */
  readonly ceiling: number;
  /** v[0] as a share of the threshold. */
  readonly vInit: number;
}

/** Chooses a threshold; 0 where nothing positive was seen. May exceed the ceiling. */
export type Rule = (choice: Choice) => number;

/** The largest activation; 0 where nothing positive was seen. */
export function largestActivation({ statistics, ceiling }: Choice): number {
  return Math.min(ceiling, Math.max(0, statistics.max));
}

/** The positive activations as weighted points, in ascending order. */
export function positiveMasses({ statistics, ceiling }: Choice): Mass[] {
  return statistics
    .masses()
    .filter(({ value }) => value > 0)
    .map(({ value, count }) => ({ value: Math.min(ceiling, value), count }));
}

/**
 * Sets the threshold of every neuron by `rule`. Amplitudes become the thresholds, and initial
 * potentials keep their share of them. A threshold never exceeds the activation's own ceiling (6 for
 * ReLU6), so that the neuron saturates where the activation does.
 */
export async function balance(
  module: Module,
  pass: string,
  context: Pick<PassContext<unknown>, "measure" | "reference" | "report">,
  scope: Scope,
  rule: Rule,
): Promise<Module> {
  refuseIntegers(module, pass);
  const neurons = opsOf(module, "snn.if");
  const reference = context.reference ?? fail(diagnose("no-reference", null, { pass }));
  const sites = neurons.map((neuron) => {
    const activation = producerOf(reference, neuron.result);
    const operand = known(activation.inputs[0], "an activation's operand");
    const axis = channelAxisOf(reference, operand);
    const ceiling = known(rectifierCeiling(activation), "a rectifier behind each neuron");
    return { neuron, operand, axis, ceiling };
  });
  const observe = uniqueObservations(
    sites.map(({ operand, axis }) => ({ value: operand, scope, axis })),
  );
  const measured = await context.measure(reference, observe, 1);
  const thresholds = new Map<ValueId, Tensor>();
  const silent: { layer: string; dead: number; channels: number }[] = [];
  for (const { neuron, operand, axis, ceiling } of sites) {
    const { channels } = known(measured.values.get(operand), `statistics of %${operand}`);
    const vInit = vInitShare(module, neuron);
    const chosen = channels.map((statistics) =>
      Math.min(ceiling, rule({ statistics, ceiling, vInit })),
    );
    const largest = chosen.reduce((most, th) => Math.max(most, th), 0);
    const dead = chosen.filter((th) => !(th > 0)).length;
    if (dead > 0 && scope !== "neuron") {
      silent.push({ layer: shortName(neuron.loc), dead, channels: chosen.length });
    }
    const fallback = largest > 0 ? largest : Math.min(ceiling, 1);
    const shape = parameterShape(neuron.type.shape, scope, axis);
    thresholds.set(
      neuron.result,
      tensorOf(
        "f32",
        shape,
        chosen.map((th) => (th > 0 ? th : fallback)),
      ),
    );
  }
  if (silent.length > 0) context.report(diagnose("dead-channels", null, { layers: silent }));
  return rewrite(module, (op, builder) => {
    if (op.kind !== "snn.if") return null;
    const threshold = known(thresholds.get(op.result), "a threshold for each neuron");
    const share = vInitShare(module, op);
    const ref = builder.tensor(`${shortName(op.loc)}.threshold`, threshold);
    const vInit = tensorOf(
      "f32",
      threshold.shape,
      [...threshold.data].map((th) => th * share),
    );
    const attrs = {
      ...op.attrs,
      threshold: ref,
      amplitude: ref,
      vInit: builder.tensor(`${shortName(op.loc)}.v_init`, vInit),
    };
    return builder.add("snn.if", op.inputs, attrs, op.loc, op.result);
  });
}

/** Fails where thresholds are integers already, which no pass that sets real ones may replace. */
export function refuseIntegers(module: Module, pass: string): void {
  if (module.properties.has("integer")) fail(diagnose("already-integer", null, { pass }));
}

/** v[0] / threshold of a neuron op, which is the same for all of its neurons here. */
function vInitShare(module: Module, neuron: OpOf<"snn.if">): number {
  const vInit = known(tensorAt(module, neuron.attrs.vInit).data[0], "an initial potential");
  const threshold = known(tensorAt(module, neuron.attrs.threshold).data[0], "a threshold");
  return vInit / threshold;
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

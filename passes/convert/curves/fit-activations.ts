/**
 * Which activations of a network few-spikes neurons are fitted to, on which ranges, and how well: what
 * `convert-few-spikes{activations=fitted}` does before it converts.
 */
import { channelAxisOf } from "../../../ir/analysis/channels.ts";
import { type Diagnostic, known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import type { Op, ValueId } from "../../../ir/op/op.ts";
import { consumers, isOutput, producers } from "../../../ir/analysis/walk.ts";
import { diagnose } from "../../diagnostics.ts";
import type { PassContext } from "../../pass.ts";
import { type Curve, curveOf } from "./curves.ts";
import { type FittedTables, fitFewSpikes } from "./few-spikes-fit.ts";
import { planConversion } from "../spiking-form.ts";

/** An activation with the neurons fitted to it. */
export interface ActivationFit {
  readonly op: Op;
  readonly curve: Curve;
  readonly tables: FittedTables;
}

/** A fit that loses more than this share of the standard deviation is worth a warning. */
const poorFit = 0.03;

/** The fits of a network's activations that are no rectifiers, by the values that they give. */
export async function fitActivations(
  module: Module,
  spikes: number,
  measure: PassContext<unknown>["measure"],
): Promise<Map<ValueId, ActivationFit>> {
  const found = activationsOf(module);
  const fits = new Map<ValueId, ActivationFit>();
  if (found.length === 0) return fits;
  const operands = [...new Set(found.map(({ curve }) => curve.operand))];
  const observe = operands.map((value) => {
    return { value, scope: "layer", axis: channelAxisOf(module, value) } as const;
  });
  const { values } = await measure(module, observe, 1);
  const done = new Map<string, FittedTables>();
  for (const { op, curve } of found) {
    const { channels } = known(values.get(curve.operand), "statistics of an operand");
    const statistics = known(channels[0], "statistics of a layer");
    const [low, high] = widened(statistics.min, statistics.max);
    const quantile = (p: number): number => statistics.quantile(p);
    const key = `${curve.name} of ${curve.operand}`;
    const tables =
      done.get(key) ?? fitFewSpikes({ f: curve.f, low, high, quantile, spikes, seed: 0 });
    done.set(key, tables);
    fits.set(op.result, { op, curve, tables });
  }
  return fits;
}

/** The activations that neurons can be fitted to, without those that are a part of another. */
function activationsOf(module: Module): { readonly op: Op; readonly curve: Curve }[] {
  const makers = producers(module);
  const users = consumers(module);
  const { fates } = planConversion(module);
  const found = module.ops.flatMap((op) => {
    const curve = curveOf(op, module, makers);
    // A product with a gate looks linear where only the gate counts as changing over time.
    const judged = curve?.gate ?? op.result;
    return curve !== null && fates.get(judged) === "refused" ? [{ op, curve }] : [];
  });
  const gated = new Set<Op>();
  for (const { op, curve } of found) if (curve.gate !== null) gated.add(op);
  const isPart = ({ result }: Op): boolean => {
    const readers = users.get(result) ?? [];
    return (
      readers.length > 0 && readers.every((user) => gated.has(user)) && !isOutput(module, result)
    );
  };
  return found.filter(({ op }) => !isPart(op) || gated.has(op));
}

/** A range with room for what calibration did not show, and never of nothing. */
function widened(min: number, max: number): readonly [number, number] {
  const room = Math.max(0.02 * (max - min), 1e-3, 1e-3 * Math.abs(max));
  return [min - room, max + room];
}

/** How well activations were fitted: those that were not well are a warning. */
export function fitNotices(fits: readonly ActivationFit[]): Diagnostic[] {
  const of = (some: readonly ActivationFit[]): { layer: string; kind: string; error: number }[] =>
    some.map(({ op, curve, tables: { error } }) => {
      return { layer: shortName(op.loc), kind: curve.name.replace(/ .*/, ""), error };
    });
  const good = fits.filter(({ tables: { error } }) => error <= poorFit);
  const poor = fits.filter(({ tables: { error } }) => error > poorFit);
  return [
    ...(good.length > 0 ? [diagnose("activations-fitted", null, { layers: of(good) })] : []),
    ...(poor.length > 0 ? [diagnose("activations-fitted-poorly", null, { layers: of(poor) })] : []),
  ];
}

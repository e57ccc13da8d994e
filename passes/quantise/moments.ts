/**
 * Mean and variance of what weights are multiplied by, as calibration saw it: by how much a rounded
 * weight shifts a sum, which its bias can take back, and by how much it blurs it, which nothing can.
 */
import { known } from "../../ir/diagnostic.ts";
import type { Observation } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import type { ChannelStatistics } from "../../ir/run/stats.ts";
import { sameShape } from "../../ir/type.ts";
import type { PassContext } from "../pass.ts";
import type { Grid } from "./grid.ts";

/** Of a value, by index along one axis. */
export interface Moments {
  readonly axis: number;
  readonly means: readonly number[];
  readonly variances: readonly number[];
}

/** What was seen of one value, by index along the axis that was asked for. */
export interface Seen extends Moments {
  readonly min: number;
  readonly max: number;
}

/**
 * Looks at values of `module` on the calibration set, each by index along its axis. They are looked
 * at in the analogue network before conversion where it has them: it runs once for each sample, and
 * its values are what the mean of spikes stands for. `needed` says which must be there.
 */
export async function measureMoments(
  module: Module,
  axes: ReadonlyMap<ValueId, number>,
  needed: (value: ValueId) => boolean,
  {
    measure,
    reference,
    timesteps,
  }: Pick<PassContext<unknown>, "measure" | "reference" | "timesteps">,
): Promise<ReadonlyMap<ValueId, Seen>> {
  const shapes = new Map(module.ops.map((op) => [op.result, op.type.shape]));
  const there = new Map((reference ?? module).ops.map((op) => [op.result, op.type.shape]));
  const found = new Map<ValueId, Seen>();
  const look = async (at: Module, values: readonly ValueId[], steps: number): Promise<void> => {
    if (values.length === 0) return;
    const observe = values.map((value): Observation => ({
      value,
      scope: "channel",
      axis: axes.get(value) ?? 0,
    }));
    const measured = await measure(at, observe, steps);
    for (const { value, axis } of observe) {
      const { channels } = known(measured.values.get(value), `statistics of %${value}`);
      found.set(value, seen(axis, channels));
    }
  };
  const isThere = (value: ValueId): boolean =>
    sameShape(there.get(value) ?? [-1], known(shapes.get(value), "a shape"));
  const values = [...axes.keys()];
  await look(reference ?? module, values.filter(isThere), reference === null ? timesteps : 1);
  await look(
    module,
    values.filter((value) => !isThere(value) && needed(value)),
    1,
  );
  return found;
}

function seen(axis: number, channels: readonly ChannelStatistics[]): Seen {
  return {
    axis,
    means: channels.map(({ mean }) => mean),
    variances: channels.map(({ variance }) => variance),
    min: channels.reduce((least, { min }) => Math.min(least, min), Infinity),
    max: channels.reduce((most, { max }) => Math.max(most, max), -Infinity),
  };
}

/** Mean and variance for each element of a grid, and null where channels are not what it goes by. */
export function momentsBeside(
  moments: Moments | null,
  { shape }: Grid,
): ((k: number) => { readonly mean: number; readonly variance: number }) | null {
  if (moments === null) return null;
  const { axis, means, variances } = moments;
  if (shape.some((extent, at) => extent !== 1 && at !== axis)) return null;
  if ((shape[axis] ?? 1) === 1 && means.length > 1) {
    const [mean, variance] = [average(means), average(variances)];
    return () => ({ mean, variance });
  }
  return (k) => ({ mean: means[k] ?? 0, variance: variances[k] ?? 0 });
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / Math.max(1, numbers.length);
}

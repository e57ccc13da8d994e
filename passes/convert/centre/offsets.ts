/**
 * Which values stay near a constant that is large beside what varies: found by looking at each of their
 * elements over the calibration set. Changes nothing.
 */
import { hasWeights } from "../../../ir/op/known.ts";
import { channelAxisOf } from "../../../ir/analysis/channels.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Probe } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { type Tensor, tensor } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import type { PassContext } from "../../pass.ts";
import { planConversion, rectifierCeiling } from "../spiking-form.ts";

/** A value that hardly leaves a constant. */
export interface Offset {
  /** The constant of each element, of type f64, in the value's shape; 0 of those that have none. */
  readonly constant: Tensor;
  /** The largest constant, and how far the elements that have one go from it at most. */
  readonly largest: number;
  readonly spread: number;
}

/** Nobody knows how much a value varies that was seen less often. */
const fewestSamples = 8;
/** A constant counts from so many times on what an element varies by. */
const leastShare = 2;
/** What a channel has to send must become less by this factor. */
const leastGain = 4;
/** One whose constant is so much larger than what it varies by is one whatever the others of its layer do. */
const clearShare = 32;
/** A channel has one constant if its elements together vary by at most so many times what one does. */
const mostUneven = 2;

/**
 * The offsets of the values that neurons send: of rectifiers, of what is decoded and sent on, and of the
 * inputs if `inputs`. A few samples rule out nearly all values; only what is left is looked at on all.
 */
export async function findOffsets(
  module: Module,
  watch: PassContext<unknown>["watch"],
  { inputs }: { readonly inputs: boolean },
): Promise<ReadonlyMap<ValueId, Offset>> {
  const sites = sitesOf(module, inputs);
  const few = await extremesOf(module, sites, watch, fewestSamples);
  if (few.samples < fewestSamples) return new Map();
  // What varies more on all samples than on a few may rule out more, so these are not held to all of it.
  const likely = sites.filter((op) => offsetOf(op, module, few, 1 / 2) !== null);
  if (likely.length === 0) return new Map();
  const all = await extremesOf(module, likely, watch, Infinity);
  return new Map(
    likely.flatMap((op) => {
      const offset = offsetOf(op, module, all, 1);
      return offset === null ? [] : [[op.result, offset]];
    }),
  );
}

/** Ops whose results neurons send, if there are weights for them behind. */
function sitesOf(module: Module, inputs: boolean): Op[] {
  const { fates } = planConversion(module);
  const weighed = new Set<ValueId>();
  for (const op of module.ops.toReversed()) {
    if (!hasWeights(op) && !weighed.has(op.result)) continue;
    for (const value of op.inputs) weighed.add(value);
  }
  return module.ops.filter((op) => {
    if (op.type.dtype !== "f32" || !weighed.has(op.result)) return false;
    if (isOp(op, "ann.input")) return inputs;
    // A quantised model has its steps from 0: what they lose beside a large constant is lost already.
    if (isOp(op, "ann.fake-quantize")) return false;
    const fate = fates.get(op.result);
    // Soft-LIF sends spikes of its own in the pipeline that is for it.
    return fate === "neuron" || (fate === "refused" && !isOp(op, "ann.soft-lif"));
  });
}

interface ChannelExtremes {
  readonly samples: number;
  readonly low: ReadonlyMap<ValueId, Float32Array>;
  readonly high: ReadonlyMap<ValueId, Float32Array>;
}

/** The least and the largest of each element of the values of `ops`. */
async function extremesOf(
  module: Module,
  ops: readonly Op[],
  watch: PassContext<unknown>["watch"],
  samples: number,
): Promise<ChannelExtremes> {
  const filled = (value: number): ReadonlyMap<ValueId, Float32Array> =>
    new Map(
      ops.map((op) => [op.result, new Float32Array(elementCount(op.type.shape)).fill(value)]),
    );
  const [low, high] = [filled(Infinity), filled(-Infinity)];
  const values = ops.map((op) => op.result);
  const probes = values.map((value): Probe => ({ value, keep: "mean" }));
  let seen = 0;
  if (values.length > 0) {
    await watch(module, probes, { timesteps: 1, samples }, (kept) => {
      seen++;
      for (const [i, value] of values.entries()) {
        const data = known(kept[i], "a probe");
        const [least, most] = [known(low.get(value), "minima"), known(high.get(value), "maxima")];
        for (let k = 0; k < least.length; k++) {
          // What is not finite ends up in both, and is no offset.
          const x = data[k] ?? NaN;
          least[k] = Math.min(least[k] ?? x, x);
          most[k] = Math.max(most[k] ?? x, x);
        }
      }
    });
  }
  return { samples: seen, low, high };
}

/** The offset of an op's value; null where it has none. `strict` of 1 holds it to all of the rule. */
function offsetOf(
  op: Op,
  module: Module,
  { low, high }: ChannelExtremes,
  strict: number,
): Offset | null {
  const least = known(low.get(op.result), "minima");
  const most = known(high.get(op.result), "maxima");
  const { shape } = op.type;
  const axis = channelAxisOf(module, op.result);
  const count = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  const channelOf = (i: number): number => Math.floor(i / inner) % count;
  const rectifies = rectifierCeiling(op) !== null;
  const isConstant = (lowest: number, highest: number): boolean => {
    const middle = (lowest + highest) / 2;
    const counts = Math.abs(middle) >= strict * leastShare * (highest - lowest);
    // A rectifier at 0 has nothing to send.
    return counts && middle !== 0 && (!rectifies || lowest > 0);
  };
  const channels = Array.from({ length: count }, () => ({
    low: Infinity,
    high: -Infinity,
    before: 0,
    after: 0,
    varies: 0,
    constant: 0,
  }));
  const each = (visit: (i: number, channel: (typeof channels)[number]) => void): void => {
    for (let i = 0; i < least.length; i++) visit(i, known(channels[channelOf(i)], "a channel"));
  };
  let widest = 0;
  each((i, channel) => {
    const [lowest, highest] = [least[i] ?? NaN, most[i] ?? NaN];
    const largest = Math.max(Math.abs(lowest), Math.abs(highest));
    const constant = isConstant(lowest, highest);
    channel.low = Math.min(channel.low, lowest);
    channel.high = Math.max(channel.high, highest);
    channel.before = Math.max(channel.before, largest);
    channel.after = Math.max(channel.after, constant ? (highest - lowest) / 2 : largest);
    channel.varies = Math.max(channel.varies, highest - lowest);
    if (constant) {
      channel.constant = Math.max(channel.constant, Math.abs(lowest + highest) / 2);
    }
    widest = Math.max(widest, highest - lowest);
  });
  // Where nothing varies, nothing is known of what would.
  if (!(widest > 0) || !Number.isFinite(widest)) return null;
  const gains = ({ before, after, constant }: (typeof channels)[number]): boolean =>
    constant > 0 && before >= strict * leastGain * after;
  const isClear = channels.some((channel) => {
    if (!gains(channel)) return false;
    const { constant, varies } = channel;
    return (
      constant >= strict * leastShare * widest ||
      (varies > 0 && constant >= strict * clearShare * varies && constant >= widest / leastGain)
    );
  });
  if (!isClear) return null;
  const constants = new Float64Array(least.length);
  let [largest, spread] = [0, 0];
  each((i, channel) => {
    const [lowest, highest] = [least[i] ?? NaN, most[i] ?? NaN];
    // In a channel that has constants, whatever is always sent has one.
    if (!gains(channel) || (rectifies ? !(lowest > 0) : !isConstant(lowest, highest))) return;
    // One constant for a channel goes into a bias; where its elements differ, each has its own.
    const asOne = channel.high - channel.low <= mostUneven * channel.varies;
    const [from, to] = asOne ? [channel.low, channel.high] : [lowest, highest];
    const constant = Math.fround((from + to) / 2);
    constants[i] = constant;
    if (Math.abs(constant) > Math.abs(largest)) largest = constant;
    spread = Math.max(spread, highest - constant, constant - lowest);
  });
  return { constant: tensor("f64", shape, constants), largest, spread };
}

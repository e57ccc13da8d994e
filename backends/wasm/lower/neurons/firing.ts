/**
 * Which neurons send spikes of 0 and ±1 alone, so that masks hold them, and their parameters as
 * populations read them: by pixel and channel, channels padded to whole blocks.
 */
import { blockCount } from "../../kernels/neurons/population-form.ts";
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { broadcastIndices } from "../../../../ir/semantics/semantics.ts";
import type { TensorRef } from "../../../../ir/tensor.ts";
import type { FiringForm, Levels, Parameters } from "../../kernels/neurons/firing.ts";
import type { LaneMode } from "../../kernels/lanes.ts";
import type { PixelGrid } from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";
import { rowMajorIndices } from "../grid.ts";
import { type SpikeLevels, floatLevels, integerLevels } from "./levels.ts";
import type { Lowering, Spikes } from "../lowering.ts";

/** Neurons that populations may be of. */
export type Spiking = OpOf<"snn.if" | "snn.graded">;

/** Whether each spike of these neurons is ±1, and a comparison with a level decides on it. */
export function isBinary(lowering: Lowering, op: Op): op is Spiking {
  if (isOp(op, "snn.if")) return true;
  if (!isOp(op, "snn.graded")) return false;
  const { bits, alphabet, schedule, amplitude, threshold, ceiling } = op.attrs;
  const isUnit = bits === 1 && alphabet === "word" && schedule === "constant";
  // A spike of no amplitude counts, though not as a value.
  if (!isUnit || lowering.tensor(amplitude).data.some((a) => a === 0)) return false;
  if (op.type.dtype === "f32") return true;
  if (op.type.dtype !== "i32") return false;
  const [thresholds, ceilings] = [lowering.tensor(threshold).data, ceilingsOf(lowering, ceiling)];
  return [...new Set(thresholds)].every((step) =>
    [...new Set(ceilings)].every((most) => integerLevels(step, most) !== null),
  );
}

/** Whether spikes may be of −1. */
export function hasSigns(op: Spiking): boolean {
  return isOp(op, "snn.graded") && op.attrs.sign !== "positive";
}

/** Whether neurons must know what they have sent. */
export function needsSent(op: Spiking): boolean {
  return isOp(op, "snn.graded") && (op.attrs.sign === "retract" || op.attrs.ceiling !== null);
}

function ceilingsOf(lowering: Lowering, ceiling: TensorRef | null): readonly number[] {
  return ceiling === null ? [Infinity] : Array.from(lowering.tensor(ceiling).data);
}

/** How a population's neurons lie. */
export interface PopulationLayout {
  readonly grid: PixelGrid;
  readonly image: boolean;
  /** Channels of a block. */
  readonly width: number;
  readonly mode: LaneMode;
}

/** Potentials before the first timestep. */
export function startOf(lowering: Lowering, op: Spiking, place: PopulationLayout): Parameters {
  const values = byGrid(lowering, op, op.attrs.vInit, place);
  return packed(lowering, `%${op.result} start`, place, [{ values, beyond: 0 }]).parameters;
}

/** When neurons fire; `sent` is where they keep what they have sent. */
export function firingOf(
  lowering: Lowering,
  op: Spiking,
  place: PopulationLayout,
  sent: Buffer | null,
): FiringForm {
  const steps = byGrid(lowering, op, op.attrs.threshold, place);
  // Lanes beyond the last channel never fire, whatever they add up.
  const [never, nevermore] = place.mode === "f32" ? [Infinity, NaN] : [2 ** 31 - 1, -(2 ** 31)];
  const name = `%${op.result} levels`;
  if (isOp(op, "snn.if")) {
    const { parameters } = packed(lowering, name, place, [{ values: steps, beyond: never }]);
    const levels: Levels = {
      step: 0,
      up: 0,
      down: null,
      returnable: null,
      room: null,
      excess: null,
    };
    return { parameters, levels, resetToZero: op.attrs.reset === "zero", sent };
  }
  const { ceiling, sign } = op.attrs;
  const ceilings =
    ceiling === null
      ? new Float64Array(steps.length).fill(Infinity)
      : byGrid(lowering, op, ceiling, place);
  const each = levelsOf(steps, ceilings, place.mode);
  const plane = (of: (levels: SpikeLevels) => number, beyond: number): Plane => ({
    values: Float64Array.from(each, of),
    beyond,
  });
  const [withDown, withCeiling] = [hasSigns(op), ceiling !== null];
  const { parameters, offsets } = packed(lowering, name, place, [
    { values: steps, beyond: 0 },
    plane(({ up }) => up, never),
    plane(({ down }) => down, nevermore),
    ...(withCeiling ? [plane(({ room }) => room, 0), plane(({ excess }) => excess, never)] : []),
  ]);
  const [step = 0, up = 0, down = 0, room = 0, excess = 0] = offsets;
  const levels: Levels = {
    step,
    up,
    down: withDown ? down : null,
    // As much as a spike of +1 asks for, of what was sent.
    returnable: sign === "retract" ? up : null,
    room: withCeiling ? room : null,
    excess: withCeiling ? excess : null,
  };
  return { parameters, levels, resetToZero: false, sent };
}

/** The levels of each neuron; those of the same parameters are found once. */
function levelsOf(steps: Float64Array, ceilings: Float64Array, mode: LaneMode): SpikeLevels[] {
  const found = new Map<string, SpikeLevels>();
  return Array.from(steps, (step, i) => {
    const ceiling = ceilings[i] ?? Infinity;
    const key = `${step} ${ceiling}`;
    const levels =
      found.get(key) ??
      (mode === "f32"
        ? floatLevels(step, ceiling)
        : known(integerLevels(step, ceiling), "levels in 32 bits"));
    found.set(key, levels);
    return levels;
  });
}

/** One parameter by pixel and channel, and what stands beyond the last channel. */
interface Plane {
  readonly values: Float64Array;
  readonly beyond: number;
}

/** Planes in one buffer, per channel where all of them are the same for all pixels. */
function packed(
  lowering: Lowering,
  name: string,
  { grid, width, mode }: PopulationLayout,
  planes: readonly Plane[],
): { readonly parameters: Parameters; readonly offsets: readonly number[] } {
  const { channels } = grid;
  const perChannel = planes.every(({ values }) => isPerChannel(values, channels));
  const pixels = perChannel ? 1 : grid.rows * grid.columns;
  const lanes = width * blockCount(channels, width);
  const size = pixels * lanes;
  const buffer = lowering.constant(name, () => {
    const length = planes.length * size;
    const all = mode === "f32" ? new Float32Array(length) : new Int32Array(length);
    planes.forEach(({ values, beyond }, plane) => {
      all.fill(beyond, plane * size, (plane + 1) * size);
      for (let pixel = 0; pixel < pixels; pixel++) {
        const row = values.subarray(pixel * channels, (pixel + 1) * channels);
        all.set(row, plane * size + pixel * lanes);
      }
    });
    return all;
  });
  const parameters = { buffer, pixelStride: perChannel ? 0 : 4 * lanes };
  return { parameters, offsets: planes.map((_, plane) => 4 * plane * size) };
}

/** A tensor that broadcasts to a neuron op's shape, by pixel and channel. */
function byGrid(
  lowering: Lowering,
  op: Spiking,
  ref: TensorRef,
  { image }: Pick<PopulationLayout, "image">,
): Float64Array {
  const tensor = lowering.tensor(ref);
  const spread = broadcastIndices(tensor.shape, op.type.shape);
  const order = rowMajorIndices(op.type.shape, image);
  return Float64Array.from(order, (i) => tensor.data[spread[i] ?? 0] ?? 0);
}

function isPerChannel(values: Float64Array, channels: number): boolean {
  return values.every((value, i) => Object.is(value, values[i % channels]));
}

/** What a spike is worth. */
export function amplitudeOf(
  lowering: Lowering,
  op: Spiking,
  place: Pick<PopulationLayout, "grid" | "image">,
): Spikes["amplitude"] {
  const values = byGrid(lowering, op, op.attrs.amplitude, place);
  const { channels } = place.grid;
  return isPerChannel(values, channels)
    ? { perChannel: values.slice(0, channels) }
    : { perNeuron: values };
}

/**
 * What drives a population of neurons, taken apart: follows the graph from a current back to the
 * spikes it comes from, through sums, synapses, pools, slices and flattening, and folds the
 * amplitudes of the spikes into the weights that they meet.
 */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../../ir/op/op.ts";
import { broadcastIndices } from "../../../../ir/semantics/semantics.ts";
import { elementCount, sameShape } from "../../../../ir/type.ts";
import { type PixelGrid } from "../../memory/spikes.ts";
import type { Lowering, Spikes, MaskedKind } from "../lowering.ts";
import { type Pair, pair, rowMajorIndices } from "../grid.ts";
import { shortcutWindow } from "../shortcut.ts";

/** Spikes in a window, each through a row of weights. */
export interface EventDrive {
  readonly kind: "events";
  readonly spikes: Spikes;
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly stride: Pair;
  readonly origin: Pair;
  readonly sharedTaps: boolean;
  readonly weightOf: (output: number, row: number, column: number, channel: number) => number;
}

/** Spikes of the same channel, through a weight for each tap. */
interface AlignedDrive {
  readonly kind: "aligned";
  readonly spikes: Spikes;
  readonly stride: Pair;
  readonly taps: readonly {
    readonly origin: Pair;
    readonly weightOf: (channel: number) => number;
  }[];
}

interface CurrentDrive {
  readonly kind: "current";
  readonly value: ValueId;
}

export interface PopulationDrive {
  readonly sources: readonly (EventDrive | AlignedDrive | CurrentDrive)[];
  /** Per channel, for each timestep; the last row for all that follow. */
  readonly bias: readonly Float64Array[] | null;
  /** Whether no partial sum of one timestep's events leaves int16, whatever spikes. */
  readonly fitsInt16: boolean;
}

/** The drive of neurons of `grid` by `value`; `root` where the value itself is wanted in memory. */
export function collectDrive(
  lowering: Lowering,
  value: ValueId,
  image: boolean,
  grid: PixelGrid,
  root = false,
): PopulationDrive {
  const sources: PopulationDrive["sources"][number][] = [];
  let bias = [new Float64Array(grid.channels)];
  let biased = false;
  // What is still to be taken apart, and whether it is this drive's own: last in, first out.
  const open = [{ each: value, own: root || lowering.isPrivate(value) }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { each, own } = next;
    const op = lowering.opOf(each);
    if (isOp(op, "ann.add") && own && lowering.isVarying(each)) {
      const [a, b] = [lowering.operandOf(op, 0), lowering.operandOf(op, 1)];
      const alike = (v: ValueId): boolean => sameShape(lowering.opOf(v).type.shape, op.type.shape);
      if (alike(a) && alike(b)) {
        open.push({ each: b, own: a !== b && lowering.isPrivate(b) });
        open.push({ each: a, own: a !== b && lowering.isPrivate(a) });
        continue;
      }
    }
    const rows =
      own && isOp(op, "snn.temporal-bias") ? rowsByChannel(lowering, op, image, grid) : null;
    if (rows !== null) {
      biased = true;
      bias = addedRows(bias, rows);
      const operand = lowering.operandOf(op);
      open.push({ each: operand, own: lowering.isPrivate(operand) });
      continue;
    }
    const found = own || isTrain(op) ? synapseOf(lowering, op, image) : null;
    if (found === null) {
      sources.push({ kind: "current", value: each });
      continue;
    }
    sources.push(found);
    if (isOp(op, "ann.conv", "ann.linear") && op.attrs.bias !== null) {
      biased = true;
      bias = addedRows(bias, [Float64Array.from(lowering.tensor(op.attrs.bias).data)]);
    }
  }
  return { sources, bias: biased ? bias : null, fitsInt16: fitsInt16(sources, grid) };
}

/** A table of biases by timestep and channel; null where the pixels of a channel differ. */
function rowsByChannel(
  lowering: Lowering,
  op: OpOf<"snn.temporal-bias">,
  image: boolean,
  grid: PixelGrid,
): readonly Float64Array[] | null {
  const { shape, data } = lowering.tensor(op.attrs.table);
  const [rows = 0, ...rest] = shape;
  const size = elementCount(rest);
  const spread = broadcastIndices(rest, op.type.shape);
  const from = Array.from(rowMajorIndices(op.type.shape, image), (i) => spread[i] ?? 0);
  const isAlike = (row: number, i: number, at: number): boolean =>
    data[row * size + at] === data[row * size + (from[i % grid.channels] ?? 0)];
  const table: Float64Array[] = [];
  for (let row = 0; row < rows; row++) {
    if (!from.every((at, i) => isAlike(row, i, at))) return null;
    const first = from.slice(0, grid.channels);
    table.push(Float64Array.from(first, (at) => data[row * size + at] ?? 0));
  }
  return table;
}

/** Sums of rows by timestep, of which the last go on. */
function addedRows(
  a: readonly Float64Array[],
  b: readonly Float64Array[],
): Float64Array<ArrayBuffer>[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, row) => {
    const [x, y] = [a, b].map((rows) => known(rows[row] ?? rows.at(-1), "a row of biases"));
    return known(x, "a row").map((value, i) => value + (y?.[i] ?? 0));
  });
}

function fitsInt16(sources: PopulationDrive["sources"], grid: PixelGrid): boolean {
  for (let output = 0; output < grid.channels; output++) {
    let sum = 0;
    for (const source of sources) {
      if (source.kind !== "events") continue;
      const { channels } = source.spikes.masks.grid;
      for (let row = 0; row < source.kernel[0]; row++) {
        for (let column = 0; column < source.kernel[1]; column++) {
          for (let channel = 0; channel < channels; channel++) {
            sum += Math.abs(source.weightOf(output, row, column, channel));
          }
        }
      }
    }
    if (sum > 32_767) return false;
  }
  return true;
}

/** The synapse that makes an op's value from spikes; null where it has no such form. */
function synapseOf(lowering: Lowering, op: Op, image: boolean): EventDrive | AlignedDrive | null {
  if (!lowering.isVarying(op.result)) return null;
  // Spikes of several images are no grid of pixels by channels that windows could slide over.
  if (isOp(op, "ann.conv", "ann.average-pool") && op.type.shape[0] !== 1) return null;
  if (isTrain(op)) {
    const spikes = lowering.spikesOf(op);
    const worth = spikes === null ? null : perChannel(spikes);
    if (spikes === null || worth === null) return null;
    const taps = [{ origin: [0, 0] as const, weightOf: (c: number) => worth[c] ?? 0 }];
    return { kind: "aligned", spikes, stride: [1, 1], taps };
  }
  if (isOp(op, "ann.conv")) return convOf(lowering, op) ?? scaledShortcutOf(lowering, op);
  if (isOp(op, "ann.linear")) return linearOf(lowering, op);
  if (isOp(op, "ann.average-pool")) return poolOf(lowering, op);
  if (image && isOp(op, "ann.pad", "ann.slice")) return shortcutOf(lowering, op);
  return null;
}

function perChannel({ amplitude }: Spikes): Float64Array | null {
  return "perChannel" in amplitude ? amplitude.perChannel : null;
}

function worthAt({ amplitude, masks }: Spikes, pixel: number, channel: number): number {
  const worth =
    "perChannel" in amplitude
      ? amplitude.perChannel[channel]
      : amplitude.perNeuron[pixel * masks.grid.channels + channel];
  return worth ?? 0;
}

/** Whether an op's value may be spikes in masks. */
function isTrain(op: Op): op is OpOf<MaskedKind> {
  return isOp(op, "snn.if", "snn.graded", "snn.max-pool");
}

/** The spikes that an op reads, where its operand is made of them. */
function operandSpikes(lowering: Lowering, op: Op): Spikes | null {
  return lowering.spikesOf(lowering.opOf(lowering.operandOf(op)));
}

function convOf(lowering: Lowering, op: OpOf<"ann.conv">): EventDrive | AlignedDrive | null {
  if (op.type.shape.length > 4) return null;
  const { groups } = op.attrs;
  const weight = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0, ...extents] = weight.shape;
  const depthwise = groups === outputs && inputs === 1;
  if (groups !== 1 && !depthwise) return null;
  const spikes = operandSpikes(lowering, op);
  const worth = spikes === null ? null : perChannel(spikes);
  if (spikes === null || worth === null) return null;
  if (depthwise && spikes.masks.grid.channels !== groups) return null;
  const kernel = pair(extents, 1);
  const dilation = pair(op.attrs.dilations, 1);
  const stride = pair(op.attrs.strides, 1);
  const pads = pair(op.attrs.padsBegin, 0);
  const taps = elementCount(extents);
  const { data } = weight;
  if (!depthwise || groups === 1) {
    return {
      kind: "events",
      spikes,
      kernel,
      dilation,
      stride,
      origin: [-pads[0], -pads[1]],
      sharedTaps: false,
      weightOf: (o, row, column, c) =>
        (data[(o * inputs + c) * taps + row * kernel[1] + column] ?? 0) * (worth[c] ?? 0),
    };
  }
  return {
    kind: "aligned",
    spikes,
    stride,
    taps: Array.from({ length: taps }, (_, tap) => {
      const [row, column] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
      return {
        origin: [row * dilation[0] - pads[0], column * dilation[1] - pads[1]] as const,
        weightOf: (c: number) => (data[c * taps + tap] ?? 0) * (worth[c] ?? 0),
      };
    }),
  };
}

function linearOf(lowering: Lowering, op: OpOf<"ann.linear">): EventDrive | null {
  // Sums along the last axis, which are the channels of a grid only where that is not an image.
  if (lowering.layouts.images.has(op.result)) return null;
  const { data, shape } = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0] = shape;
  const producer = lowering.opOf(lowering.operandOf(op));
  if (isTrain(producer)) {
    if (lowering.layouts.images.has(producer.result)) return null;
    const spikes = lowering.spikesOf(producer);
    const worth = spikes === null ? null : perChannel(spikes);
    if (spikes === null || worth === null) return null;
    return {
      ...point(spikes),
      weightOf: (o, _row, _column, c) => (data[o * inputs + c] ?? 0) * (worth[c] ?? 0),
    };
  }
  if (!isOp(producer, "ann.reshape") || elementCount(op.type.shape) !== outputs) return null;
  if (!lowering.isPrivate(producer.result)) return null;
  const source = lowering.opOf(lowering.operandOf(producer));
  if (isTrain(source)) {
    // A flattened grid: one window as large as the grid.
    const spikes = lowering.spikesOf(source);
    if (spikes === null) return null;
    const { rows, columns, channels } = spikes.masks.grid;
    const image = lowering.layouts.images.has(source.result);
    return {
      ...point(spikes),
      kernel: [rows, columns],
      weightOf: (o, row, column, c) => {
        const pixel = row * columns + column;
        const index = image ? c * rows * columns + pixel : pixel * channels + c;
        return (data[o * inputs + index] ?? 0) * worthAt(spikes, pixel, c);
      },
    };
  }
  if (!isOp(source, "ann.average-pool") || !lowering.isPrivate(source.result)) return null;
  const [, channels = 1] = source.type.shape;
  if (elementCount(source.type.shape) !== channels || !isPlainPool(source)) return null;
  const spikes = operandSpikes(lowering, source);
  const worth = spikes === null ? null : perChannel(spikes);
  if (spikes === null || worth === null) return null;
  const size = elementCount(source.attrs.kernel);
  return {
    ...point(spikes),
    kernel: pair(source.attrs.kernel, 1),
    dilation: pair(source.attrs.dilations, 1),
    sharedTaps: true,
    weightOf: (o, _row, _column, c) => ((data[o * inputs + c] ?? 0) * (worth[c] ?? 0)) / size,
  };
}

/** A window of one tap that moves pixel by pixel. */
function point(spikes: Spikes): Omit<EventDrive, "weightOf"> {
  return {
    kind: "events",
    spikes,
    kernel: [1, 1],
    dilation: [1, 1],
    stride: [1, 1],
    origin: [0, 0],
    sharedTaps: false,
  };
}

function isPlainPool(op: OpOf<"ann.average-pool">): boolean {
  const { padsBegin, padsEnd, ceilMode } = op.attrs;
  return !ceilMode && [...padsBegin, ...padsEnd].every((pad) => pad === 0);
}

function poolOf(lowering: Lowering, op: OpOf<"ann.average-pool">): AlignedDrive | null {
  if (!isPlainPool(op) || op.type.shape.length > 4) return null;
  const spikes = operandSpikes(lowering, op);
  const worth = spikes === null ? null : perChannel(spikes);
  if (spikes === null || worth === null) return null;
  const kernel = pair(op.attrs.kernel, 1);
  const dilation = pair(op.attrs.dilations, 1);
  const size = kernel[0] * kernel[1];
  return {
    kind: "aligned",
    spikes,
    stride: pair(op.attrs.strides, 1),
    taps: Array.from({ length: size }, (_, tap) => ({
      origin: [Math.floor(tap / kernel[1]) * dilation[0], (tap % kernel[1]) * dilation[1]] as const,
      weightOf: (c: number) => (worth[c] ?? 0) / size,
    })),
  };
}

/** A shortcut that skips pixels and shifts channels: slice, pad, or one after the other. */
function shortcutOf(lowering: Lowering, op: OpOf<"ann.pad" | "ann.slice">): EventDrive | null {
  const window = shortcutWindow(lowering, op);
  if (window === null) return null;
  const { from, origin, stride, shift, first } = window;
  const spikes = operandSpikes(lowering, from);
  const worth = spikes === null ? null : perChannel(spikes);
  if (spikes === null || worth === null) return null;
  const sliced = window.channels ?? spikes.masks.grid.channels;
  return {
    ...point(spikes),
    stride,
    origin,
    weightOf: (o, _row, _column, c) =>
      o === c + shift && c >= first && c < first + sliced ? (worth[c] ?? 0) : 0,
  };
}

/** A shortcut through one weight per channel, as integers need it to have the sum's unit. */
function scaledShortcutOf(lowering: Lowering, op: OpOf<"ann.conv">): EventDrive | null {
  const { data, shape } = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0, ...kernel] = shape;
  const { groups, strides, padsBegin, padsEnd } = op.attrs;
  const plain =
    groups === outputs &&
    inputs === 1 &&
    [...kernel, ...strides].every((n) => n === 1) &&
    [...padsBegin, ...padsEnd].every((n) => n === 0);
  const producer = lowering.opOf(lowering.operandOf(op));
  if (!plain || !isOp(producer, "ann.pad", "ann.slice")) return null;
  if (!lowering.isPrivate(producer.result)) return null;
  const drive = shortcutOf(lowering, producer);
  if (drive === null) return null;
  return {
    ...drive,
    weightOf: (o, row, column, c) => drive.weightOf(o, row, column, c) * (data[o] ?? 0),
  };
}

/**
 * What drives a layer, taken apart: follows the graph from a current back to the words it comes from, through
 * sums, synapses, shortcuts and flattening, and folds the amplitudes of the words into the weights that they
 * meet.
 */
import { type Op, type OpOf, type ValueId, isOp } from "../../../../ir/op/op.ts";
import { elementCount, sameShape } from "../../../../ir/type.ts";
import type { PixelGrid } from "../../memory/spikes.ts";
import type { WordPlanes } from "../../memory/words.ts";
import type { Lowering, Words } from "../lowering.ts";
import { type Pair, pair } from "../grid.ts";
import { shortcutWindow } from "../shortcut.ts";

/** Words in a window, each through a weight for each output channel. */
export interface WindowDrive {
  readonly kind: "window";
  /** The neurons that send the words. */
  readonly sender: ValueId;
  readonly planes: WordPlanes;
  readonly shares: readonly number[];
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly stride: Pair;
  readonly origin: Pair;
  readonly weightOf: (output: number, row: number, column: number, channel: number) => number;
}

/** Words of one channel each, through a weight for each tap. */
export interface TapsDrive {
  readonly kind: "taps";
  readonly planes: WordPlanes;
  readonly shares: readonly number[];
  readonly stride: Pair;
  readonly taps: readonly {
    readonly origin: Pair;
    readonly weightOf: (output: number) => number;
  }[];
  /** An output's channel less that of its words. */
  readonly shift: number;
  /** Output channels that have words: from, to. */
  readonly outputs: Pair;
}

interface CurrentDrive {
  readonly kind: "current";
  readonly value: ValueId;
  /** Whether it is there at the first timestep of a run only. */
  readonly atFirst: boolean;
}

export type WordSource = WindowDrive | TapsDrive | CurrentDrive;

export interface WordDrive {
  readonly sources: readonly WordSource[];
  /** Per channel, at each timestep. */
  readonly bias: Float64Array | null;
}

/**
 * The drive of outputs of `grid` by `value`, in blocks of `width` channels; `root` where the value itself is wanted in
 * memory.
 */
export function collectWordDrive(
  lowering: Lowering,
  value: ValueId,
  image: boolean,
  grid: PixelGrid,
  width: number,
  root = false,
): WordDrive {
  const sources: WordSource[] = [];
  let bias: Float64Array | null = null;
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
    const isSender = isOp(op, "snn.graded");
    const found = own || isSender ? synapseOf(lowering, op, image, grid) : null;
    if (found !== null && (found.kind === "current" || fits(found, grid, width))) {
      sources.push(found);
      if (isOp(op, "ann.conv", "ann.linear") && op.attrs.bias !== null) {
        const { data } = lowering.tensor(op.attrs.bias);
        bias = Float64Array.from(data, (b, i) => b + (bias?.[i] ?? 0));
      }
    } else sources.push({ kind: "current", value: each, atFirst: false });
  }
  return { sources, bias };
}

/** The synapse that makes an op's value from words; null where it has no such form. */
function synapseOf(lowering: Lowering, op: Op, image: boolean, grid: PixelGrid): WordSource | null {
  if (!lowering.isVarying(op.result) || op.type.dtype !== "i32") return null;
  if (isOp(op, "snn.graded")) return identityOf(lowering, op, grid);
  if (isOp(op, "snn.difference")) {
    const value = lowering.operandOf(op);
    return lowering.isVarying(value) ? null : { kind: "current", value, atFirst: true };
  }
  if (isOp(op, "ann.linear")) return linearOf(lowering, op);
  if (image && isOp(op, "ann.conv")) {
    return convOf(lowering, op, grid) ?? scaledShortcutOf(lowering, op, grid);
  }
  if (image && isOp(op, "ann.pad", "ann.slice")) return shortcutOf(lowering, op, grid);
  return null;
}

/** Whether weights fit the width that they are multiplied at, and channels their blocks of `width`. */
function fits(drive: WindowDrive | TapsDrive, { channels }: PixelGrid, width: number): boolean {
  const { planes } = drive;
  if (drive.kind === "taps") {
    const [from, to] = drive.outputs;
    const outputs = Array.from({ length: to - from }, (_, i) => from + i);
    const isShort = (w: number): boolean => w >= -(2 ** 15) && w < 2 ** 15;
    const all = drive.taps.every(({ weightOf }) => outputs.every((o) => isShort(weightOf(o))));
    return all && drive.shift % width === 0;
  }
  const half = planes.bytes === 1 ? 2 ** 7 : 2 ** 15;
  for (let output = 0; output < channels; output++) {
    for (let row = 0; row < drive.kernel[0]; row++) {
      for (let column = 0; column < drive.kernel[1]; column++) {
        for (let channel = 0; channel < planes.grid.channels; channel++) {
          const weight = drive.weightOf(output, row, column, channel);
          if (weight < -half || weight >= half) return false;
        }
      }
    }
  }
  return true;
}

function identityOf(lowering: Lowering, op: Op, { channels }: PixelGrid): TapsDrive | null {
  const words = lowering.wordsOf(op);
  if (words === null) return null;
  return diagonal(words, channels);
}

/** Words one to one. */
function diagonal({ planes, shares, amplitude }: Words, channels: number): TapsDrive {
  return {
    kind: "taps",
    planes,
    shares,
    stride: [1, 1],
    taps: [{ origin: [0, 0], weightOf: (o) => amplitude[o] ?? 0 }],
    shift: 0,
    outputs: [0, channels],
  };
}

/** The words that an op reads, where its operand is made of them. */
function operandWords(lowering: Lowering, op: Op): Words | null {
  return lowering.wordsOf(lowering.opOf(lowering.operandOf(op)));
}

function convOf(
  lowering: Lowering,
  op: OpOf<"ann.conv">,
  grid: PixelGrid,
): WindowDrive | TapsDrive | null {
  if (op.type.shape[0] !== 1 || op.type.shape.length > 4) return null;
  const { groups } = op.attrs;
  const { shape, data } = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0, ...extents] = shape;
  const isDepthwise = groups === outputs && inputs === 1;
  if (groups !== 1 && !isDepthwise) return null;
  const words = operandWords(lowering, op);
  if (words === null) return null;
  const { planes, shares, amplitude } = words;
  if (isDepthwise && planes.grid.channels !== groups) return null;
  const kernel = pair(extents, 1);
  const dilation = pair(op.attrs.dilations, 1);
  const stride = pair(op.attrs.strides, 1);
  const pads = pair(op.attrs.padsBegin, 0);
  const taps = elementCount(extents);
  if (!isDepthwise || groups === 1) {
    return {
      ...{ kind: "window", sender: words.op.result, planes, shares, kernel, dilation, stride },
      origin: [-pads[0], -pads[1]],
      weightOf: (o, row, column, c) =>
        (data[(o * inputs + c) * taps + row * kernel[1] + column] ?? 0) * (amplitude[c] ?? 0),
    };
  }
  return {
    ...{ kind: "taps", planes, shares, stride, shift: 0, outputs: [0, grid.channels] },
    taps: Array.from({ length: taps }, (_, tap) => {
      const [row, column] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
      return {
        origin: [row * dilation[0] - pads[0], column * dilation[1] - pads[1]] as const,
        weightOf: (o: number) => (data[o * taps + tap] ?? 0) * (amplitude[o] ?? 0),
      };
    }),
  };
}

function linearOf(lowering: Lowering, op: OpOf<"ann.linear">): WindowDrive | null {
  const { shape, data } = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0] = shape;
  const producer = lowering.opOf(lowering.operandOf(op));
  const plain = { dilation: [1, 1], stride: [1, 1], origin: [0, 0] } as const;
  const words = lowering.wordsOf(producer);
  if (words !== null) {
    // Pixels of what is no image are rows of vectors, channels their last axis.
    if (lowering.layouts.images.has(producer.result)) return null;
    const { planes, shares, amplitude } = words;
    return {
      ...{ kind: "window", sender: words.op.result, planes, shares, kernel: [1, 1], ...plain },
      weightOf: (o, _row, _column, c) => (data[o * inputs + c] ?? 0) * (amplitude[c] ?? 0),
    };
  }
  if (!isOp(producer, "ann.reshape") || elementCount(op.type.shape) !== outputs) return null;
  if (!lowering.isPrivate(producer.result)) return null;
  const source = lowering.opOf(lowering.operandOf(producer));
  const flat = lowering.wordsOf(source);
  if (flat === null) return null;
  // A flattened grid: one window as large as the grid.
  const { planes, shares, amplitude } = flat;
  const { rows, columns, channels } = planes.grid;
  const image = lowering.layouts.images.has(source.result);
  return {
    ...{
      kind: "window",
      sender: flat.op.result,
      planes,
      shares,
      kernel: [rows, columns],
      ...plain,
    },
    weightOf: (o, row, column, c) => {
      const pixel = row * columns + column;
      const index = image ? c * rows * columns + pixel : pixel * channels + c;
      return (data[o * inputs + index] ?? 0) * (amplitude[c] ?? 0);
    },
  };
}

/** A shortcut that skips pixels and shifts channels: slice, pad, or one after the other. */
function shortcutOf(
  lowering: Lowering,
  op: OpOf<"ann.pad" | "ann.slice">,
  grid: PixelGrid,
): TapsDrive | null {
  const window = shortcutWindow(lowering, op);
  if (window === null) return null;
  const { from, origin, stride, shift, first } = window;
  if (op.type.shape.length > 4 || shift < 0) return null;
  const words = operandWords(lowering, from);
  if (words === null) return null;
  const { planes, shares, amplitude } = words;
  const sliced = window.channels ?? planes.grid.channels;
  const outputs = [first + shift, first + shift + sliced] as const;
  if (outputs[1] > grid.channels) return null;
  return {
    ...{ kind: "taps", planes, shares, shift, outputs },
    stride,
    taps: [
      {
        origin,
        weightOf: (o) => (o >= outputs[0] && o < outputs[1] ? (amplitude[o - shift] ?? 0) : 0),
      },
    ],
  };
}

/** A shortcut through one weight per channel, as integers need it to have the sum's unit. */
function scaledShortcutOf(
  lowering: Lowering,
  op: OpOf<"ann.conv">,
  grid: PixelGrid,
): TapsDrive | null {
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
  const drive = shortcutOf(lowering, producer, grid);
  if (drive === null) return null;
  const taps = drive.taps.map(({ origin, weightOf }) => ({
    origin,
    weightOf: (o: number) => weightOf(o) * (data[o] ?? 0),
  }));
  return { ...drive, taps };
}

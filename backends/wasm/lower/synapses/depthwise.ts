/** Depthwise convolutions. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import { type Channelwise, slideChannelwise } from "../../kernels/synapses/channelwise.ts";
import type { SpatialAxis } from "../../kernels/synapses/convolve.ts";
import type { View } from "../../memory/view.ts";
import { roomOf } from "../layout.ts";
import type { Lowering } from "../lowering.ts";
import { withRoom } from "../copies.ts";

/** The window itself, or a bounded activation with the window before it. */
export function lowerWindow(lowering: Lowering, op: Op): View | null {
  let [min, max] = [-Infinity, Infinity];
  let at = op;
  if (isOp(op, "ann.relu", "ann.clip") && op.type.dtype === "f32") {
    if (isOp(op, "ann.relu")) min = 0;
    else ({ min, max } = op.attrs);
    if (!lowering.isPrivate(lowering.operandOf(op))) return null;
    at = lowering.opOf(lowering.operandOf(op));
  }
  if (!isOp(at, "ann.conv")) return null;
  if (at.type.shape.length > 4 || at.type.shape[0] !== 1) return null;
  const taps = tapsOf(lowering, at);
  if (taps === null) return null;
  return emitWindow(lowering, op, at, taps, min, max);
}

interface Taps {
  readonly kernel: readonly number[];
  readonly weightOf: (tap: number, channel: number) => number;
  readonly biasOf: (channel: number) => number;
}

function tapsOf(lowering: Lowering, op: OpOf<"ann.conv">): Taps | null {
  if (op.type.dtype !== "f32" && op.type.dtype !== "i32") return null;
  const { data, shape } = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0, ...kernel] = shape;
  if (op.attrs.groups !== outputs || inputs !== 1 || outputs === 1) return null;
  const size = elementCount(kernel);
  const bias = op.attrs.bias === null ? null : lowering.tensor(op.attrs.bias).data;
  return {
    kernel,
    weightOf: (tap, c) => data[c * size + tap] ?? 0,
    biasOf: (c) => bias?.[c] ?? 0,
  };
}

function emitWindow(
  lowering: Lowering,
  root: Op,
  op: OpOf<"ann.conv">,
  taps: Taps,
  min: number,
  max: number,
): View | null {
  const operand = lowering.operandOf(op);
  const { shape } = lowering.opOf(operand).type;
  const [, channels = 1] = op.type.shape;
  const input = withRoom(lowering, operand, roomOf(lowering.module, op, shape));
  if (channels > 1 && input.strides[1] !== 1) return null;
  const output = lowering.place(root.result);
  const axes = taps.kernel.map((kernel, axis): SpatialAxis => {
    const stride = input.strides[axis + 2] ?? 0;
    return {
      kernel,
      count: op.type.shape[axis + 2] ?? 1,
      windowStride: stride * (op.attrs.strides[axis] ?? 1),
      tapStride: stride * (op.attrs.dilations[axis] ?? 1),
      outputStride: output.strides[axis + 2] ?? 0,
    };
  });
  const begin = taps.kernel.reduce(
    (sum, _, axis) => sum + (op.attrs.padsBegin[axis] ?? 0) * (input.strides[axis + 2] ?? 0),
    0,
  );
  const lanes = 4 * Math.ceil(channels / 4);
  const float = input.element === "f32";
  const wide = (length: number): Float32Array | Int32Array =>
    float ? new Float32Array(length) : new Int32Array(length);
  const size = elementCount(taps.kernel);
  const weights = lowering.constant(`%${op.result} taps ${input.element}`, () => {
    const all = wide(size * lanes);
    for (let tap = 0; tap < size; tap++) {
      for (let c = 0; c < channels; c++) all[tap * lanes + c] = taps.weightOf(tap, c);
    }
    return all;
  });
  const bias = lowering.constant(`%${op.result} tap bias ${input.element}`, () => {
    const all = wide(lanes);
    for (let c = 0; c < channels; c++) all[c] = taps.biasOf(c);
    return all;
  });
  const none = { kernel: 1, count: 1, windowStride: 0, tapStride: 0, outputStride: 0 };
  const window: Channelwise = {
    input: { ...input, offset: input.offset - begin },
    output,
    rows: axes.length === 2 ? known(axes[0], "an axis") : none,
    columns: known(axes.at(-1), "an axis"),
    channels,
    steps: lowering.stepsOf(root.result),
    weights,
    bias,
    min,
    max,
  };
  lowering.emit({
    name: `%${root.result} ${op.kind}`,
    phase: lowering.phaseOf(root.result),
    reads: [input.buffer, weights, bias],
    writes: [output.buffer],
    emit(code) {
      slideChannelwise(code, window);
    },
  });
  return output;
}

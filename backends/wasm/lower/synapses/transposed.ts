/** Transposed convolution: a convolution over the operand with zeros between its elements. */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import { type SpatialAxis, plainEpilogue } from "../../kernels/synapses/convolve.ts";
import { elementwise } from "../../kernels/nest.ts";
import { type View, withAxes } from "../../memory/view.ts";
import type { Room } from "../layout.ts";
import { type Lowering, elementOf } from "../lowering.ts";
import { copyInto, withRoom } from "../copies.ts";
import { emitConvolution, oneRow } from "./synapse.ts";

export function lowerTransposed(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "ann.conv-transpose") || op.type.shape.length > 4) return null;
  const operand = lowering.operandOf(op);
  const { shape, dtype } = lowering.opOf(operand).type;
  const element = elementOf(dtype);
  if (shape[0] !== 1 || element === null || element !== elementOf(op.type.dtype)) return null;
  const weight = lowering.tensor(op.attrs.weight);
  const [inputs = 0, outputChannels = 0, ...kernel] = weight.shape;
  const { groups, dilations, padsBegin, strides } = op.attrs;
  const reach = kernel.map((extent, axis) => (extent - 1) * (dilations[axis] ?? 1));
  // Zeros before the first element, as many as the first window reaches back; fewer than none
  // where the result is cropped.
  const begin = reach.map((length, axis) => length - (padsBegin[axis] ?? 0));
  const stretched = kernel.map(
    (_, axis) => ((shape[axis + 2] ?? 1) - 1) * (strides[axis] ?? 1) + 1,
  );
  const room: Room = {
    before: begin.map((n) => Math.max(0, n)),
    after: kernel.map((_, axis) => {
      const last = (op.type.shape[axis + 2] ?? 1) - 1 + (reach[axis] ?? 0) - (begin[axis] ?? 0);
      return Math.max(0, last - ((stretched[axis] ?? 1) - 1));
    }),
  };
  const input = strides.every((stride) => stride === 1)
    ? withRoom(lowering, operand, room)
    : spread(lowering, op, stretched, room);
  const output = lowering.place(op.result);
  const axes = kernel.map((extent, axis): SpatialAxis => {
    const stride = input.strides[axis + 2] ?? 0;
    return {
      kernel: extent,
      count: op.type.shape[axis + 2] ?? 1,
      windowStride: stride,
      tapStride: stride * (dilations[axis] ?? 1),
      outputStride: output.strides[axis + 2] ?? 0,
    };
  });
  const offset = begin.reduce((sum, n, axis) => sum + n * (input.strides[axis + 2] ?? 0), 0);
  const { data } = weight;
  const taps = elementCount(kernel);
  const inputChannels = inputs / groups;
  const kernelColumns = kernel.at(-1) ?? 1;
  return emitConvolution(lowering, op, op, {
    input: { ...input, offset: input.offset - offset },
    output,
    rows: axes.length === 2 ? known(axes[0], "a spatial axis") : oneRow,
    columns: known(axes.at(-1), "a spatial axis"),
    groups,
    inputChannels,
    outputChannels,
    inputChannelStride: input.strides[1] ?? 0,
    steps: lowering.stepsOf(op.result),
    // Weights are [in, out / groups, …kernel], and the kernel runs backwards.
    weightOf: (o, i, r, c) => {
      const group = Math.floor(o / outputChannels);
      const pair = (group * inputChannels + i) * outputChannels + (o % outputChannels);
      return data[pair * taps + (taps - 1 - (r * kernelColumns + c))] ?? 0;
    },
    epilogue: plainEpilogue,
  });
}

/** The operand with stride − 1 zeros between neighbours, and room around. */
function spread(
  lowering: Lowering,
  op: OpOf<"ann.conv-transpose">,
  stretched: readonly number[],
  room: Room,
): View {
  const value = lowering.operandOf(op);
  const from = lowering.dense(value);
  const steps = lowering.stepsOf(value);
  const phase = lowering.phaseOf(value);
  const shape = [...from.shape.slice(0, 2), ...stretched];
  const name = `%${op.result} spread`;
  const wide = lowering.imagePlace(name, from.element, shape, room, steps, phase);
  lowering.emit({
    name: `${name} zeros`,
    phase,
    reads: [],
    writes: [wide.buffer],
    emit(code) {
      const { f32, i32, f32x4, i32x4 } = code.wasm;
      const float = wide.element === "f32";
      elementwise(code, wide, [], steps, (lanes) => {
        const zero = float ? f32.const(0) : i32.const(0);
        return lanes === "scalar" ? zero : (float ? f32x4 : i32x4).splat(zero);
      });
    },
  });
  const strides = wide.strides.map((stride, axis) =>
    axis < 2 ? stride : stride * (op.attrs.strides[axis - 2] ?? 1),
  );
  copyInto(lowering, value, from, withAxes(wide, from.shape, strides), steps);
  return wide;
}

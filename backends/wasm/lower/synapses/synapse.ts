/** Convolutions and linear layers on values in memory, with what follows them folded in. */
import { integerBounds } from "../../../../ir/analysis/bounds.ts";
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../../ir/op/op.ts";
import { elementCount, sameShape } from "../../../../ir/type.ts";
import {
  type Convolution,
  type Epilogue,
  type SpatialAxis,
  blocksOf,
  convolve,
  packWeights,
  plainEpilogue,
  runsOf,
  tileOf,
} from "../../kernels/synapses/convolve.ts";
import { packShorts } from "../../kernels/synapses/shorts.ts";
import { type View, reshapeView, rowMajor } from "../../memory/view.ts";
import { paddedBias } from "./bias.ts";
import { compact, copyInto, withRoom } from "../copies.ts";
import { gridViewOf } from "../grid.ts";
import { roomOf, takesTiles } from "../layout.ts";
import { lowerByTiles } from "./tiles.ts";
import { type Lowering, elementOf } from "../lowering.ts";

type WeightedSynapse = OpOf<"ann.conv" | "ann.linear">;

/** A synapse, and the ops after it that its kernel does while sums are still in registers. */
interface Fused {
  readonly synapse: WeightedSynapse;
  readonly add: ValueId | null;
  readonly min: number;
  readonly max: number;
}

/** Synapses alone, and ops that a synapse's kernel can do at its end. */
export function lowerSynapse(lowering: Lowering, op: Op): View | null {
  const fused = fusedAt(lowering, op);
  if (fused === null) return null;
  const { synapse } = fused;
  const element = elementOf(lowering.opOf(lowering.operandOf(synapse)).type.dtype);
  if (element !== "f32" && element !== "i32") return null;
  if (isOp(synapse, "ann.linear")) return lowerLinear(lowering, op, synapse, fused);
  return lowerConv(lowering, op, synapse, fused);
}

/** The synapse that `op` ends, with bounds and addend between the two; null where there is none. */
function fusedAt(lowering: Lowering, op: Op): Fused | null {
  let [min, max] = [-Infinity, Infinity];
  let at = op;
  const floats = op.type.dtype === "f32";
  if (floats && isOp(at, "ann.relu", "ann.clip")) {
    const value = lowering.operandOf(at);
    if (!lowering.isPrivate(value)) return null;
    if (isOp(at, "ann.relu")) min = 0;
    else ({ min, max } = at.attrs);
    at = lowering.opOf(value);
  }
  if (isSynapse(at)) return { synapse: at, add: null, min, max };
  if (!isOp(at, "ann.add")) return null;
  const sides = [
    [lowering.operandOf(at, 0), lowering.operandOf(at, 1)],
    [lowering.operandOf(at, 1), lowering.operandOf(at, 0)],
  ] as const;
  for (const [mine, other] of sides) {
    const producer = lowering.opOf(mine);
    // The kernel writes what the synapse has: where the other operand enlarges that, it cannot.
    const alike =
      lowering.isVarying(mine) === lowering.isVarying(at.result) &&
      sameShape(producer.type.shape, at.type.shape) &&
      elementCount(lowering.opOf(other).type.shape) === elementCount(at.type.shape);
    if (isSynapse(producer) && mine !== other && lowering.isPrivate(mine) && alike) {
      return { synapse: producer, add: other, min, max };
    }
  }
  return null;
}

function isSynapse(op: Op): op is WeightedSynapse {
  return isOp(op, "ann.linear") || (isOp(op, "ann.conv") && op.type.shape.length <= 4);
}

function lowerConv(lowering: Lowering, root: Op, op: OpOf<"ann.conv">, fused: Fused): View | null {
  const operand = lowering.operandOf(op);
  const { shape } = lowering.opOf(operand).type;
  if (shape[0] !== 1) return null;
  const weight = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputChannels = 0, ...kernel] = weight.shape;
  const input = withRoom(lowering, operand, roomOf(lowering.module, op, shape));
  const output = lowering.place(root.result);
  const { groups } = op.attrs;
  const outputChannels = outputs / groups;
  const axes = kernel.map((extent, axis) => {
    const stride = input.strides[axis + 2] ?? 0;
    return {
      kernel: extent,
      count: op.type.shape[axis + 2] ?? 1,
      windowStride: stride * (op.attrs.strides[axis] ?? 1),
      tapStride: stride * (op.attrs.dilations[axis] ?? 1),
      outputStride: output.strides[axis + 2] ?? 0,
    };
  });
  const begin = kernel.reduce(
    (sum, _, axis) => sum + (op.attrs.padsBegin[axis] ?? 0) * (input.strides[axis + 2] ?? 0),
    0,
  );
  const columns = known(axes.at(-1), "a spatial axis");
  const rows = axes.length === 2 ? known(axes[0], "a spatial axis") : oneRow;
  const data = weight.data;
  const taps = elementCount(kernel);
  const kernelColumns = kernel.at(-1) ?? 1;
  const epilogue = epilogueOf(lowering, fused, output, true);
  const byTiles = lowering.options.tiles && takesTiles(lowering.module, op);
  if (byTiles && (inputChannels === 1 || input.strides[1] === 1)) {
    const first = { ...input, offset: input.offset - begin };
    return lowerByTiles(lowering, root, op, first, output, epilogue);
  }
  return emitConvolution(lowering, root, op, {
    input: { ...input, offset: input.offset - begin },
    output,
    ...collapsed(rows, columns, epilogue),
    groups,
    inputChannels,
    outputChannels,
    inputChannelStride: input.strides[1] ?? 0,
    steps: lowering.stepsOf(root.result),
    weightOf: (o, i, r, c) => data[(o * inputChannels + i) * taps + r * kernelColumns + c] ?? 0,
    epilogue,
  });
}

/** The axis that a window along one axis lacks. */
export const oneRow: SpatialAxis = {
  kernel: 1,
  count: 1,
  windowStride: 0,
  tapStride: 0,
  outputStride: 0,
};

/** One long row instead of many where pixels follow each other without gaps and taps do not matter. */
function collapsed(
  rows: SpatialAxis,
  columns: SpatialAxis,
  { add }: Epilogue,
): { readonly rows: SpatialAxis; readonly columns: SpatialAxis } {
  const joins =
    rows.kernel === 1 &&
    columns.kernel === 1 &&
    rows.windowStride === columns.windowStride * columns.count &&
    rows.outputStride === columns.outputStride * columns.count &&
    (add === null || add.rowStride === add.columnStride * columns.count);
  // Long rows are left alone: rows are what threads share.
  if (!joins || rows.count === 1 || columns.count >= 32) return { rows, columns };
  return { rows: oneRow, columns: { ...columns, count: columns.count * rows.count } };
}

function lowerLinear(
  lowering: Lowering,
  root: Op,
  op: OpOf<"ann.linear">,
  fused: Fused,
): View | null {
  const operand = lowering.operandOf(op);
  const { shape } = lowering.opOf(operand).type;
  const weight = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0] = weight.shape;
  const count = elementCount(shape) / inputs;
  const flat = [count, inputs];
  const view = lowering.dense(operand);
  const input = reshapeView(view, flat) ?? reshapeView(compact(lowering, operand, view), flat);
  if (input === null) return null;
  const output = lowering.place(root.result);
  const steps = lowering.stepsOf(root.result);
  const placed = reshapeView(output, [count, outputs]);
  const fits = placed !== null && (outputs === 1 || placed.strides[1] === 1);
  // Sums of one vector are stored as neighbours, which an image's last axis has none of.
  const name = `%${root.result} rows`;
  const out = fits
    ? placed
    : rowMajor(
        lowering.buffer("scratch", name, 4 * count * outputs * steps),
        output.element,
        [count, outputs],
        steps > 1 ? count * outputs : 0,
      );
  const column = (n: number, from: number, to: number): SpatialAxis => ({
    kernel: 1,
    count: n,
    windowStride: from,
    tapStride: 0,
    outputStride: to,
  });
  const [inStride = 0, channelStride = 0] = input.strides;
  const [outStride = 0] = out.strides;
  // One vector per timestep: the timesteps are the pixels.
  const overTime = count === 1 && steps > 1;
  const { data } = weight;
  const epilogue = epilogueOf(lowering, fused, out, false);
  emitConvolution(lowering, root, op, {
    input: overTime ? { ...input, lead: 0 } : input,
    output: overTime ? { ...out, lead: 0 } : out,
    rows: oneRow,
    columns: overTime ? column(steps, input.lead, out.lead) : column(count, inStride, outStride),
    groups: 1,
    inputChannels: inputs,
    outputChannels: outputs,
    inputChannelStride: channelStride,
    steps: overTime ? 1 : steps,
    weightOf: (o, i) => data[o * inputs + i] ?? 0,
    epilogue: overTime ? alongTime(epilogue) : epilogue,
  });
  if (!fits) {
    const rows = known(reshapeView(out, output.shape), "rows of the output's shape");
    copyInto(lowering, root.result, rows, output, steps);
  }
  return output;
}

type Shape2 = Omit<Convolution, "weights" | "bias" | "areShort"> & {
  readonly weightOf: (output: number, input: number, row: number, column: number) => number;
};

/** Emits the step, with weights and bias packed for it; `root` is the op whose result it makes. */
export function emitConvolution(
  lowering: Lowering,
  root: Op,
  op: WeightedSynapse | OpOf<"ann.conv-transpose">,
  shape: Shape2,
): View {
  const { groups, outputChannels, inputChannels, rows, columns, input } = shape;
  const into = input.element === "i32" ? "i32" : "f32";
  const { vectors } = tileOf(columns.count, outputChannels);
  const name = `%${op.result}`;
  const counts = { groups, outputChannels, inputChannels, rows: rows.kernel };
  const areShort = takesShorts(lowering, op, shape);
  const weights = areShort
    ? lowering.constant(`${name} short weights ${vectors}`, () => {
        const runs = runsOf(shape).map(({ length }) => length);
        return packShorts(counts, runs, blocksOf(outputChannels, vectors), shape.weightOf);
      })
    : lowering.constant(`${name} weights ${into} ${vectors}`, () =>
        packWeights({ ...counts, columns: columns.kernel }, vectors, into, shape.weightOf),
      );
  const bias = paddedBias(lowering, op, groups, outputChannels, into);
  const { epilogue } = shape;
  const reads = [input.buffer, weights, bias];
  if (epilogue.add !== null) reads.push(epilogue.add.view.buffer);
  lowering.emit({
    name: `%${root.result} ${op.kind}`,
    phase: lowering.phaseOf(root.result),
    reads,
    writes: [shape.output.buffer],
    emit(code) {
      convolve(code, { ...shape, weights, areShort, bias });
    },
  });
  return shape.output;
}

/**
 * Whether inputs, which follow each other, and weights are integers of 16 bits: by what is proved of them, since an
 * input of more than 8 bits has a type of 32.
 */
function takesShorts(
  lowering: Lowering,
  op: WeightedSynapse | OpOf<"ann.conv-transpose">,
  shape: Shape2,
): boolean {
  const interval = integerBounds(lowering.module).values.get(lowering.operandOf(op));
  if (interval === undefined || !isShort(interval.low) || !isShort(interval.high)) return false;
  // Of shorter runs as much is lost by what fills up pairs as is gained.
  const isLong = runsOf(shape).every(({ stride, length }) => stride === 1 && length > 3);
  if (shape.input.element !== "i32" || !isLong) return false;
  const { data } = lowering.tensor(op.attrs.weight);
  return data.every(isShort);
}

function isShort(value: number): boolean {
  return value >= -(2 ** 15) && value < 2 ** 15;
}

/** The epilogue where pixels are timesteps. */
function alongTime(epilogue: Epilogue): Epilogue {
  const { add } = epilogue;
  if (add === null) return epilogue;
  const { view } = add;
  return {
    ...epilogue,
    add: { view: { ...view, lead: 0 }, rowStride: 0, columnStride: view.lead },
  };
}

/** What is folded in: bounds, and an addend by pixel; copied where its channels are apart. */
function epilogueOf(lowering: Lowering, fused: Fused, output: View, asImage: boolean): Epilogue {
  const { min, max } = fused;
  if (fused.add === null) return { ...plainEpilogue, min, max };
  const given = lowering.dense(fused.add);
  const view =
    reshapeView(given, output.shape) ??
    known(
      reshapeView(compact(lowering, fused.add, given), output.shape),
      "an addend of the output's shape",
    );
  const ready = gridViewOf(view, asImage);
  if (ready !== null) return { add: ready, min, max };
  const buffer = lowering.buffer("scratch", `%${fused.add} again`, output.buffer.bytes);
  const again: View = { ...output, buffer };
  const steps = output.lead === 0 ? 1 : lowering.options.steps;
  copyInto(lowering, fused.add, view, again, steps);
  return { add: known(gridViewOf(again, asImage), "an addend by pixel"), min, max };
}

/**
 * Writes a network as an ONNX model of 8-bit integers in the form that onnxruntime turns into integer
 * kernels: QuantizeLinear and DequantizeLinear around every operator that has one. Weights are int8, one
 * symmetric scale for each output channel; activations uint8 with a scale and a zero point; biases int32
 * in the unit of the sums. (onnxruntime's own quantiser makes the same form, but is Python only.)
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { consumers, isOutput } from "../../../ir/analysis/walk.ts";
import { type Module, producerOf, tensorAt } from "../../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../ir/op/op.ts";
import { roundHalfEven } from "../../../ir/tensor.ts";
import type { Shape } from "../../../ir/type.ts";
import { movesBatch } from "../networks/batch-axis.ts";
import { OnnxGraph } from "./onnx-graph.ts";
import type { ByteScale } from "./ranges.ts";

/** Ops whose result has the scale of their operand: they move values, or choose among them. */
const moving = ["ann.max-pool", "ann.reshape", "ann.transpose", "ann.slice", "ann.pad"] as const;
/** Ops whose result is rounded by a scale of its own. */
const rounding = [
  "ann.input",
  "ann.conv",
  "ann.linear",
  "ann.add",
  "ann.average-pool",
  "ann.concat",
  "ann.relu",
  "ann.clip",
] as const;
const largestWeight = 127;
/** Biases are kept below this, so that sums of 32 bits have room for products. */
const largestBias = 2 ** 30;

/** Why a network has no such form, each reason once; empty where it has one. */
export function obstacles(module: Module): string[] {
  const { ops, outputs } = module;
  const reasons = ops.flatMap((op): string[] => {
    const { kind, type } = op;
    if (!isOp(op, ...moving, ...rounding, "ann.softmax")) return [`${kind} is not written`];
    if (movesBatch(op)) return [`${kind} moves the batch axis`];
    if (isOp(op, "ann.linear") && type.shape.length !== 2) return [`${kind} of more axes than two`];
    if (isOp(op, "ann.pad") && (op.attrs.mode !== "constant" || op.attrs.value !== 0))
      return [`${kind} with other values than 0`];
    if (isOp(op, "ann.clip") && op.attrs.min !== 0) return [`${kind} from another value than 0`];
    return [];
  });
  if (outputs.length !== 1) reasons.push(`${outputs.length} outputs`);
  return [...new Set(reasons)];
}

/** The values of a network without obstacles that are rounded by scales of their own, in order. */
export function roundedValues(module: Module): ValueId[] {
  const behind = consumers(module);
  return module.ops
    .filter((op) => isOp(op, ...rounding) && !staysFloat(module, op, behind))
    .map(({ result }) => result);
}

/**
 * Sums that go straight into a rectifier are rounded behind it, and those of a last linear layer are
 * outputs as they are: onnxruntime has kernels for both.
 */
function staysFloat(module: Module, op: Op, behind: ReadonlyMap<ValueId, readonly Op[]>): boolean {
  const next = behind.get(op.result) ?? [];
  if (isOp(op, "ann.conv", "ann.linear", "ann.add") && !isOutput(module, op.result)) {
    const [only] = next;
    if (next.length === 1 && only !== undefined && isOp(only, "ann.relu", "ann.clip")) return true;
  }
  if (!isOp(op, "ann.linear")) return false;
  const isTail = (each: Op): boolean =>
    isOp(each, "ann.reshape", "ann.softmax") && (behind.get(each.result) ?? []).every(isTail);
  return next.every(isTail);
}

/** The model's bytes; `scales` has an entry for each of `roundedValues`. */
export function writeQdq(module: Module, scales: ReadonlyMap<ValueId, ByteScale>): Uint8Array {
  invariant(obstacles(module).length === 0, "only networks without obstacles are written");
  return new Writer(module, scales).write();
}

/** A value in the graph: the name of its floats, or of its bytes where it is rounded. */
type Written =
  | { readonly floats: string; readonly rounded: null }
  | { readonly floats: null; readonly rounded: Rounded };

interface Rounded {
  readonly bytes: string;
  readonly by: ByteScale;
  /** Of the scale and of the zero point. */
  readonly names: readonly [string, string];
}

class Writer {
  private readonly module: Module;
  private readonly scales: ReadonlyMap<ValueId, ByteScale>;
  private readonly graph = new OnnxGraph();
  private readonly values = new Map<ValueId, Written>();

  constructor(module: Module, scales: ReadonlyMap<ValueId, ByteScale>) {
    this.module = module;
    this.scales = scales;
  }

  write(): Uint8Array {
    const { module, graph, values } = this;
    const input = known(
      module.ops.find((op): op is OpOf<"ann.input"> => isOp(op, "ann.input")),
      "an input",
    );
    for (const op of module.ops) values.set(op.result, this.written(op));
    const output = known(module.outputs[0], "an output");
    const name = this.floatsOf(known(values.get(output.value), "the output's value"));
    const { shape } = producerOf(module, output.value).type;
    return graph.finish(
      module.name,
      { name: input.attrs.name, shape: freeBatch(input.type.shape) },
      [{ name, shape: freeBatch(shape) }],
    );
  }

  private written(op: Op): Written {
    const operands = op.inputs.map((value) => known(this.values.get(value), "an operand"));
    const before = operands[0]?.rounded ?? null;
    if (isOp(op, ...moving) && before !== null) {
      // On the bytes themselves: not all of these have a form of onnxruntime's that leaves floats out.
      const bytes = this.nodeOf(op, [before.bytes], [before.names[1]]);
      return { floats: null, rounded: { ...before, bytes } };
    }
    const floats = this.nodeOf(
      op,
      operands.map((operand) => this.floatsOf(operand)),
      [],
    );
    const by = this.scales.get(op.result);
    if (by === undefined) return { floats, rounded: null };
    const names = [
      this.graph.scalar("f32", by.scale),
      this.graph.scalar("u8", by.zeroPoint),
    ] as const;
    const bytes = this.graph.add("QuantizeLinear", [floats, ...names]);
    return { floats: null, rounded: { bytes, by, names } };
  }

  /** A node for each that asks: onnxruntime looks for one before each operand. */
  private floatsOf({ floats, rounded }: Written): string {
    if (rounded === null) return floats;
    return this.graph.add("DequantizeLinear", [rounded.bytes, ...rounded.names]);
  }

  /** The result of an op's own node; `filling` is what a pad fills with, where that is not a float 0. */
  private nodeOf(op: Op, names: readonly string[], filling: readonly string[]): string {
    const { graph, module } = this;
    const [x = ""] = names;
    if (isOp(op, "ann.input")) return op.attrs.name;
    if (isOp(op, "ann.conv")) {
      const { kernel } = kernelOf(module, op);
      const attributes = { ...windowAttributes(op.attrs, kernel), group: op.attrs.groups };
      return graph.add("Conv", [x, ...this.weightsOf(op, "channels first")], attributes);
    }
    if (isOp(op, "ann.linear"))
      return graph.add("Gemm", [x, ...this.weightsOf(op, "channels last")]);
    if (isOp(op, "ann.add")) return graph.add("Add", names);
    // Bounds from above are those of the bytes: a byte holds no more than the largest value there was.
    if (isOp(op, "ann.relu", "ann.clip")) return graph.add("Relu", [x]);
    if (isOp(op, "ann.concat")) return graph.add("Concat", names, { axis: op.attrs.axis });
    if (isOp(op, "ann.softmax")) return graph.add("Softmax", [x], { axis: op.attrs.axis });
    if (isOp(op, "ann.average-pool")) {
      const { kernel, ceilMode, countIncludePad } = op.attrs;
      if (isGlobal(module, op)) return graph.add("GlobalAveragePool", [x]);
      return graph.add("AveragePool", [x], {
        ...windowAttributes(op.attrs, kernel),
        ceil_mode: Number(ceilMode),
        count_include_pad: Number(countIncludePad),
      });
    }
    if (isOp(op, "ann.max-pool")) {
      const { kernel, ceilMode } = op.attrs;
      const attributes = { ...windowAttributes(op.attrs, kernel), ceil_mode: Number(ceilMode) };
      return graph.add("MaxPool", [x], attributes);
    }
    // A 0 keeps the extent, which is the batch.
    if (isOp(op, "ann.reshape"))
      return graph.add("Reshape", [x, graph.int64s([0, ...op.attrs.shape.slice(1)])]);
    if (isOp(op, "ann.transpose")) return graph.add("Transpose", [x], { perm: op.attrs.perm });
    if (isOp(op, "ann.slice")) return this.slice(op, x);
    if (isOp(op, "ann.pad")) {
      const { begin, end } = op.attrs;
      return graph.add("Pad", [x, graph.int64s([...begin, ...end]), ...filling]);
    }
    invariant(false, `${op.kind} is an obstacle`);
  }

  private slice({ attrs: { starts, sizes, steps } }: OpOf<"ann.slice">, x: string): string {
    const axes = starts.map((_, axis) => axis).slice(1);
    const ofAxes = (list: readonly number[]): string => this.graph.int64s(list.slice(1));
    const ends = starts.map((start, axis) => {
      const step = known(steps[axis], "a step");
      const end = start + known(sizes[axis], "a size") * step;
      // Down to element 0 and on: an end of −1 would mean the last one.
      return end < 0 ? -(2 ** 31) : end;
    });
    return this.graph.add("Slice", [
      x,
      ofAxes(starts),
      ofAxes(ends),
      this.graph.int64s(axes),
      ofAxes(steps),
    ]);
  }

  /** The names of weights and, where there is one, bias: integers behind a node that scales them. */
  private weightsOf(
    op: OpOf<"ann.conv" | "ann.linear">,
    layout: "channels first" | "channels last",
  ): string[] {
    const { graph, module } = this;
    const operand = known(this.values.get(known(op.inputs[0], "an operand")), "an operand");
    const x = known(operand.rounded, "a rounded operand").by;
    const { shape, data } = tensorAt(module, op.attrs.weight);
    const bias = op.attrs.bias === null ? null : tensorAt(module, op.attrs.bias).data;
    const made = integerWeights(data, bias, known(shape[0], "channels"), x.scale);
    const [weights, dims, axis] =
      layout === "channels first"
        ? [made.weights, shape, 0]
        : [transposed(made.weights, shape), [...shape].reverse(), 1];
    // Zero points are 0 unless given, but without them onnxruntime leaves Gemm in floats.
    const weight = graph.add(
      "DequantizeLinear",
      [
        graph.constant("i8", weights, dims),
        graph.constant("f32", made.scales),
        graph.constant("i8", new Int8Array(made.scales.length)),
      ],
      { axis },
    );
    if (made.bias === null) return [weight];
    const offset = graph.add(
      "DequantizeLinear",
      [
        graph.constant("i32", made.bias),
        graph.constant("f32", made.units),
        graph.constant("i32", new Int32Array(made.units.length)),
      ],
      { axis: 0 },
    );
    return [weight, offset];
  }
}

export interface IntegerWeights {
  /** −127 … 127, as the weights lie. */
  readonly weights: Int8Array;
  /** Of each channel: weight ≈ scale · integer. */
  readonly scales: Float32Array;
  /** In units of the sums of products. */
  readonly bias: Int32Array | null;
  /** Of each channel: the unit of its sums, the scale of its weights times that of the operand. */
  readonly units: Float32Array;
}

/**
 * Weights [channels, …] with the largest of each channel as 127, and a bias of 32 bits. A channel whose
 * weights are tiny beside its bias gets a scale at which the bias fits.
 */
export function integerWeights(
  data: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  channels: number,
  operandScale: number,
): IntegerWeights {
  const size = data.length / channels;
  const weights = new Int8Array(data.length);
  const scales = new Float32Array(channels);
  const units = new Float32Array(channels);
  const biases = bias === null ? null : new Int32Array(channels);
  for (let c = 0; c < channels; c++) {
    let largest = 0;
    for (let i = 0; i < size; i++) largest = Math.max(largest, Math.abs(data[c * size + i] ?? 0));
    const b = bias?.[c] ?? 0;
    const least = Math.abs(b) / (operandScale * largestBias);
    const scale = Math.fround(Math.max(largest / largestWeight, least)) || 1;
    scales[c] = scale;
    for (let i = 0; i < size; i++) {
      const rounded = roundHalfEven((data[c * size + i] ?? 0) / scale);
      weights[c * size + i] = Math.min(largestWeight, Math.max(-largestWeight, rounded));
    }
    const unit = Math.fround(scale * operandScale);
    units[c] = unit;
    if (biases !== null) biases[c] = roundHalfEven(b / unit);
  }
  return { weights, scales, bias: biases, units };
}

/** [rows, columns] as [columns, rows]. */
function transposed(data: Int8Array, [rows = 0, columns = 0]: Shape): Int8Array {
  return data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}

function freeBatch(shape: Shape): (number | string)[] {
  return ["batch", ...shape.slice(1)];
}

function kernelOf(module: Module, op: OpOf<"ann.conv">): { readonly kernel: readonly number[] } {
  return { kernel: tensorAt(module, op.attrs.weight).shape.slice(2) };
}

function windowAttributes(
  window: {
    readonly strides: readonly number[];
    readonly padsBegin: readonly number[];
    readonly padsEnd: readonly number[];
    readonly dilations: readonly number[];
  },
  kernel: readonly number[],
) {
  const { strides, padsBegin, padsEnd, dilations } = window;
  const isPlain = dilations.every((dilation) => dilation === 1);
  return {
    kernel_shape: kernel,
    strides,
    pads: [...padsBegin, ...padsEnd],
    // Average pools of this opset have none.
    ...(isPlain ? {} : { dilations }),
  };
}

/** Whether one window is the whole image, for which there is an operator of its own. */
function isGlobal(module: Module, op: OpOf<"ann.average-pool">): boolean {
  const { kernel, padsBegin, padsEnd } = op.attrs;
  const { shape } = producerOf(module, known(op.inputs[0], "an operand")).type;
  return (
    shape.slice(2).every((extent, axis) => extent === kernel[axis]) &&
    [...padsBegin, ...padsEnd].every((pad) => pad === 0)
  );
}

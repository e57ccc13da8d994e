/**
 * A module of ours as a function of TensorFlow.js tensors, built as somebody would who knows its fast
 * ways: channels last throughout, weights made once, biases and rectifiers fused into convolutions and
 * products, and nothing transposed before a linear layer, whose weights are reordered instead.
 */
import { consumers, isOutput } from "../../../ir/analysis/walk.ts";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type Module, producerOf, tensorAt } from "../../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../ir/op/op.ts";
import type { Shape } from "../../../ir/type.ts";
import { movesBatch } from "../networks/batch-axis.ts";
import type { Tf, TfActivation, TfPad, TfTensor } from "./api.ts";
import { liesPlain, stored, storedAxes, storedAxis, transposedData } from "./layout.ts";

const written = [
  "ann.input",
  "ann.conv",
  "ann.linear",
  "ann.relu",
  "ann.clip",
  "ann.add",
  "ann.max-pool",
  "ann.average-pool",
  "ann.reshape",
  "ann.transpose",
  "ann.slice",
  "ann.pad",
  "ann.concat",
  "ann.softmax",
] as const;

/** Why TensorFlow.js cannot run a network, each reason once; empty where it can. */
export function tfObstacles(module: Module): string[] {
  const reasons = module.ops.flatMap((op): string[] => {
    if (!isOp(op, ...written)) return [`${op.kind} is not built`];
    const why = obstacleOf(module, op);
    return why === null ? [] : [`${op.kind} ${why}`];
  });
  if (module.outputs.length !== 1) reasons.push(`${module.outputs.length} outputs`);
  return [...new Set(reasons)];
}

function obstacleOf(module: Module, op: Op): string | null {
  if (movesBatch(op)) return "moves the batch axis";
  const { length } = op.type.shape;
  if (length > 4) return "of more axes than four";
  if (isOp(op, "ann.conv")) {
    const { groups } = op.attrs;
    const [, channels] = operandShape(module, op);
    if (length !== 4) return "of other images than those of two axes";
    return groups === 1 || groups === channels ? null : "of groups of channels";
  }
  if (isOp(op, "ann.linear")) return length === 2 ? null : "of other axes than two";
  if (isOp(op, "ann.add"))
    return op.inputs.every((value) => producerOf(module, value).type.shape.length === length)
      ? null
      : "of operands of different numbers of axes";
  if (isOp(op, "ann.max-pool", "ann.average-pool")) {
    if (length !== 4 || op.attrs.dilations.some((dilation) => dilation !== 1))
      return "of other windows than plain ones on two axes";
    const isPadded = [...op.attrs.padsBegin, ...padsEndOf(module, op)].some((pad) => pad !== 0);
    return isOp(op, "ann.average-pool") && isPadded ? "with pads" : null;
  }
  if (isOp(op, "ann.slice")) return op.attrs.steps.some((step) => step < 0) ? "backwards" : null;
  if (isOp(op, "ann.pad")) {
    const { mode, value, begin, end } = op.attrs;
    const isPlain = mode === "constant" && value === 0 && [...begin, ...end].every((n) => n >= 0);
    return isPlain ? null : "with other values than 0, or none";
  }
  if (isOp(op, "ann.softmax"))
    return op.attrs.axis === length - 1 && length < 4 ? null : "along another axis than the last";
  return null;
}

type Step = (values: Map<ValueId, TfTensor>, batch: number) => TfTensor;

/** The function; takes images of any number, their channels last. Weights stay in the backend's memory. */
export function tfNetwork(tf: Tf, module: Module): (input: TfTensor) => TfTensor {
  invariant(tfObstacles(module).length === 0, "only networks without obstacles are built");
  const builder = new NetworkBuilder(tf, module);
  const steps = module.ops.flatMap((op): [ValueId, Step][] => {
    const step = builder.stepOf(op);
    return step === null ? [] : [[op.result, step]];
  });
  const input = known(module.ops.find((op) => isOp(op, "ann.input"))?.result, "an input");
  const output = known(module.outputs[0], "an output").value;
  return (x) =>
    tf.tidy(() => {
      const values = new Map([[input, x]]);
      for (const [value, step] of steps) values.set(value, step(values, x.shape[0] ?? 1));
      return known(values.get(output), "the output");
    });
}

class NetworkBuilder {
  private readonly tf: Tf;
  private readonly module: Module;
  private readonly behind: ReadonlyMap<ValueId, readonly Op[]>;

  constructor(tf: Tf, module: Module) {
    this.tf = tf;
    this.module = module;
    this.behind = consumers(module);
  }

  /** Null for what needs no step of its own: the input. */
  stepOf(op: Op): Step | null {
    const { tf, module } = this;
    const { shape } = op.type;
    const [operand] = op.inputs;
    if (isOp(op, "ann.input") || operand === undefined) return null;
    const before = operandShape(module, op);
    const take = (values: Map<ValueId, TfTensor>): TfTensor => taken(values, operand);
    if (isOp(op, "ann.conv")) return this.convolution(op, operand);
    if (isOp(op, "ann.linear")) return this.linear(op, operand);
    if (isOp(op, "ann.relu", "ann.clip")) return this.rectifier(op, operand);
    if (isOp(op, "ann.add")) {
      const [a, b] = [known(op.inputs[0], "a term"), known(op.inputs[1], "a term")];
      return (values) => tf.add(taken(values, a), taken(values, b));
    }
    if (isOp(op, "ann.max-pool")) {
      const { kernel, strides, padsBegin } = op.attrs;
      const pad = imagePads(padsBegin, padsEndOf(module, op));
      return (values) => tf.maxPool(take(values), kernel, strides, pad);
    }
    if (isOp(op, "ann.average-pool")) {
      const { kernel, strides } = op.attrs;
      return (values) => tf.avgPool(take(values), kernel, strides, "valid");
    }
    if (isOp(op, "ann.slice")) {
      const { starts, sizes, steps } = op.attrs;
      const [begin, size] = [stored(starts, shape).slice(1), stored(sizes, shape).slice(1)];
      const stride = stored(steps, shape).slice(1);
      if (stride.every((step) => step === 1))
        return (values, batch) => tf.slice(take(values), [0, ...begin], [batch, ...size]);
      const end = begin.map((first, axis) => {
        return first + ((size[axis] ?? 1) - 1) * (stride[axis] ?? 1) + 1;
      });
      return (values, batch) =>
        tf.stridedSlice(take(values), [0, ...begin], [batch, ...end], [1, ...stride]);
    }
    if (isOp(op, "ann.pad")) {
      const { begin, end } = op.attrs;
      const pads = stored(
        begin.map((first, axis): [number, number] => [first, end[axis] ?? 0]),
        shape,
      );
      return (values) => tf.pad(take(values), pads);
    }
    if (isOp(op, "ann.concat")) {
      const axis = storedAxis(op.attrs.axis, shape);
      return (values) =>
        tf.concat(
          op.inputs.map((value) => taken(values, value)),
          axis,
        );
    }
    if (isOp(op, "ann.transpose")) {
      const perm = storedAxes(shape).map((axis) =>
        storedAxis(known(op.attrs.perm[axis], "an axis"), before),
      );
      if (perm.every((axis, k) => axis === k)) return take;
      return (values) => tf.transpose(take(values), perm);
    }
    if (isOp(op, "ann.reshape")) return this.reshape(op, operand);
    if (isOp(op, "ann.softmax")) return (values) => tf.softmax(take(values), shape.length - 1);
    invariant(false, `${op.kind} is an obstacle`);
  }

  private convolution(op: OpOf<"ann.conv">, operand: ValueId): Step {
    const { tf, module } = this;
    const { strides, padsBegin, padsEnd, dilations, groups } = op.attrs;
    const { shape, data } = tensorAt(module, op.attrs.weight);
    const [out = 1, each = 1, height = 1, width = 1] = shape;
    const isDepthwise = groups > 1;
    // [out, in, kh, kw] becomes [kh, kw, in, out]; by channel [in · m, 1, kh, kw] becomes [kh, kw, in, m].
    const filter = isDepthwise
      ? tf.tensor(transposedData(data, [groups, out / groups, height, width], [2, 3, 0, 1]), [
          height,
          width,
          groups,
          out / groups,
        ])
      : tf.tensor(transposedData(data, shape, [2, 3, 1, 0]), [height, width, each, out]);
    const how = {
      ...{ filter, strides, dilations, pad: imagePads(padsBegin, padsEnd) },
      ...this.biasOf(op),
      activation: this.activationOf(op.result),
    };
    return (values) => {
      const x = taken(values, operand);
      return isDepthwise ? tf.fused.depthwiseConv2d({ ...how, x }) : tf.fused.conv2d({ ...how, x });
    };
  }

  private linear(op: OpOf<"ann.linear">, operand: ValueId): Step {
    const { tf, module } = this;
    const { shape, data } = tensorAt(module, op.attrs.weight);
    const [out = 1, inputs = 1] = shape;
    const image = this.flattenedImage(operand);
    // Inputs in the order in which the image before lies.
    const [, channels = 1, height = 1, width = 1] = image ?? [1, inputs];
    const weights = transposedData(data, [out, channels, height, width], [2, 3, 1, 0]);
    const b = tf.tensor(weights, [inputs, out]);
    const how = { b, ...this.biasOf(op), activation: this.activationOf(op.result) };
    return (values) => tf.fused.matMul({ a: taken(values, operand), ...how });
  }

  private biasOf(op: OpOf<"ann.conv" | "ann.linear">): { readonly bias?: TfTensor } {
    if (op.attrs.bias === null) return {};
    const { data } = tensorAt(this.module, op.attrs.bias);
    return { bias: this.tf.tensor(Float32Array.from(data), [data.length]) };
  }

  /** The rectifier that alone takes a value, where a fused kernel has it. */
  private activationOf(value: ValueId): TfActivation {
    const [next, ...others] = this.behind.get(value) ?? [];
    if (next === undefined || others.length > 0 || isOutput(this.module, value)) return "linear";
    if (isOp(next, "ann.relu")) return "relu";
    return isOp(next, "ann.clip") && next.attrs.min === 0 && next.attrs.max === 6
      ? "relu6"
      : "linear";
  }

  private rectifier(op: OpOf<"ann.relu" | "ann.clip">, operand: ValueId): Step {
    const { tf } = this;
    const before = producerOf(this.module, operand);
    const isFused =
      isOp(before, "ann.conv", "ann.linear") && this.activationOf(operand) !== "linear";
    if (isFused) return (values) => taken(values, operand);
    if (isOp(op, "ann.relu")) return (values) => tf.relu(taken(values, operand));
    const { min, max } = op.attrs;
    return (values) => tf.clipByValue(taken(values, operand), min, max);
  }

  /** The shape of the image that a reshape makes a list of, left as it lies for linear layers alone. */
  private flattenedImage(value: ValueId): Shape | null {
    const op = producerOf(this.module, value);
    if (!isOp(op, "ann.reshape") || op.type.shape.length !== 2) return null;
    const before = operandShape(this.module, op);
    const next = this.behind.get(value) ?? [];
    const only = next.every((each) => isOp(each, "ann.linear")) && !isOutput(this.module, value);
    return before.length === 4 && only ? before : null;
  }

  private reshape(op: OpOf<"ann.reshape">, operand: ValueId): Step {
    const { tf } = this;
    const before = operandShape(this.module, op);
    const { shape } = op.type;
    const staysAsItLies = liesPlain(before) || this.flattenedImage(op.result) !== null;
    return (values, batch) => {
      const given = taken(values, operand);
      const plain = staysAsItLies ? given : tf.transpose(given, [0, 3, 1, 2]);
      if (liesPlain(shape)) return tf.reshape(plain, [batch, ...stored(shape, shape).slice(1)]);
      return tf.transpose(tf.reshape(plain, [batch, ...shape.slice(1)]), [0, 2, 3, 1]);
    };
  }
}

function taken(values: ReadonlyMap<ValueId, TfTensor>, value: ValueId): TfTensor {
  return known(values.get(value), "a value that was computed before");
}

function operandShape(module: Module, op: Op): Shape {
  const [operand] = op.inputs;
  return operand === undefined ? op.type.shape : producerOf(module, operand).type.shape;
}

function imagePads(
  [top = 0, left = 0]: readonly number[],
  [bottom = 0, right = 0]: readonly number[],
): TfPad {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

/** The pads at the ends that windows reach into; TensorFlow.js rounds extents down. */
function padsEndOf(module: Module, op: OpOf<"ann.max-pool" | "ann.average-pool">): number[] {
  const { kernel, strides, padsBegin } = op.attrs;
  const [, , ...image] = operandShape(module, op);
  return op.type.shape.slice(2).map((extent, axis) => {
    const reach = (extent - 1) * (strides[axis] ?? 1) + (kernel[axis] ?? 1);
    return Math.max(0, reach - (image[axis] ?? 0) - (padsBegin[axis] ?? 0));
  });
}

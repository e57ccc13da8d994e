/** Normalisations. Scales and shifts that are constants become attributes, as they are weights. */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";
import { castTo, mapped, reshaped, vectorOf } from "../tensor-math.ts";

/**
 * Whether the statistics are the batch's. Up to opset 6 `is_test` says so, from 14 on
 * `training_mode`; in between it is the number of outputs (7 and 9: "Output case #1: Y, mean, var,
 * saved_mean, saved_var (training mode)"), read or not, and onnxruntime computes so too.
 */
function isTraining(node: NodeContext): boolean {
  const { attributes, opset } = node;
  if (opset < 7) return !attributes.bool("is_test", false);
  if (opset < 14) return node.node.outputs.slice(1).some((name) => name !== "");
  return attributes.bool("training_mode", false);
}

/**
 * BatchNormalization (1; 6; 7 drops is_test; 9 drops spatial; 14 adds training_mode; 15) with
 * stored statistics. Outputs after the first exist in training only.
 */
export function BatchNormalization(node: NodeContext): ValueId {
  const { attributes } = node;
  attributes.ignore("momentum", "consumed_inputs");
  if (isTraining(node) || [1, 2, 3, 4].some((output) => node.wants(output))) {
    const help = "export in inference mode: model.eval() before torch.onnx.export";
    node.refuse("it is in training mode, where the statistics are the batch's", help);
  }
  const x = node.value(0);
  const { dtype, shape } = node.type(x);
  const epsilon = attributes.float("epsilon", 1e-5);
  const perElement = node.opset < 9 && !attributes.bool("spatial", true);
  const parameter = (index: number, name: string): Tensor =>
    castTo(node.weight(index, name), dtype);
  const [scale, bias] = [parameter(1, "scale"), parameter(2, "B")];
  const [mean, variance] = [parameter(3, "mean"), parameter(4, "var")];
  if (perElement) {
    const at = (tensor: Tensor, i: number): number => tensor.data[i] ?? 0;
    const factor = mapped(scale, (s, i) => s / Math.sqrt(at(variance, i) + epsilon));
    const shift = mapped(bias, (b, i) => b - at(mean, i) * at(factor, i));
    const trailing = shape.slice(1);
    return node.add("ann.affine", [x], {
      scale: node.namedTensor("scale", reshaped(factor, trailing)),
      shift: node.namedTensor("shift", reshaped(shift, trailing)),
    });
  }
  const channels = shape[1] ?? 0;
  for (const tensor of [scale, bias, mean, variance]) {
    if (elementCount(tensor.shape) === channels && tensor.shape.length === 1) continue;
    const due = channels === 1 ? "1 channel" : `${channels} channels`;
    node.invalid(`a parameter of shape [${tensor.shape.join(", ")}] for ${due}`);
  }
  return node.add("ann.batchnorm", [x], {
    scale: node.tensor(1, scale),
    bias: node.tensor(2, bias),
    mean: node.tensor(3, mean),
    variance: node.tensor(4, variance),
    epsilon,
  });
}

/** InstanceNormalization (1, 6, 22): a group of each channel. */
function InstanceNormalization(node: NodeContext): ValueId {
  node.attributes.ignore("consumed_inputs");
  const x = node.value(0);
  return node.add("ann.groupnorm", [x], {
    groups: node.shape(x)[1] ?? 0,
    epsilon: node.attributes.float("epsilon", 1e-5),
    scale: node.tensor(1, node.weight(1, "scale")),
    bias: node.tensor(2, node.weight(2, "B")),
  });
}

/** GroupNormalization (18 with a scale per group; 21 with one per channel). */
function GroupNormalization(node: NodeContext): ValueId {
  node.attributes.ignore("stash_type");
  const x = node.value(0);
  const channels = node.shape(x)[1] ?? 0;
  const groups = node.attributes.int("num_groups", 0);
  if (!(groups >= 1) || channels % groups !== 0) {
    node.invalid(`num_groups is ${groups} for ${channels} channels`);
  }
  const perChannel = (index: number, name: string): Tensor => {
    const tensor = node.weight(index, name);
    if (tensor.data.length === channels) return tensor;
    if (tensor.data.length !== groups) {
      node.invalid(`${name} has ${tensor.data.length} elements for ${channels} channels`);
    }
    node.spend(channels);
    const size = channels / groups;
    return mapped(
      vectorOf({ ...tensor, shape: [1], data: tensor.data.slice(0, 1) }, channels),
      (_, i) => tensor.data[Math.floor(i / size)] ?? 0,
    );
  };
  return node.add("ann.groupnorm", [x], {
    groups,
    epsilon: node.attributes.float("epsilon", 1e-5),
    scale: node.tensor(1, perChannel(1, "scale")),
    bias: node.tensor(2, perChannel(2, "bias")),
  });
}

/** Axes from `axis` on. */
function axesFrom(axis: number, rank: number): readonly number[] {
  return Array.from({ length: rank - axis }, (_, i) => axis + i);
}

/**
 * LayerNormalization (17). The mean and the inverse deviation, its other outputs, are composed
 * from reductions where something reads them.
 */
function LayerNormalization(node: NodeContext): readonly (ValueId | null)[] {
  node.attributes.ignore("stash_type");
  const x = node.value(0);
  const { dtype, shape } = node.type(x);
  const rank = shape.length;
  const axis = node.axis(node.attributes.int("axis", -1), rank);
  const epsilon = node.attributes.float("epsilon", 1e-5);
  const isStatic = (index: number): boolean => !node.has(index) || node.isConstant(index);
  let y: ValueId;
  if (isStatic(1) && isStatic(2)) {
    y = node.add("ann.layernorm", [x], {
      axis,
      epsilon,
      scale: node.has(1) ? node.tensor(1, node.weight(1, "Scale")) : null,
      bias: node.has(2) ? node.tensor(2, node.weight(2, "B")) : null,
    });
  } else {
    y = node.add("ann.layernorm", [x], { axis, epsilon, scale: null, bias: null });
    y = node.add("ann.mul", [y, node.value(1)], {});
    if (node.has(2)) y = node.add("ann.add", [y, node.value(2)], {});
  }
  if (!node.wants(1) && !node.wants(2)) return [y, null, null];
  const axes = axesFrom(axis, rank);
  const mean = node.add("ann.reduce-mean", [x], { axes, keepDims: true });
  const centred = node.add("ann.sub", [x, mean], {});
  const squares = node.add("ann.mul", [centred, centred], {});
  const variance = node.add("ann.reduce-mean", [squares], { axes, keepDims: true });
  const shifted = node.add("ann.add", [variance, node.number(dtype, epsilon)], {});
  const deviation = node.add("ann.sqrt", [shifted], {});
  return [y, mean, node.add("ann.reciprocal", [deviation], {})];
}

/** RMSNormalization (23): x / √(mean(x²) + epsilon) · scale. */
function RMSNormalization(node: NodeContext): ValueId {
  node.attributes.ignore("stash_type");
  const x = node.value(0);
  const { dtype, shape } = node.type(x);
  const axis = node.axis(node.attributes.int("axis", -1), shape.length);
  const epsilon = node.attributes.float("epsilon", 1e-5);
  const squares = node.add("ann.mul", [x, x], {});
  const axes = axesFrom(axis, shape.length);
  const mean = node.add("ann.reduce-mean", [squares], { axes, keepDims: true });
  const shifted = node.add("ann.add", [mean, node.number(dtype, epsilon)], {});
  const normalised = node.add("ann.div", [x, node.add("ann.sqrt", [shifted], {})], {});
  return node.add("ann.mul", [normalised, node.value(1)], {});
}

/** LRN (1, 13). */
function LRN(node: NodeContext): ValueId {
  return node.add("ann.lrn", [node.value(0)], {
    size: node.attributes.int("size", 0),
    alpha: node.attributes.float("alpha", 1e-4),
    beta: node.attributes.float("beta", 0.75),
    bias: node.attributes.float("bias", 1),
  });
}

/** MeanVarianceNormalization (9, 13): (x − E x) / (√(E x² − (E x)²) + 1e-9). */
function MeanVarianceNormalization(node: NodeContext): ValueId {
  const x = node.value(0);
  const { dtype, shape } = node.type(x);
  const axes = node.axes(node.attributes.ints("axes") ?? [0, 2, 3], shape.length);
  const attrs = { axes, keepDims: true };
  const mean = node.add("ann.reduce-mean", [x], attrs);
  const meanOfSquares = node.add("ann.reduce-mean", [node.add("ann.mul", [x, x], {})], attrs);
  const variance = node.add("ann.sub", [meanOfSquares, node.add("ann.mul", [mean, mean], {})], {});
  const deviation = node.add("ann.sqrt", [variance], {});
  const guarded = node.add("ann.add", [deviation, node.number(dtype, 1e-9)], {});
  return node.add("ann.div", [node.add("ann.sub", [x, mean], {}), guarded], {});
}

/** LpNormalization (1, 22): x divided by its norm along an axis. */
function LpNormalization(node: NodeContext): ValueId {
  const x = node.value(0);
  const axis = node.axis(node.attributes.int("axis", -1), node.shape(x).length);
  const p = node.attributes.int("p", 2);
  if (p !== 1 && p !== 2) node.invalid(`p is ${p}, not 1 or 2`);
  const kind = p === 1 ? "ann.reduce-l1" : "ann.reduce-l2";
  return node.add("ann.div", [x, node.add(kind, [x], { axes: [axis], keepDims: true })], {});
}

export const normalisationOperators: readonly OnnxOperator[] = [
  operator("BatchNormalization", [1, 6, 7, 9, 14, 15], 5, BatchNormalization),
  operator("GroupNormalization", [18, 21], 3, GroupNormalization),
  operator("InstanceNormalization", [1, 6, 22], 3, InstanceNormalization),
  operator("LRN", [1, 13], 1, LRN),
  operator("LayerNormalization", [17], [2, 3], LayerNormalization),
  operator("LpNormalization", [1, 22], 1, LpNormalization),
  operator("MeanVarianceNormalization", [9, 13], 1, MeanVarianceNormalization),
  operator("RMSNormalization", [23], 2, RMSNormalization),
];

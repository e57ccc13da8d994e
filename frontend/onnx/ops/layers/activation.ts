/** Activations and the softmax family. */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import { broadcastsTo, elementCount } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";
import { unary } from "../arithmetic.ts";
import { reshaped } from "../tensor-math.ts";

type AlphaKind = "ann.leaky-relu" | "ann.elu" | "ann.celu" | "ann.swish" | "ann.thresholded-relu";

/** An activation whose one parameter is called alpha. */
function withAlpha(kind: AlphaKind, absent: number): (node: NodeContext) => ValueId {
  return (node) => {
    if (node.opset < 6) node.attributes.ignore("consumed_inputs");
    return node.add(kind, [node.value(0)], { alpha: node.attributes.float("alpha", absent) });
  };
}

/** HardSigmoid (1, 6, 22): clip(alpha · x + beta, 0, 1). */
function HardSigmoid(node: NodeContext): ValueId {
  node.attributes.ignore("consumed_inputs");
  return node.add("ann.hard-sigmoid", [node.value(0)], {
    alpha: node.attributes.float("alpha", 0.2),
    beta: node.attributes.float("beta", 0.5),
  });
}

/** Selu (1, 6, 22): the constants of Klambauer et al. 2017, given fewer digits in opset 1. */
function Selu(node: NodeContext): ValueId {
  node.attributes.ignore("consumed_inputs");
  const [alpha, gamma] =
    node.opset < 6 ? [1.6732, 1.0507] : [1.67326319217681884765625, 1.05070102214813232421875];
  return node.add("ann.selu", [node.value(0)], {
    alpha: node.attributes.float("alpha", alpha),
    gamma: node.attributes.float("gamma", gamma),
  });
}

/** Shrink (9). */
function Shrink(node: NodeContext): ValueId {
  return node.add("ann.shrink", [node.value(0)], {
    bias: node.attributes.float("bias", 0),
    lambda: node.attributes.float("lambd", 0.5),
  });
}

/** Gelu (20). */
function Gelu(node: NodeContext): ValueId {
  const approximate = node.attributes.string("approximate", "none");
  return node.add("ann.gelu", [node.value(0)], {
    approximate: node.oneOf("approximate", approximate, ["none", "tanh"]),
  });
}

/** PRelu (1, 6; 7 broadcasts like NumPy; 9, 16). Before 7 the slopes lie along axis 1. */
function PRelu(node: NodeContext): ValueId {
  node.attributes.ignore("consumed_inputs");
  const x = node.value(0);
  const slope = node.weight(1, "slope");
  const { shape } = node.type(x);
  const perChannel = node.opset < 7 && slope.data.length > 1 && slope.data.length === shape[1];
  const trailing = new Array<number>(Math.max(0, shape.length - 2)).fill(1);
  const aligned = perChannel ? reshaped(slope, [slope.data.length, ...trailing]) : slope;
  if (!broadcastsTo(aligned.shape, shape)) {
    node.invalid(
      `its slope of shape [${slope.shape.join(", ")}] does not broadcast to [${shape.join(", ")}]`,
    );
  }
  return node.add("ann.prelu", [x], { slope: node.tensor(1, aligned) });
}

/**
 * SoftLif of domain snnc (1): the rate of leaky integrate-and-fire neurons, for networks that were
 * trained with it. Times in seconds.
 */
function SoftLif(node: NodeContext): ValueId {
  return node.add("ann.soft-lif", [node.value(0)], {
    tauRc: node.attributes.float("tau_rc", 0.02),
    tauRef: node.attributes.float("tau_ref", 0.002),
    sigma: node.attributes.float("sigma", 0.02),
    amplitude: node.attributes.float("amplitude", 0.01),
  });
}

type SoftmaxKind = "ann.softmax" | "ann.log-softmax" | "ann.hardmax";

/**
 * Softmax, LogSoftmax, Hardmax (1, 11, 13). From 13 along one axis, the last by default; before,
 * over all axes from `axis` (1 by default) on, taken as one.
 */
function softmax(kind: SoftmaxKind): (node: NodeContext) => ValueId {
  return (node) => {
    const x = node.value(0);
    const { shape } = node.type(x);
    const rank = shape.length;
    if (node.opset >= 13) {
      return node.add(kind, [x], { axis: node.axis(node.attributes.int("axis", -1), rank) });
    }
    const axis = node.axis(node.attributes.int("axis", 1), rank, true);
    if (axis === rank - 1) return node.add(kind, [x], { axis });
    const flat = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))];
    const rows = node.add("ann.reshape", [x], { shape: flat });
    return node.add("ann.reshape", [node.add(kind, [rows], { axis: 1 })], { shape });
  };
}

export const activationOperators: readonly OnnxOperator[] = [
  operator("Celu", [12], 1, withAlpha("ann.celu", 1)),
  operator("Elu", [1, 6, 22], 1, withAlpha("ann.elu", 1)),
  operator("Gelu", [20], 1, Gelu),
  operator("HardSigmoid", [1, 6, 22], 1, HardSigmoid),
  operator("HardSwish", [14, 22], 1, unary("hard-swish")),
  operator("Hardmax", [1, 11, 13], 1, softmax("ann.hardmax")),
  operator("LeakyRelu", [1, 6, 16], 1, withAlpha("ann.leaky-relu", 0.01)),
  operator("LogSoftmax", [1, 11, 13], 1, softmax("ann.log-softmax")),
  operator("Mish", [18, 22], 1, unary("mish")),
  operator("PRelu", [1, 6, 7, 9, 16], 2, PRelu),
  operator("Relu", [1, 6, 13, 14], 1, unary("relu")),
  operator("Selu", [1, 6, 22], 1, Selu),
  operator("Shrink", [9], 1, Shrink),
  operator("Sigmoid", [1, 6, 13], 1, unary("sigmoid")),
  operator("Softmax", [1, 11, 13], 1, softmax("ann.softmax")),
  operator("Softplus", [1, 22], 1, unary("softplus")),
  operator("Softsign", [1, 22], 1, unary("softsign")),
  operator("Swish", [24], 1, withAlpha("ann.swish", 1)),
  operator("Tanh", [1, 6, 13], 1, unary("tanh")),
  operator("ThresholdedRelu", [10, 22], 1, withAlpha("ann.thresholded-relu", 1)),
];

/** Of domain snnc. */
export const ownActivationOperators: readonly OnnxOperator[] = [
  operator("SoftLif", [1], 1, SoftLif),
];

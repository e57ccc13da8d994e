/**
 * Conv and ConvTranspose. Weights are attributes in the IR, so they must be constants.
 */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import type { Tensor, TensorRef } from "../../../../ir/tensor.ts";
import type { NodeContext } from "../../context.ts";
import { readWindow, spatialOf } from "./windows.ts";

/** The bias, where there is one, as a tensor of the module. */
function biasOf(node: NodeContext): TensorRef | null {
  return node.has(2) ? node.tensor(2, node.weight(2, "B")) : null;
}

/** The kernel's extents: those of a weight [out, in / groups, …kernel]. */
function kernelOf(node: NodeContext, weight: Tensor, axes: number): readonly number[] {
  if (weight.shape.length !== axes + 2) {
    node.invalid(
      `its weight has shape [${weight.shape.join(", ")}], but its input has ${axes + 2} axes`,
    );
  }
  return weight.shape.slice(2);
}

/** Conv (1; 11 defaults strides; 22 adds bfloat16). Y = W ⋆ X + B, correlation with zero padding. */
export function Conv(node: NodeContext): ValueId {
  const x = node.value(0);
  const weight = node.weight(1, "W");
  const spatial = spatialOf(node, node.shape(x));
  const window = readWindow(node, spatial, kernelOf(node, weight, spatial.length));
  return node.add("ann.conv", [x], {
    strides: window.strides,
    padsBegin: window.padsBegin,
    padsEnd: window.padsEnd,
    dilations: window.dilations,
    weight: node.tensor(1, weight),
    bias: biasOf(node),
    groups: node.attributes.int("group", 1),
  });
}

/**
 * ConvTranspose (1, 11, 22). Where output_shape is given (or auto_pad asks for extent · stride)
 * the padding follows from it; where even no padding is too little, the output grows at its end.
 */
function ConvTranspose(node: NodeContext): ValueId {
  const x = node.value(0);
  const weight = node.weight(1, "W");
  const spatial = spatialOf(node, node.shape(x));
  const axes = spatial.length;
  const window = readWindow(node, spatial, kernelOf(node, weight, axes), true);
  const { strides, dilations, kernel, autoPad } = window;
  const padsBegin = [...window.padsBegin];
  const padsEnd = [...window.padsEnd];
  const outputPadding = [
    ...(node.attributes.ints("output_padding") ?? new Array<number>(axes).fill(0)),
  ];
  const outputShape = node.attributes.ints("output_shape");
  const same = autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER";
  if (outputShape !== null || same) {
    // Some exporters give the whole shape instead of the spatial one.
    const wanted =
      outputShape?.slice(-axes) ?? spatial.map((extent, axis) => extent * (strides[axis] ?? 1));
    if (wanted.length !== axes) {
      node.invalid(`output_shape has ${wanted.length} numbers for ${axes} spatial axes`);
    }
    spatial.forEach((extent, axis) => {
      const reach = (dilations[axis] ?? 1) * ((kernel[axis] ?? 1) - 1) + 1;
      const extra = outputPadding[axis] ?? 0;
      const total = (strides[axis] ?? 1) * (extent - 1) + extra + reach - (wanted[axis] ?? 0);
      const half = Math.floor(Math.max(0, total) / 2);
      padsBegin[axis] = autoPad === "SAME_UPPER" ? half : Math.max(0, total) - half;
      padsEnd[axis] = Math.max(0, total) - (padsBegin[axis] ?? 0);
      outputPadding[axis] = extra + Math.max(0, -total);
    });
  }
  return node.add("ann.conv-transpose", [x], {
    strides,
    padsBegin,
    padsEnd,
    dilations,
    weight: node.tensor(1, weight),
    bias: biasOf(node),
    groups: node.attributes.int("group", 1),
    outputPadding,
  });
}

export const convolutionOperators: readonly OnnxOperator[] = [
  operator("Conv", [1, 11, 22], [2, 3], Conv),
  operator("ConvTranspose", [1, 11, 22], [2, 3], ConvTranspose),
];

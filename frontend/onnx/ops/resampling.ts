/** Pad, Resize and Upsample. */
import { type OnnxOperator, operator } from "../operator.ts";
import type { OpAttrs, ValueId } from "../../../ir/op/op.ts";
import type { Shape } from "../../../ir/type.ts";
import type { NodeContext } from "../context.ts";
import { unbatched } from "./rebatch.ts";

/**
 * Pad (1, 2 by attributes; 11, 13 by inputs; 18 axes; 19 wrap; 21, 23). Pads are all the begins,
 * then all the ends; negative ones crop.
 */
function Pad(node: NodeContext): ValueId {
  const x = node.value(0);
  const { shape } = node.type(x);
  const rank = shape.length;
  const mode = node.oneOf("mode", node.attributes.string("mode", "constant"), [
    "constant",
    "reflect",
    "edge",
    "wrap",
  ]);
  const byInput = node.opset >= 11;
  const given = byInput
    ? node.ints(1, "pads")
    : (node.attributes.ints(node.opset < 2 ? "paddings" : "pads") ?? node.invalid("no pads"));
  const axes =
    byInput && node.has(3)
      ? node.ints(3, "axes").map((axis) => node.axis(axis, rank))
      : shape.map((_, axis) => axis);
  if (given.length !== 2 * axes.length) {
    node.invalid(`it has ${given.length} pads for ${axes.length} axes`);
  }
  const begin = shape.map(() => 0);
  const end = shape.map(() => 0);
  axes.forEach((axis, i) => {
    begin[axis] = given[i] ?? 0;
    end[axis] = given[i + axes.length] ?? 0;
  });
  let value = 0;
  if (!byInput) value = node.attributes.float("value", 0);
  else if (node.has(2)) value = node.scalar(2, "constant_value");
  node.checkSize(shape.map((extent, axis) => extent + (begin[axis] ?? 0) + (end[axis] ?? 0)));
  return node.add("ann.pad", [x], { begin, end, mode, value });
}

type ResizeAttrs = OpAttrs["ann.resize"];

/** Sizes and scales of each axis from what a Resize node gives for some of them. */
interface Resolution {
  readonly sizes: Shape;
  readonly scales: readonly number[];
}

function fromScales(shape: Shape, axes: readonly number[], given: readonly number[]): Resolution {
  const scales = shape.map(() => 1);
  axes.forEach((axis, i) => {
    scales[axis] = given[i] ?? 1;
  });
  return { scales, sizes: shape.map((extent, axis) => Math.floor(extent * (scales[axis] ?? 1))) };
}

function fromSizes(
  shape: Shape,
  axes: readonly number[],
  given: readonly number[],
  policy: "stretch" | "not_larger" | "not_smaller",
): Resolution {
  const sizes = [...shape];
  const scales = shape.map(() => 1);
  const ratios = axes.map((axis, i) => (given[i] ?? 1) / (shape[axis] ?? 1));
  const common = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  axes.forEach((axis, i) => {
    const extent = shape[axis] ?? 1;
    // Halves round up here, as the specification's reference does.
    sizes[axis] = policy === "stretch" ? (given[i] ?? 1) : Math.floor(extent * common + 0.5);
    scales[axis] = policy === "stretch" ? (ratios[i] ?? 1) : common;
  });
  return { sizes, scales };
}

function addResize(node: NodeContext, x: ValueId, attrs: ResizeAttrs): ValueId {
  if (attrs.sizes.some((extent) => !(extent >= 0))) {
    node.invalid(`it makes the shape [${attrs.sizes.join(", ")}]`);
  }
  node.checkSize(attrs.sizes);
  return node.add("ann.resize", [x], attrs);
}

/** What Upsample, and Resize in opset 10, mean: pixels at their corners, rounded down. */
function plainResize(node: NodeContext, x: ValueId, given: readonly number[]): ValueId {
  const { shape } = node.type(x);
  if (given.length !== shape.length) {
    node.invalid(`it has ${given.length} scales for ${shape.length} axes`);
  }
  const mode = node.oneOf("mode", node.attributes.string("mode", "nearest"), [
    "nearest",
    "linear",
    "bilinear",
  ]);
  const axes = shape.map((_, axis) => axis);
  return addResize(node, x, {
    ...fromScales(shape, axes, given),
    mode: mode === "nearest" ? mode : "linear",
    coordinates: "asymmetric",
    nearest: "floor",
    cubicCoefficient: -0.75,
    excludeOutside: false,
    extrapolation: 0,
    antialias: false,
    roi: [],
  });
}

/** Upsample (1 height_scale and width_scale; 7 scales; 9 by input; gone in 10). */
function Upsample(node: NodeContext): ValueId {
  const x = node.value(0);
  if (node.opset >= 9) return plainResize(node, x, [...node.constant(1, "scales").data]);
  const scales = node.attributes.floats("scales") ?? [
    1,
    1,
    node.attributes.float("height_scale", 1),
    node.attributes.float("width_scale", 1),
  ];
  return plainResize(node, x, scales);
}

/**
 * tf_half_pixel_for_nn (11 to 13) is half_pixel without the half taken off again; rounding that is
 * rounding half_pixel's coordinate in another way.
 */
function shiftedRounding(
  node: NodeContext,
  nearest: ResizeAttrs["nearest"],
): ResizeAttrs["nearest"] {
  if (nearest === "floor") return "round_prefer_ceil";
  if (nearest === "round_prefer_floor") return "ceil";
  return node.refuse(`it combines tf_half_pixel_for_nn and ${nearest}`, "use half_pixel");
}

/** An optional static input; an empty tensor counts as absent. */
function listInput(node: NodeContext, index: number, name: string): readonly number[] | null {
  if (!node.has(index)) return null;
  const { data } = node.constant(index, name);
  return data.length === 0 ? null : [...data];
}

/** Resize (10 as Upsample; 11, 13; 18 antialias, axes, keep_aspect_ratio_policy; 19). */
function Resize(node: NodeContext): ValueId {
  const x = node.value(0);
  if (node.opset < 11) return plainResize(node, x, [...node.constant(1, "scales").data]);
  const { shape } = node.type(x);
  const rank = shape.length;
  const { attributes } = node;
  const declared = node.oneOf(
    "coordinate_transformation_mode",
    attributes.string("coordinate_transformation_mode", "half_pixel"),
    [
      "half_pixel",
      "half_pixel_symmetric",
      "pytorch_half_pixel",
      "align_corners",
      "asymmetric",
      "tf_crop_and_resize",
      "tf_half_pixel_for_nn",
    ],
  );
  const nearestMode = node.oneOf(
    "nearest_mode",
    attributes.string("nearest_mode", "round_prefer_floor"),
    ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"],
  );
  const [coordinates, nearest] =
    declared === "tf_half_pixel_for_nn"
      ? (["half_pixel", shiftedRounding(node, nearestMode)] as const)
      : [declared, nearestMode];
  const mode = attributes.string("mode", "nearest");
  const policy = node.oneOf(
    "keep_aspect_ratio_policy",
    attributes.string("keep_aspect_ratio_policy", "stretch"),
    ["stretch", "not_larger", "not_smaller"],
  );
  const axes = (attributes.ints("axes") ?? shape.map((_, axis) => axis)).map((axis) =>
    node.axis(axis, rank),
  );
  const scales = listInput(node, 2, "scales");
  const sizes = listInput(node, 3, "sizes");
  const given = sizes ?? scales ?? node.invalid("it has neither scales nor sizes");
  if (given.length !== axes.length) {
    node.invalid(`it has ${given.length} scales or sizes for ${axes.length} axes`);
  }
  const resolution =
    sizes === null
      ? fromScales(shape, axes, given)
      : fromSizes(shape, axes, resizedBatch(node, axes, sizes), policy);
  return addResize(node, x, {
    ...resolution,
    mode: node.oneOf("mode", mode, ["nearest", "linear", "cubic"]),
    coordinates,
    nearest,
    cubicCoefficient: attributes.float("cubic_coeff_a", -0.75),
    excludeOutside: attributes.bool("exclude_outside", false),
    extrapolation: attributes.float("extrapolation_value", 0),
    antialias: attributes.bool("antialias", false),
    roi: coordinates === "tf_crop_and_resize" ? regionOf(node, axes, rank) : [],
  });
}

function resizedBatch(
  node: NodeContext,
  axes: readonly number[],
  sizes: readonly number[],
): readonly number[] {
  return axes[0] === 0
    ? unbatched(node, "the sizes of Resize", sizes, (_, axis) => axis === 0)
    : sizes;
}

/** The region of interest: starts, then ends; 0 to 1 on axes that are not named. */
function regionOf(node: NodeContext, axes: readonly number[], rank: number): readonly number[] {
  const given = listInput(node, 1, "roi") ?? node.invalid("its roi is missing");
  if (given.length !== 2 * axes.length) {
    node.invalid(`its roi has ${given.length} numbers for ${axes.length} axes`);
  }
  const region = Array.from({ length: 2 * rank }, (_, i): number => (i < rank ? 0 : 1));
  axes.forEach((axis, i) => {
    region[axis] = given[i] ?? 0;
    region[axis + rank] = given[i + axes.length] ?? 1;
  });
  return region;
}

export const resamplingOperators: readonly OnnxOperator[] = [
  operator("Pad", [1, 2, 11, 13, 18, 19, 21], [1, 4], Pad),
  operator("Resize", [10, 11, 13, 18, 19], [1, 4], Resize),
  operator("Upsample", [1, 7, 9, 10], [1, 2], Upsample),
];

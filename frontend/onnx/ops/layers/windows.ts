/**
 * The sliding window that Conv, ConvTranspose and the pools share: kernel_shape, strides,
 * dilations, pads and auto_pad, resolved against the spatial extents at hand.
 */
import type { WindowAttrs } from "../../../../ir/op/op.ts";
import type { Shape } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";

export type AutoPad = "NOTSET" | "SAME_UPPER" | "SAME_LOWER" | "VALID";

export interface Window extends WindowAttrs {
  readonly kernel: readonly number[];
  readonly autoPad: AutoPad;
}

/**
 * A window may not be wider than this, nor may its padding: real ones are below a thousand, and
 * checking a window costs time in proportion to its width.
 */
const widestWindow = 2 ** 20;

/** Positions of a window along one axis times its width, at most: they are gone through one by one. */
const mostTaps = 2 ** 26;

/** A list attribute with one number per spatial axis. */
function perAxis(
  node: NodeContext,
  name: string,
  axes: number,
  absent: number,
  least: number,
): readonly number[] {
  const values = node.attributes.ints(name) ?? new Array<number>(axes).fill(absent);
  if (values.length !== axes) {
    node.invalid(`${name} has ${values.length} numbers for ${axes} spatial axes`);
  }
  const wrong = values.find((value) => !(value >= least && value <= widestWindow));
  if (wrong !== undefined) node.invalid(`${name} holds ${wrong}`);
  return values;
}

/**
 * Reads the window of a node whose input has these spatial extents. `kernel` is the weight's,
 * or null where kernel_shape must say it. With `transposed`, auto_pad is left to the caller.
 */
export function readWindow(
  node: NodeContext,
  spatial: Shape,
  kernel: Shape | null,
  transposed = false,
): Window {
  const axes = spatial.length;
  const declared = node.attributes.ints("kernel_shape");
  const shape = declared ?? kernel;
  if (shape === null) return node.invalid("its attribute kernel_shape is missing");
  if (shape.length !== axes || (kernel !== null && shape.join() !== kernel.join())) {
    node.invalid(
      `kernel_shape is [${shape.join(", ")}] for ${axes} spatial axes` +
        (kernel === null ? "" : ` and a weight of extents [${kernel.join(", ")}]`),
    );
  }
  const wrong = shape.find((extent) => !(extent >= 1 && extent <= widestWindow));
  if (wrong !== undefined) node.invalid(`kernel_shape holds ${wrong}`);
  const strides = perAxis(node, "strides", axes, 1, 1);
  const dilations = perAxis(node, "dilations", axes, 1, 1);
  const autoPad = node.oneOf("auto_pad", node.attributes.string("auto_pad", "NOTSET"), [
    "NOTSET",
    "SAME_UPPER",
    "SAME_LOWER",
    "VALID",
  ]);
  const pads = perAxis2(node, axes);
  let padsBegin = pads.slice(0, axes);
  let padsEnd = pads.slice(axes);
  if (autoPad !== "NOTSET") {
    padsBegin = new Array<number>(axes).fill(0);
    padsEnd = new Array<number>(axes).fill(0);
  }
  if (!transposed && (autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER")) {
    spatial.forEach((extent, axis) => {
      const stride = strides[axis] ?? 1;
      const reach = (dilations[axis] ?? 1) * ((shape[axis] ?? 1) - 1) + 1;
      const out = Math.ceil(extent / stride);
      const total = Math.max(0, (out - 1) * stride + reach - extent);
      const small = Math.floor(total / 2);
      padsBegin[axis] = autoPad === "SAME_UPPER" ? small : total - small;
      padsEnd[axis] = autoPad === "SAME_UPPER" ? total - small : small;
    });
  }
  spatial.forEach((extent, axis) => {
    const room = extent + (padsBegin[axis] ?? 0) + (padsEnd[axis] ?? 0);
    if ((room / (strides[axis] ?? 1)) * (shape[axis] ?? 1) > mostTaps) {
      node.refuse(`its window over axis ${axis + 2} is too large`, "use a smaller window or input");
    }
  });
  return { kernel: shape, strides, dilations, padsBegin, padsEnd, autoPad };
}

function perAxis2(node: NodeContext, axes: number): number[] {
  const pads = node.attributes.ints("pads") ?? new Array<number>(2 * axes).fill(0);
  if (pads.length !== 2 * axes) {
    node.invalid(`pads has ${pads.length} numbers for ${axes} spatial axes`);
  }
  const wrong = pads.find((value) => !(value >= 0 && value <= widestWindow));
  if (wrong !== undefined) {
    if (wrong < 0) node.refuse(`pads holds ${wrong}`, "crop with Slice before the operator");
    node.invalid(`pads holds ${wrong}`);
  }
  return [...pads];
}

/** The spatial extents of an image-like value, or an error where it has none. */
export function spatialOf(node: NodeContext, shape: Shape): Shape {
  const axes = shape.length - 2;
  if (axes < 1) node.invalid(`its input has ${shape.length} axes, and no spatial one`);
  if (axes > 3) {
    node.refuse(`it works on ${axes} spatial axes`, "up to 3 spatial axes are supported");
  }
  return shape.slice(2);
}

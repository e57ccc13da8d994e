/**
 * The extents of a sliding window over one or two spatial axes, flattened into plain numbers for
 * inner loops. One spatial axis counts as a height of 1.
 */
import type { WindowAttrs } from "../../../ir/op/op.ts";
import type { Shape } from "../../../ir/type.ts";

export interface Geometry {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly dilationY: number;
  readonly dilationX: number;
}

/** The geometry of a window op from [1, C, …] to [1, O, …]; null unless 1 or 2 spatial axes. */
export function windowGeometry(
  attrs: WindowAttrs,
  kernel: readonly number[],
  input: Shape,
  output: Shape,
): Geometry | null {
  const flat = input.length === 3;
  if ((!flat && input.length !== 4) || input[0] !== 1) return null;
  const y = (list: readonly number[], missing: number): number =>
    flat ? missing : (list[0] ?? missing);
  const x = (list: readonly number[], missing: number): number => list[flat ? 0 : 1] ?? missing;
  const inSpace = input.slice(2);
  const outSpace = output.slice(2);
  return {
    channels: input[1] ?? 1,
    height: y(inSpace, 1),
    width: x(inSpace, 1),
    outChannels: output[1] ?? 1,
    outHeight: y(outSpace, 1),
    outWidth: x(outSpace, 1),
    kernelHeight: y(kernel, 1),
    kernelWidth: x(kernel, 1),
    strideY: y(attrs.strides, 1),
    strideX: x(attrs.strides, 1),
    padTop: y(attrs.padsBegin, 0),
    padLeft: x(attrs.padsBegin, 0),
    dilationY: y(attrs.dilations, 1),
    dilationX: x(attrs.dilations, 1),
  };
}

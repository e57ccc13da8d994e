/** A convolution, straight or transposed, as loops see it: extents, strides in memory, and windows by axis. */
import { known } from "../../../../ir/diagnostic.ts";
import { type AxisWindow, windowsOf } from "../../../../ir/analysis/window.ts";
import { type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { stridedIndices } from "../../../../ir/semantics/semantics.ts";
import { elementCount, stridesOf } from "../../../../ir/type.ts";
import { type Code, loop, scaled, sumOf } from "../../text/code.ts";
import type { View } from "../views.ts";

export type Convolution = OpOf<"ann.conv" | "ann.conv-transpose">;

/** One spatial axis. */
export interface Axis {
  /** The letter that its indices are called by: z, y or x. */
  readonly letter: string;
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
  /** Elements from one index to the next, of the operand and of the result. */
  readonly inputStep: number;
  readonly outputStep: number;
}

export interface Geometry {
  readonly isTransposed: boolean;
  readonly batch: number;
  readonly groups: number;
  /** Channels of the operand and of the result within a group. */
  readonly inputs: number;
  readonly outputs: number;
  readonly axes: readonly Axis[];
  readonly taps: number;
  readonly input: View;
  readonly output: View;
}

export function isConvolution(op: Op): op is Convolution {
  return isOp(op, "ann.conv", "ann.conv-transpose");
}

/** The spatial axes of windows that slide over `input` and make `output`. */
export function axesOf(windows: readonly AxisWindow[], input: View, output: View): readonly Axis[] {
  const letters = ["z", "y", "x"].slice(3 - windows.length);
  return windows.map((window, i): Axis => ({
    letter: letters[i] ?? "x",
    input: known(input.shape[i + 2], "an extent"),
    output: known(output.shape[i + 2], "an extent"),
    kernel: window.kernel,
    stride: window.stride,
    dilation: window.dilation,
    pad: window.padBegin,
    inputStep: input.strides[i + 2] ?? 0,
    outputStep: output.strides[i + 2] ?? 0,
  }));
}

export function geometryOf(op: Convolution, weight: Tensor, input: View, output: View): Geometry {
  const [batch = 1, channels = 1] = input.shape;
  const [, results = 1] = output.shape;
  const kernel = weight.shape.slice(2);
  const { groups } = op.attrs;
  return {
    isTransposed: op.kind === "ann.conv-transpose",
    batch,
    groups,
    inputs: channels / groups,
    outputs: results / groups,
    axes: axesOf(windowsOf(op.attrs, kernel, input.shape.length), input, output),
    taps: elementCount(kernel),
    input,
    output,
  };
}

/** Where in the weight tensor each weight is, in the order group, tap, input, output. */
export function byInput(geometry: Geometry): Int32Array {
  const { groups, inputs, outputs, taps, isTransposed } = geometry;
  // Straight: [group, output, input, tap]; transposed: [group, input, output, tap].
  const strides = isTransposed
    ? [inputs * outputs * taps, 1, outputs * taps, taps]
    : [outputs * inputs * taps, 1, taps, inputs * taps];
  return stridedIndices([groups, taps, inputs, outputs], strides);
}

/** The same in the order group, output, tap, input. */
export function byOutput(geometry: Geometry): Int32Array {
  const { groups, inputs, outputs, taps, isTransposed } = geometry;
  const strides = isTransposed
    ? [inputs * outputs * taps, taps, 1, outputs * taps]
    : [outputs * inputs * taps, inputs * taps, 1, taps];
  return stridedIndices([groups, outputs, taps, inputs], strides);
}

/** The index of a tap: its indices by axis, row-major. */
export function tapIndex(axes: readonly Axis[]): string {
  const strides = stridesOf(axes.map(({ kernel }) => kernel));
  return sumOf(
    axes.map(({ letter, kernel }, i) =>
      kernel === 1 ? "" : scaled(`k${letter}`, strides[i] ?? 1),
    ),
  );
}

/** Loops over the taps of each axis, around `body`; `find` says where a tap leads, and leaves it out where nowhere. */
export function overTaps(
  axes: readonly Axis[],
  find: (axis: Axis) => readonly Code[],
  body: Code,
): Code {
  return axes.reduceRight<Code>((inner, axis) => {
    const within = [...find(axis), inner];
    // A single tap that is always there needs no loop.
    const isPlain = axis.kernel === 1 && find(axis).length === 0;
    return isPlain ? inner : loop(`k${axis.letter}`, axis.kernel, within);
  }, body);
}

/** The index of the result that a tap of the operand's index leads to along an axis, and the lines that find it. */
export function outputOf(
  axis: Axis,
  isTransposed: boolean,
): { readonly index: string; readonly lines: readonly Code[] } {
  const { letter: l, input, output, kernel, stride, dilation, pad } = axis;
  const tap = kernel === 1 ? "" : scaled(`k${l}`, dilation);
  const reach = dilation * (kernel - 1);
  // A result of extent 1 is not indexed, so that nothing but whether it is met is asked.
  const named = (value: string): readonly Code[] =>
    output === 1 ? [] : [`const int32_t o${l} = ${value};`];
  if (isTransposed || stride === 1) {
    const at = isTransposed
      ? minus(sumOf([scaled(input > 1 ? l : "0", stride), tap]), pad)
      : minus(sumOf([input > 1 ? l : "0", pad === 0 ? "" : String(pad)]), tap);
    const least = isTransposed ? -pad : pad - reach;
    const most = (input - 1) * (isTransposed ? stride : 1) + (isTransposed ? reach - pad : pad);
    if (least === 0 && most < output && kernel === 1) {
      return { index: output === 1 ? "0" : at, lines: [] };
    }
    const name = output === 1 ? `(${at})` : `o${l}`;
    const checks = [
      ...(least < 0 ? [`${name} < 0`] : []),
      ...(most >= output ? [`${name} >= ${output}`] : []),
    ];
    return { index: output === 1 ? "0" : name, lines: [...named(at), ...leaving(checks)] };
  }
  const at = minus(sumOf([input > 1 ? l : "0", pad === 0 ? "" : String(pad)]), tap);
  const most = Math.floor((input - 1 + pad) / stride);
  const checks = [
    ...(pad < reach ? [`a${l} < 0`] : []),
    `a${l} % ${stride} != 0`,
    ...(most >= output ? [`a${l} / ${stride} >= ${output}`] : []),
  ];
  return {
    index: output === 1 ? "0" : `o${l}`,
    lines: [`const int32_t a${l} = ${at};`, ...leaving(checks), ...named(`a${l} / ${stride}`)],
  };
}

/** `continue` where one of these is so. */
export function leaving(checks: readonly string[]): readonly Code[] {
  return checks.length === 0 ? [] : [`if (${checks.join(" || ")}) continue;`];
}

export function minus(text: string, less: string | number): string {
  return less === 0 || less === "" ? text : `${text} - ${less}`;
}

/** The index of the operand that a tap of the result's index leads to along an axis, and the lines that find it. */
export interface InputIndex {
  readonly index: string;
  readonly lines: readonly Code[];
  /** When the operand has nothing there. */
  readonly outside: readonly string[];
}

/** Of a straight convolution whose result's index is `pixel`; `pad` zeros may lie in front in memory already. */
export function inputOf(axis: Axis, pixel = `o${axis.letter}`, pad = axis.pad): InputIndex {
  const { letter, input, output, kernel, stride, dilation } = axis;
  const extent = input + 2 * (axis.pad - pad);
  const terms = sumOf([
    output > 1 ? scaled(/[ +]/.test(pixel) ? `(${pixel})` : pixel, stride) : "",
    kernel > 1 ? scaled(`k${letter}`, dilation) : "",
  ]);
  const at = minus(terms, pad);
  const most = (output - 1) * stride + (kernel - 1) * dilation - pad;
  const name = input === 1 ? `(${at})` : `i${letter}`;
  return {
    index: input === 1 ? "0" : name,
    lines: input === 1 ? [] : [`const int32_t i${letter} = ${at};`],
    outside: [
      ...(pad > 0 ? [`${name} < 0`] : []),
      ...(most >= extent ? [`${name} >= ${extent}`] : []),
    ],
  };
}

/** `index * step` in a sum; nothing for the index 0. */
export function stepped(index: string, step: number): string {
  if (index === "0" || step === 0) return "";
  return scaled(/[ *+]/.test(index) && !index.startsWith("(") ? `(${index})` : index, step);
}

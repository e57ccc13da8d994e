/**
 * What the layers of a convolutional network that learns have in common: values of one image forwards,
 * gradients backwards, and the ONNX nodes that mean the same. Values are channels last:
 * [height, width, channels].
 */
import type { onnx } from "onnx-proto";
import { uniform } from "../../../ir/random.ts";
import { type Parameters, parameters } from "../adam.ts";
import { floats, ints, nodeOf } from "../model.ts";

export interface Extent {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface Stage {
  readonly output: Extent;
  readonly learnt: readonly Parameters[];
  /** The result for one image, until the next call. */
  forward(x: Float32Array): Float32Array;
  /** Adds to sums of gradients by the errors of the last result; gives the errors of what it was made of. */
  backward(errors: Float32Array): Float32Array;
  /**
   * The results for some images before anything is learnt: weights are scaled, and biases set, so that each
   * channel has mean 0 and this deviation over them (Salimans & Kingma 2016, with data for
   * initialisation). In place of batch normalisation, without which few channels would learn.
   */
  settle(xs: readonly Float32Array[], deviation: number): Float32Array[];
  /** The ONNX nodes that make value `output` of value `input`; names of other values start with `output`. */
  written(input: string, output: string): Written;
}

export interface Written {
  readonly node: readonly onnx.INodeProto[];
  readonly initializer: readonly onnx.ITensorProto[];
}

/** How the weights of a stage start: uniform, keyed by seed and layer. */
export interface Start {
  readonly seed: number;
  readonly layer: number;
  /** Variance of results over that of a rectified input: 2 where a rectifier follows (He et al. 2015). */
  readonly gain: number;
}

export function elementsOf({ height, width, channels }: Extent): number {
  return height * width * channels;
}

/** Weights that nothing has been learnt by. */
export function started(length: number, fanIn: number, { seed, layer, gain }: Start): Parameters {
  const bound = Math.sqrt((3 * gain) / fanIn);
  const draw = (_: unknown, i: number): number => bound * (2 * uniform(seed, i, layer, 0) - 1);
  return parameters(Float32Array.from({ length }, draw));
}

/** `length` numbers of `data`, the first at `at`. */
export interface Stretch {
  readonly data: Float32Array;
  readonly at: number;
  readonly length: number;
}

/** The attributes of a 3×3 window with a border. */
export function windowOf(stride: number): onnx.IAttributeProto[] {
  return [
    ints("kernel_shape", [3, 3]),
    ints("pads", [1, 1, 1, 1]),
    ints("strides", [stride, stride]),
  ];
}

/** An ONNX convolution by these weights and biases. */
export function convolution(
  input: string,
  output: string,
  parts: {
    readonly weight: onnx.ITensorProto;
    readonly bias: Float32Array;
    readonly attribute: readonly onnx.IAttributeProto[];
  },
): Written {
  const names = { input: [input, `${output}.weight`, `${output}.bias`], output, name: output };
  return {
    node: [{ ...nodeOf("Conv", names), attribute: [...parts.attribute] }],
    initializer: [parts.weight, floats(`${output}.bias`, [parts.bias.length], parts.bias)],
  };
}

/** The results for some images, each in an array of its own. */
export function resultsFor(stage: Stage, xs: readonly Float32Array[]): Float32Array[] {
  return xs.map((x) => stage.forward(x).slice());
}

/** `settle` of a stage whose weights have the channel of the result as last axis. */
export function settled(
  results: readonly Float32Array[],
  { values: weights }: Parameters,
  { values: biases }: Parameters,
  deviation: number,
): Float32Array[] {
  const channels = biases.length;
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let count = 0;
  for (const result of results) {
    count += result.length / channels;
    result.forEach((y, i) => {
      const c = i % channels;
      sums[c] = (sums[c] ?? 0) + y;
      squares[c] = (squares[c] ?? 0) + y * y;
    });
  }
  const means = sums.map((sum) => sum / count);
  const scales = squares.map((square, c) => {
    const variance = square / count - (means[c] ?? 0) ** 2;
    // A channel that no image changes stays as it is.
    return variance > 1e-8 ? deviation / Math.sqrt(variance) : 1;
  });
  weights.forEach((weight, k) => (weights[k] = weight * (scales[k % channels] ?? 1)));
  biases.forEach((bias, c) => (biases[c] = (bias - (means[c] ?? 0)) * (scales[c] ?? 1)));
  return results.map((result) =>
    result.map((y, i) => (y - (means[i % channels] ?? 0)) * (scales[i % channels] ?? 1)),
  );
}

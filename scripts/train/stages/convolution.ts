/** Convolutions in which every channel meets every other. */
import type { onnx } from "onnx-proto";
import { type Parameters, parameters } from "../adam.ts";
import { floats, nodeOf } from "../model.ts";
import {
  type Extent,
  type Stage,
  type Start,
  type Stretch,
  type Written,
  convolution,
  elementsOf,
  resultsFor,
  settled,
  started,
  windowOf,
} from "./stage.ts";

/** The same weights at every pixel: a 1×1 convolution, or a linear layer of one pixel. */
export class Pointwise implements Stage {
  readonly output: Extent;
  readonly learnt: readonly Parameters[];
  /** [in, out], and transposed for gradients. */
  private readonly weight: Parameters;
  private readonly transposed: Float32Array;
  private readonly bias: Parameters;
  private readonly inputs: number;
  private readonly pixels: number;
  private readonly result: Float32Array;
  private readonly before: Float32Array;
  private given: Float32Array = new Float32Array();

  constructor({ height, width, channels: inputs }: Extent, channels: number, start: Start) {
    this.output = { height, width, channels };
    this.inputs = inputs;
    this.pixels = height * width;
    this.weight = started(inputs * channels, inputs, start);
    this.transposed = new Float32Array(inputs * channels);
    this.bias = parameters(new Float32Array(channels));
    this.learnt = [this.weight, this.bias];
    this.result = new Float32Array(this.pixels * channels);
    this.before = new Float32Array(this.pixels * inputs);
  }

  forward(x: Float32Array): Float32Array {
    const { inputs, result, output } = this;
    const { channels: length } = output;
    this.given = x;
    for (let p = 0; p < this.pixels; p++) {
      const at = p * length;
      result.set(this.bias.values, at);
      addProducts(x, [p * inputs, 1, inputs], this.weight.values, { data: result, at, length });
    }
    return result;
  }

  backward(errors: Float32Array): Float32Array {
    const { inputs, pixels, before, given, weight, bias, output } = this;
    const { channels } = output;
    errors.forEach((error, i) => {
      const o = i % channels;
      bias.gradients[o] = (bias.gradients[o] ?? 0) + error;
    });
    for (let i = 0; i < inputs; i++) {
      const into = { data: weight.gradients, at: i * channels, length: channels };
      addProducts(given, [i, inputs, pixels], errors, into);
      for (let o = 0; o < channels; o++) {
        this.transposed[o * inputs + i] = weight.values[i * channels + o] ?? 0;
      }
    }
    before.fill(0);
    for (let p = 0; p < pixels; p++) {
      const into = { data: before, at: p * inputs, length: inputs };
      addProducts(errors, [p * channels, 1, channels], this.transposed, into);
    }
    return before;
  }

  settle(xs: readonly Float32Array[], deviation: number): Float32Array[] {
    return settled(resultsFor(this, xs), this.weight, this.bias, deviation);
  }

  /** Weights as [out, in]. */
  weights(): Float32Array {
    const { inputs, output, weight } = this;
    return Float32Array.from(
      { length: inputs * output.channels },
      (_, k) => weight.values[(k % inputs) * output.channels + Math.floor(k / inputs)] ?? 0,
    );
  }

  written(input: string, output: string): Written {
    return this.convolution(input, output, [this.output.channels, this.inputs, 1, 1], []);
  }

  /** A linear layer of the one pixel that there is. */
  writtenAsLinear(input: string, output: string): Written {
    const flat = `${output}.flat`;
    return {
      node: [
        nodeOf("Flatten", { input: [input], output: flat, name: flat }),
        nodeOf("Gemm", {
          input: [flat, `${output}.weight`, `${output}.bias`],
          output,
          name: output,
        }),
      ],
      initializer: [
        floats(`${output}.weight`, [this.inputs, this.output.channels], this.weight.values),
        floats(`${output}.bias`, [this.output.channels], this.bias.values),
      ],
    };
  }

  /** A convolution by these weights, of whose kernels `dims` tells the extents. */
  convolution(
    input: string,
    output: string,
    dims: readonly number[],
    attribute: readonly onnx.IAttributeProto[],
  ): Written {
    return convolution(input, output, {
      weight: floats(`${output}.weight`, dims, this.weights()),
      bias: this.bias.values,
      attribute,
    });
  }
}

/** A 3×3 convolution with a border of zeros, as 1×1 of patches. */
export class Convolution implements Stage {
  readonly output: Extent;
  readonly learnt: readonly Parameters[];
  private readonly taps: Taps;
  private readonly products: Pointwise;
  private readonly patches: Float32Array;
  private readonly before: Float32Array;

  constructor(input: Extent, channels: number, stride: number, start: Start) {
    this.taps = new Taps(input, stride);
    const { height, width } = this.taps;
    const patch = { height, width, channels: 9 * input.channels };
    this.products = new Pointwise(patch, channels, start);
    this.output = this.products.output;
    this.learnt = this.products.learnt;
    this.patches = new Float32Array(elementsOf(patch));
    this.before = new Float32Array(elementsOf(input));
  }

  forward(x: Float32Array): Float32Array {
    return this.products.forward(this.patchesOf(x));
  }

  private patchesOf(x: Float32Array): Float32Array {
    const { channels } = this.taps.input;
    // Patches are [channel, tap], as kernels are in ONNX.
    this.taps.forEach((pixel, tap, from) => {
      for (let c = 0; c < channels; c++) {
        this.patches[(pixel * channels + c) * 9 + tap] = x[from * channels + c] ?? 0;
      }
    });
    return this.patches;
  }

  settle(xs: readonly Float32Array[], deviation: number): Float32Array[] {
    return this.products.settle(
      xs.map((x) => this.patchesOf(x).slice()),
      deviation,
    );
  }

  backward(errors: Float32Array): Float32Array {
    const { before } = this;
    const { channels } = this.taps.input;
    const patches = this.products.backward(errors);
    before.fill(0);
    this.taps.forEach((pixel, tap, from) => {
      for (let c = 0; c < channels; c++) {
        const to = from * channels + c;
        before[to] = (before[to] ?? 0) + (patches[(pixel * channels + c) * 9 + tap] ?? 0);
      }
    });
    return before;
  }

  written(input: string, output: string): Written {
    const dims = [this.output.channels, this.taps.input.channels, 3, 3];
    return this.products.convolution(input, output, dims, windowOf(this.taps.stride));
  }
}

/** Which pixels meet which weights of a 3×3 window whose border is zeros. */
class Taps {
  readonly input: Extent;
  readonly stride: number;
  readonly height: number;
  readonly width: number;

  constructor(input: Extent, stride: number) {
    this.input = input;
    this.stride = stride;
    this.height = Math.ceil(input.height / stride);
    this.width = Math.ceil(input.width / stride);
  }

  /** Calls for each pixel of the result and each weight that meets a pixel of the input. */
  forEach(call: (pixel: number, tap: number, from: number) => void): void {
    const { input, stride, height, width } = this;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let tap = 0; tap < 9; tap++) {
          const row = y * stride + Math.floor(tap / 3) - 1;
          const column = x * stride + (tap % 3) - 1;
          if (row < 0 || row >= input.height || column < 0 || column >= input.width) continue;
          call(y * width + x, tap, row * input.width + column);
        }
      }
    }
  }
}

/** Adds Σ_k factors[first + k·stride] · row k to `into`, where `count` is the number of rows. */
function addProducts(
  factors: Float32Array,
  [first, stride, count]: readonly [first: number, stride: number, count: number],
  rows: Float32Array,
  into: Stretch,
): void {
  const { data, at, length } = into;
  let k = 0;
  // Four rows at a time, as most of the time goes into reading and writing sums.
  for (; k + 4 <= count; k += 4) {
    const f = first + k * stride;
    const a = factors[f] ?? 0;
    const b = factors[f + stride] ?? 0;
    const c = factors[f + 2 * stride] ?? 0;
    const d = factors[f + 3 * stride] ?? 0;
    if (a === 0 && b === 0 && c === 0 && d === 0) continue;
    const row = k * length;
    for (let o = 0; o < length; o++) {
      const r = row + o;
      data[at + o] =
        (data[at + o] ?? 0) +
        a * (rows[r] ?? 0) +
        b * (rows[r + length] ?? 0) +
        c * (rows[r + 2 * length] ?? 0) +
        d * (rows[r + 3 * length] ?? 0);
    }
  }
  for (; k < count; k++) {
    const a = factors[first + k * stride] ?? 0;
    const row = k * length;
    for (let o = 0; o < length; o++) {
      data[at + o] = (data[at + o] ?? 0) + a * (rows[row + o] ?? 0);
    }
  }
}

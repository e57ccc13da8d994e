/** A 3×3 convolution of each channel by itself. */
import { type Parameters, parameters } from "../adam.ts";
import { floats } from "../model.ts";
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

/** A 3×3 convolution of each channel by itself, with a border of zeros. */
export class Depthwise implements Stage {
  readonly output: Extent;
  readonly learnt: readonly Parameters[];
  private readonly input: Extent;
  private readonly stride: number;
  /** [row, column, channel] of the window, as what it meets lies within a row of pixels. */
  private readonly weight: Parameters;
  private readonly bias: Parameters;
  private readonly result: Float32Array;
  private readonly before: Float32Array;
  /** What was given, with its border, and the gradients of that. */
  private readonly bordered: Float32Array;
  private readonly borderedBefore: Float32Array;

  constructor(input: Extent, stride: number, start: Start) {
    const { height, width, channels } = input;
    this.input = input;
    this.stride = stride;
    this.output = {
      height: Math.ceil(height / stride),
      width: Math.ceil(width / stride),
      channels,
    };
    this.weight = started(9 * channels, 9, start);
    this.bias = parameters(new Float32Array(channels));
    this.learnt = [this.weight, this.bias];
    this.result = new Float32Array(elementsOf(this.output));
    this.before = new Float32Array(elementsOf(input));
    this.bordered = new Float32Array((height + 2) * (width + 2) * channels);
    this.borderedBefore = new Float32Array(this.bordered.length);
  }

  forward(x: Float32Array): Float32Array {
    const { result, bordered, weight, bias } = this;
    const { channels } = this.output;
    this.forEachRow((inside, bordering, length) => {
      bordered.set(x.subarray(inside, inside + length), bordering);
    });
    for (let at = 0; at < result.length; at += channels) result.set(bias.values, at);
    this.forEachWindowRow((to, from, row) => {
      addWindowRow(bordered, from, weight.values, row, { data: result, at: to, length: channels });
    });
    return result;
  }

  backward(errors: Float32Array): Float32Array {
    const { before, bordered, borderedBefore, weight, bias } = this;
    const { channels } = this.output;
    errors.forEach((error, i) => {
      const c = i % channels;
      bias.gradients[c] = (bias.gradients[c] ?? 0) + error;
    });
    borderedBefore.fill(0);
    this.forEachWindowRow((to, from, row) => {
      const of = { data: errors, at: to, length: channels };
      spreadWindowRow(of, weight.values, row, borderedBefore, from);
      spreadWindowRow(of, bordered, from, weight.gradients, row);
    });
    this.forEachRow((inside, bordering, length) => {
      before.set(borderedBefore.subarray(bordering, bordering + length), inside);
    });
    return before;
  }

  settle(xs: readonly Float32Array[], deviation: number): Float32Array[] {
    return settled(resultsFor(this, xs), this.weight, this.bias, deviation);
  }

  written(input: string, output: string): Written {
    const { channels } = this.output;
    const weights = Float32Array.from(
      { length: 9 * channels },
      (_, k) => this.weight.values[(k % 9) * channels + Math.floor(k / 9)] ?? 0,
    );
    return convolution(input, output, {
      weight: floats(`${output}.weight`, [channels, 1, 3, 3], weights),
      bias: this.bias.values,
      attribute: [...windowOf(this.stride), { name: "group", type: 2, i: channels }],
    });
  }

  /** Calls for each row of pixels, with where it starts, without and with a border, and its length. */
  private forEachRow(call: (inside: number, bordering: number, length: number) => void): void {
    const { height, width, channels } = this.input;
    for (let y = 0; y < height; y++) {
      call(y * width * channels, ((y + 1) * (width + 2) + 1) * channels, width * channels);
    }
  }

  /** Calls for each pixel of the result and each row of its window, with where these and weights start. */
  private forEachWindowRow(call: (to: number, from: number, row: number) => void): void {
    const { input, output, stride } = this;
    const { channels } = input;
    for (let y = 0; y < output.height; y++) {
      for (let x = 0; x < output.width; x++) {
        for (let row = 0; row < 3; row++) {
          const from = (y * stride + row) * (input.width + 2) + x * stride;
          call((y * output.width + x) * channels, from * channels, 3 * row * channels);
        }
      }
    }
  }
}

/** Adds to `into`, channel by channel, three pixels of `x` from `from` times their weights from `first`. */
function addWindowRow(
  x: Float32Array,
  from: number,
  weights: Float32Array,
  first: number,
  { data, at, length }: Stretch,
): void {
  for (let c = 0; c < length; c++) {
    const [i, w] = [from + c, first + c];
    data[at + c] =
      (data[at + c] ?? 0) +
      (x[i] ?? 0) * (weights[w] ?? 0) +
      (x[i + length] ?? 0) * (weights[w + length] ?? 0) +
      (x[i + 2 * length] ?? 0) * (weights[w + 2 * length] ?? 0);
  }
}

/** Adds errors, channel by channel, times each of three factors from `first`, to three sums from `to`. */
function spreadWindowRow(
  { data, at, length }: Stretch,
  factors: Float32Array,
  first: number,
  sums: Float32Array,
  to: number,
): void {
  for (let c = 0; c < length; c++) {
    const error = data[at + c] ?? 0;
    const [f, s] = [first + c, to + c];
    sums[s] = (sums[s] ?? 0) + error * (factors[f] ?? 0);
    sums[s + length] = (sums[s + length] ?? 0) + error * (factors[f + length] ?? 0);
    sums[s + 2 * length] = (sums[s + 2 * length] ?? 0) + error * (factors[f + 2 * length] ?? 0);
  }
}

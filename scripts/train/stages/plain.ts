/** Layers without weights. */
import { floats, nodeOf } from "../model.ts";
import { type Extent, type Stage, type Written, elementsOf, resultsFor } from "./stage.ts";

/** min(max(x, 0), 6) */
export class Relu6 implements Stage {
  readonly output: Extent;
  readonly learnt = [];
  private readonly result: Float32Array;
  private readonly before: Float32Array;

  constructor(input: Extent) {
    this.output = input;
    this.result = new Float32Array(elementsOf(input));
    this.before = new Float32Array(elementsOf(input));
  }

  forward(x: Float32Array): Float32Array {
    const { result } = this;
    for (let i = 0; i < result.length; i++) {
      const value = x[i] ?? 0;
      result[i] = value > 6 ? 6 : value > 0 ? value : 0;
    }
    return result;
  }

  backward(errors: Float32Array): Float32Array {
    const { before, result } = this;
    for (let i = 0; i < before.length; i++) {
      const y = result[i] ?? 0;
      before[i] = y > 0 && y < 6 ? (errors[i] ?? 0) : 0;
    }
    return before;
  }

  settle(xs: readonly Float32Array[]): Float32Array[] {
    return resultsFor(this, xs);
  }

  written(input: string, output: string): Written {
    return {
      node: [
        nodeOf("Clip", {
          input: [input, `${output}.low`, `${output}.high`],
          output,
          name: output,
        }),
      ],
      initializer: [
        floats(`${output}.low`, [], Float32Array.of(0)),
        floats(`${output}.high`, [], Float32Array.of(6)),
      ],
    };
  }
}

/** The mean of each channel. */
export class GlobalAverage implements Stage {
  readonly output: Extent;
  readonly learnt = [];
  private readonly pixels: number;
  private readonly result: Float32Array;
  private readonly before: Float32Array;

  constructor(input: Extent) {
    this.output = { height: 1, width: 1, channels: input.channels };
    this.pixels = input.height * input.width;
    this.result = new Float32Array(input.channels);
    this.before = new Float32Array(elementsOf(input));
  }

  forward(x: Float32Array): Float32Array {
    const { result, pixels } = this;
    result.fill(0);
    x.forEach((value, i) => {
      const c = i % result.length;
      result[c] = (result[c] ?? 0) + value / pixels;
    });
    return result;
  }

  backward(errors: Float32Array): Float32Array {
    const { before, pixels } = this;
    for (let i = 0; i < before.length; i++) before[i] = (errors[i % errors.length] ?? 0) / pixels;
    return before;
  }

  settle(xs: readonly Float32Array[]): Float32Array[] {
    return resultsFor(this, xs);
  }

  written(input: string, output: string): Written {
    const names = { input: [input], output, name: output };
    return { node: [nodeOf("GlobalAveragePool", names)], initializer: [] };
  }
}

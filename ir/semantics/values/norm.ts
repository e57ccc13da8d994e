/** What normalisations compute. Variances are those of the elements at hand, not estimates. */
import type { NormKind } from "../../op/families/norm.ts";
import { elementCount, type Shape } from "../../type.ts";
import { type SemanticsTable, broadcastIndices, doubles, operand, resultOf } from "../semantics.ts";

export const normSemantics: SemanticsTable<NormKind> = {
  "ann.batchnorm": (op, inputs, tensors) => {
    const x = operand(inputs, 0);
    const { attrs } = op;
    const [scale, bias, mean, variance] = [attrs.scale, attrs.bias, attrs.mean, attrs.variance].map(
      (ref) => doubles(tensors(ref)),
    );
    const channelOf = channels(x.shape);
    const y = doubles(x).map((value, i) => {
      const c = channelOf(i);
      const deviation = Math.sqrt((variance?.[c] ?? 0) + attrs.epsilon);
      return ((value - (mean?.[c] ?? 0)) / deviation) * (scale?.[c] ?? 0) + (bias?.[c] ?? 0);
    });
    return resultOf(op, y);
  },
  "ann.layernorm": (op, inputs, tensors) => {
    const x = operand(inputs, 0);
    const normalised = x.shape.slice(op.attrs.axis);
    const size = elementCount(normalised);
    const y = standardised(doubles(x), size, op.attrs.epsilon);
    for (const [ref, combine] of [
      [op.attrs.scale, (a: number, b: number) => a * b],
      [op.attrs.bias, (a: number, b: number) => a + b],
    ] as const) {
      if (ref === null) continue;
      const factor = tensors(ref);
      const at = broadcastIndices(factor.shape, normalised);
      y.forEach((value, i) => {
        y[i] = combine(value, factor.data[at[i % size] ?? 0] ?? 0);
      });
    }
    return resultOf(op, y);
  },
  "ann.groupnorm": (op, inputs, tensors) => {
    const x = operand(inputs, 0);
    const scale = doubles(tensors(op.attrs.scale));
    const bias = doubles(tensors(op.attrs.bias));
    const size = elementCount(x.shape.slice(1)) / op.attrs.groups;
    const channelOf = channels(x.shape);
    const y = standardised(doubles(x), size, op.attrs.epsilon);
    return resultOf(
      op,
      y.map((value, i) => value * (scale[channelOf(i)] ?? 0) + (bias[channelOf(i)] ?? 0)),
    );
  },
  /** y[c] = x[c] / (bias + alpha / size · Σ x²)^beta, over the `size` channels around c. */
  "ann.lrn": (op, inputs) => {
    const x = operand(inputs, 0);
    const { size, alpha, beta, bias } = op.attrs;
    const from = doubles(x);
    const [, count = 0, ...spatial] = x.shape;
    const plane = elementCount(spatial);
    const channelOf = channels(x.shape);
    const before = Math.floor((size - 1) / 2);
    const after = Math.ceil((size - 1) / 2);
    const y = from.map((value, i) => {
      const c = channelOf(i);
      let squares = 0;
      for (let k = Math.max(0, c - before); k <= Math.min(count - 1, c + after); k++) {
        squares += (from[i + (k - c) * plane] ?? 0) ** 2;
      }
      return value / (bias + (alpha / size) * squares) ** beta;
    });
    return resultOf(op, y);
  },
  "ann.softmax": (op, inputs) =>
    resultOf(
      op,
      alongAxis(inputs, op.attrs.axis, (line) => {
        const e = exponentials(line);
        const sum = e.reduce((a, b) => a + b, 0);
        return e.map((value) => value / sum);
      }),
    ),
  "ann.log-softmax": (op, inputs) =>
    resultOf(
      op,
      alongAxis(inputs, op.attrs.axis, (line) => {
        const max = line.reduce((a, b) => Math.max(a, b), -Infinity);
        const sum = exponentials(line).reduce((a, b) => a + b, 0);
        return line.map((value) => value - max - Math.log(sum));
      }),
    ),
  "ann.hardmax": (op, inputs) =>
    resultOf(
      op,
      alongAxis(inputs, op.attrs.axis, (line) => {
        let best = 0;
        line.forEach((value, i) => {
          if (value > (line[best] ?? 0)) best = i;
        });
        return line.map((_, i) => (i === best ? 1 : 0));
      }),
    ),
};

/** The channel, numbered by axis 1, of an element of `shape`. */
function channels(shape: Shape): (index: number) => number {
  const [, count = 1, ...spatial] = shape;
  const plane = elementCount(spatial);
  return (index) => Math.floor(index / plane) % count;
}

/** (x − mean) / √(variance + epsilon) within each run of `size` elements. */
function standardised(x: Float64Array, size: number, epsilon: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += size) {
    const run = x.subarray(start, start + size);
    const mean = run.reduce((sum, value) => sum + value, 0) / size;
    const variance = run.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    const deviation = Math.sqrt(variance + epsilon);
    y.set(
      run.map((value) => (value - mean) / deviation),
      start,
    );
  }
  return y;
}

/** Exponentials of what each element lies below the maximum, so that none overflows. */
function exponentials(line: Float64Array): Float64Array {
  const max = line.reduce((a, b) => Math.max(a, b), -Infinity);
  return line.map((value) => Math.exp(value - max));
}

/** Applies `f` to each line of elements along one axis. */
function alongAxis(
  inputs: Parameters<typeof operand>[0],
  axis: number,
  f: (line: Float64Array) => Float64Array,
): Float64Array {
  const { shape, ...x } = operand(inputs, 0);
  const from = doubles({ ...x, shape });
  const extent = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  const y = new Float64Array(from.length);
  const line = new Float64Array(extent);
  for (let outer = 0; outer < from.length; outer += extent * inner) {
    for (let i = outer; i < outer + inner; i++) {
      for (let k = 0; k < extent; k++) line[k] = from[i + k * inner] ?? 0;
      f(line).forEach((value, k) => {
        y[i + k * inner] = value;
      });
    }
  }
  return y;
}

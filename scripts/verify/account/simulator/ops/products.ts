/**
 * Products with matrices and sums along axes: linear layers, matrix products, Einstein sums of two,
 * reductions, and the normalisations that sum along axes.
 */
import { broadcastIndex } from "../numbers.ts";
import type { Cost, Formula, Site, Synapse } from "../operation.ts";
import { at, type Shape, sizeOf, stridesOf } from "../types.ts";

export function linear({ op, types }: Site): Synapse | undefined {
  if (op.kind !== "ann.linear") return undefined;
  const weight = op.attributes.tensor("weight");
  const bias = op.attributes.tensorOrNone("bias");
  const [out = 1, inputs = 1] = weight.shape;
  const size = sizeOf(op.type.shape);
  const compute = ([x = new Float64Array()]: readonly Float64Array[]): Float64Array => {
    const result = new Float64Array(size);
    for (let i = 0; i < size; i += 1) {
      const o = i % out;
      const start = ((i - o) / out) * inputs;
      let sum = bias?.values[o] ?? 0;
      for (let k = 0; k < inputs; k += 1) {
        sum += (weight.values[o * inputs + k] ?? 0) * (x[start + k] ?? 0);
      }
      result[i] = sum;
    }
    return result;
  };
  const products = size * inputs;
  const rest: Cost = bias === undefined ? {} : { additions: size };
  return {
    ...{ compute, cost: { ...rest, multiplyAccumulates: products }, operand: 0, products, rest },
    fanOut: new Float64Array(sizeOf(at(types, 0).shape)).fill(out),
  };
}

/** NumPy's matrix product: of vectors and of batches, too. */
export function matmul({ op, types }: Site): (Formula & { readonly products: number }) | undefined {
  if (op.kind !== "ann.matmul") return undefined;
  const [a, b] = [at(types, 0).shape, at(types, 1).shape];
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const [rows = 1, inner = 1] = left.slice(-2);
  const columns = right.at(-1) ?? 1;
  const batch = op.type.shape.slice(0, op.type.shape.length - (+(a.length > 1) + +(b.length > 1)));
  const leftAt = broadcastIndex(left.slice(0, -2), batch);
  const rightAt = broadcastIndex(right.slice(0, -2), batch);
  const size = sizeOf(op.type.shape);
  const compute = ([x = new Float64Array(), y = new Float64Array()]: readonly Float64Array[]) => {
    const result = new Float64Array(size);
    for (let i = 0; i < size; i += 1) {
      const matrix = Math.floor(i / (rows * columns));
      const row = ((leftAt[matrix] ?? 0) * rows + (Math.floor(i / columns) % rows)) * inner;
      const column = (rightAt[matrix] ?? 0) * inner * columns + (i % columns);
      let sum = 0;
      for (let k = 0; k < inner; k += 1) {
        sum += (x[row + k] ?? 0) * (y[column + k * columns] ?? 0);
      }
      result[i] = sum;
    }
    return result;
  };
  const products = size * inner;
  return { compute, cost: { multiplyAccumulates: products }, products };
}

/** For each element of an operand, the element of the result of a reduction that it is in. */
function reductionOf(source: Shape, axes: readonly number[]): { into: Int32Array; size: number } {
  const kept = source.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return { into: broadcastIndex(kept, source), size: sizeOf(kept) };
}

function sums(x: Float64Array, into: Int32Array, size: number): Float64Array {
  const result = new Float64Array(size);
  for (let i = 0; i < x.length; i += 1) {
    const place = into[i] ?? 0;
    result[place] = (result[place] ?? 0) + (x[i] ?? 0);
  }
  return result;
}

/** Sums and means, which have weights. */
export function weightedReduction({ op, types }: Site): Synapse | undefined {
  const mean = op.kind === "ann.reduce-mean";
  if (!mean && op.kind !== "ann.reduce-sum") return undefined;
  const source = at(types, 0).shape;
  const elements = sizeOf(source);
  const { into, size } = reductionOf(source, op.attributes.numbers("axes"));
  return {
    compute: ([x = new Float64Array()]) =>
      sums(x, into, size).map((sum) => (mean ? sum / (elements / size) : sum)),
    cost: mean ? { multiplyAccumulates: elements } : { additions: elements },
    ...{ operand: 0, fanOut: new Float64Array(elements).fill(1) },
    ...(mean ? { products: elements, rest: {} } : { products: 0, rest: { additions: elements } }),
  };
}

export function reduction({ op, types }: Site): Formula | undefined {
  const source = types[0]?.shape ?? [];
  const n = sizeOf(source);
  const axesOf = (): readonly number[] => op.attributes.numbers("axes");
  const fold = (start: number, f: (a: number, b: number) => number, cost: Cost): Formula => {
    const { into, size } = reductionOf(source, axesOf());
    return {
      compute: ([x = new Float64Array()]) => {
        const result = new Float64Array(size).fill(start);
        x.forEach((value, i) => {
          const place = into[i] ?? 0;
          result[place] = f(result[place] ?? 0, value);
        });
        return result;
      },
      cost,
    };
  };
  switch (op.kind) {
    case "ann.reduce-max":
      return fold(-Infinity, Math.max, { comparisons: n });
    case "ann.reduce-min":
      return fold(Infinity, Math.min, { comparisons: n });
    case "ann.reduce-prod":
      return fold(1, (a, b) => a * b, { multiplications: n });
    case "ann.reduce-sum-square":
      return fold(0, (a, b) => a + b * b, { multiplyAccumulates: n });
    case "ann.reduce-l2": {
      const squares = fold(0, (a, b) => a + b * b, {});
      const results = sizeOf(op.type.shape);
      return {
        compute: (operands) => squares.compute(operands).map(Math.sqrt),
        cost: { multiplyAccumulates: n, functions: results },
      };
    }
    case "ann.reduce-l1":
      return fold(0, (a, b) => a + Math.abs(b), { comparisons: n, additions: n });
    case "ann.reduce-log-sum": {
      const sum = fold(0, (a, b) => a + b, {});
      return {
        compute: (operands) => sum.compute(operands).map(Math.log),
        cost: { additions: n, functions: sizeOf(op.type.shape) },
      };
    }
    case "ann.softmax":
    case "ann.log-softmax":
      return softmax({ op, types, constants: [] });
    case "ann.layernorm":
      return layernorm({ op, types, constants: [] });
    case "ann.argmax":
    case "ann.argmin":
      return argmax({ op, types, constants: [] });
    default:
      return undefined;
  }
}

function softmax({ op, types }: Site): Formula {
  const source = at(types, 0).shape;
  const n = sizeOf(source);
  const { into, size } = reductionOf(source, [op.attributes.number("axis")]);
  const log = op.kind === "ann.log-softmax";
  return {
    compute: ([x = new Float64Array()]) => {
      const largest = new Float64Array(size).fill(-Infinity);
      x.forEach((value, i) => {
        const line = into[i] ?? 0;
        largest[line] = Math.max(largest[line] ?? 0, value);
      });
      const away = x.map((value, i) => value - (largest[into[i] ?? 0] ?? 0));
      const powers = away.map(Math.exp);
      const total = sums(powers, into, size);
      return log
        ? away.map((d, i) => d - Math.log(total[into[i] ?? 0] ?? 0))
        : powers.map((p, i) => p / (total[into[i] ?? 0] ?? 0));
    },
    cost: log
      ? { comparisons: n, additions: 3 * n, functions: n + size }
      : { comparisons: n, additions: 2 * n, functions: n, divisions: n },
  };
}

function layernorm({ op, types }: Site): Formula {
  const source = at(types, 0).shape;
  const n = sizeOf(source);
  const axis = op.attributes.number("axis");
  const epsilon = op.attributes.number("epsilon");
  const inner = source.slice(axis);
  const line = sizeOf(inner);
  const spreadOut = (name: string): { values: Float64Array; at: Int32Array } | undefined => {
    const tensor = op.attributes.tensorOrNone(name);
    if (tensor === undefined) return undefined;
    return { values: tensor.values, at: broadcastIndex(tensor.shape, inner) };
  };
  const [scale, bias] = [spreadOut("scale"), spreadOut("bias")];
  return {
    compute: ([x = new Float64Array()]) => {
      const result = new Float64Array(n);
      for (let start = 0; start < n; start += line) {
        const part = x.subarray(start, start + line);
        const mean = part.reduce((sum, value) => sum + value, 0) / line;
        const variance = part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / line;
        part.forEach((value, i) => {
          const normal = (value - mean) / Math.sqrt(variance + epsilon);
          const factor = scale === undefined ? 1 : (scale.values[scale.at[i] ?? 0] ?? 0);
          const shift = bias === undefined ? 0 : (bias.values[bias.at[i] ?? 0] ?? 0);
          result[start + i] = normal * factor + shift;
        });
      }
      return result;
    },
    cost: {
      additions: 2 * n + n / line + (bias === undefined ? 0 : n),
      multiplyAccumulates: n,
      divisions: n + (2 * n) / line,
      functions: n / line,
      multiplications: scale === undefined ? 0 : n,
    },
  };
}

function argmax({ op, types }: Site): Formula {
  const source = at(types, 0).shape;
  const axis = op.attributes.number("axis");
  const last = op.attributes.flag("selectLast");
  const sign = op.kind === "ann.argmax" ? 1 : -1;
  const { into, size } = reductionOf(source, [axis]);
  const step = stridesOf(source)[axis] ?? 1;
  return {
    compute: ([x = new Float64Array()]) => {
      const best = new Float64Array(size);
      const result = new Float64Array(size).fill(-1);
      x.forEach((value, i) => {
        const line = into[i] ?? 0;
        const [own, most] = [sign * value, best[line] ?? 0];
        if ((result[line] ?? 0) >= 0 && !(own > most || (last && own === most))) return;
        best[line] = own;
        result[line] = Math.floor(i / step) % (source[axis] ?? 1);
      });
      return result;
    },
    cost: { comparisons: sizeOf(source) },
  };
}

/**
 * Ops that work on each element by itself, with what each costs for an element of the result.
 */
import { broadcastIndex, rounderOf, spread, toEven } from "../numbers.ts";
import type { Cost, Formula, Site } from "../operation.ts";
import { at, type Attributes, sizeOf } from "../types.ts";

interface Unary {
  readonly of: (attributes: Attributes) => (x: number) => number;
  readonly cost: (attributes: Attributes) => Cost;
}

const plain = (f: (x: number) => number, cost: Cost): Unary => ({ of: () => f, cost: () => cost });

const bounds = (...limits: readonly number[]): number => limits.filter(Number.isFinite).length;
/** min(max(x, low), high), which keeps NaN. */
const clip = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

const oneFunction = { functions: 1 };
const oneComparison = { comparisons: 1 };

const unaries: Readonly<Record<string, Unary>> = {
  "ann.neg": plain((x) => -x, {}),
  "ann.abs": plain(Math.abs, oneComparison),
  "ann.relu": plain((x) => Math.max(x, 0), oneComparison),
  "ann.ceil": plain(Math.ceil, oneComparison),
  "ann.floor": plain(Math.floor, oneComparison),
  "ann.round": plain(toEven, oneComparison),
  "ann.sign": plain(Math.sign, { comparisons: 2 }),
  "ann.exp": plain(Math.exp, oneFunction),
  "ann.log": plain(Math.log, oneFunction),
  "ann.sqrt": plain(Math.sqrt, oneFunction),
  "ann.sin": plain(Math.sin, oneFunction),
  "ann.cos": plain(Math.cos, oneFunction),
  "ann.tanh": plain(Math.tanh, oneFunction),
  "ann.reciprocal": plain((x) => 1 / x, { divisions: 1 }),
  "ann.sigmoid": plain(sigmoid, { functions: 1, additions: 1, divisions: 1 }),
  "ann.softplus": plain(softplus, { comparisons: 2, functions: 2, additions: 1 }),
  "ann.softsign": plain((x) => x / (1 + Math.abs(x)), {
    comparisons: 1,
    additions: 1,
    divisions: 1,
  }),
  "ann.hard-swish": plain((x) => x * clip(x / 6 + 0.5, 0, 1), {
    ...{ multiplications: 2, additions: 1, comparisons: 2 },
  }),
  "ann.clip": {
    of: (a) => (x) => clip(x, a.number("min"), a.number("max")),
    cost: (a) => ({ comparisons: bounds(a.number("min"), a.number("max")) }),
  },
  "ann.leaky-relu": {
    of: (a) => (x) => (x >= 0 ? x : a.number("alpha") * x),
    cost: () => ({ comparisons: 1, multiplications: 1 }),
  },
  "ann.hard-sigmoid": {
    of: (a) => (x) => clip(a.number("alpha") * x + a.number("beta"), 0, 1),
    cost: () => ({ multiplications: 1, additions: 1, comparisons: 2 }),
  },
  "ann.thresholded-relu": {
    of: (a) => (x) => (x > a.number("alpha") ? x : 0),
    cost: () => oneComparison,
  },
};

const binaries: Readonly<Record<string, readonly [(a: number, b: number) => number, Cost]>> = {
  "ann.add": [(a, b) => a + b, { additions: 1 }],
  "ann.sub": [(a, b) => a - b, { additions: 1 }],
  "ann.mul": [(a, b) => a * b, { multiplications: 1 }],
  "ann.div": [(a, b) => a / b, { divisions: 1 }],
  "ann.pow": [(a, b) => a ** b, oneFunction],
  "ann.max": [Math.max, oneComparison],
  "ann.min": [Math.min, oneComparison],
  "ann.greater": [(a, b) => (a > b ? 1 : 0), oneComparison],
  "ann.less": [(a, b) => (a < b ? 1 : 0), oneComparison],
  "ann.greater-or-equal": [(a, b) => (a >= b ? 1 : 0), oneComparison],
  "ann.less-or-equal": [(a, b) => (a <= b ? 1 : 0), oneComparison],
  "ann.equal": [(a, b) => (a === b ? 1 : 0), oneComparison],
};

const times = (cost: Cost, n: number): Cost =>
  Object.fromEntries(Object.entries(cost).map(([kind, count]) => [kind, count * n]));

export function elementwise({ op, types }: Site): Formula | undefined {
  const size = sizeOf(op.type.shape);
  const unary = unaries[op.kind];
  if (unary !== undefined) {
    const f = unary.of(op.attributes);
    return {
      compute: ([x = new Float64Array()]) => x.map(f),
      cost: times(unary.cost(op.attributes), size),
    };
  }
  if (op.kind === "ann.gelu" && op.attributes.text("approximate") === "tanh") {
    const cost = { multiplications: 6, additions: 2, functions: 1 };
    return { compute: ([x = new Float64Array()]) => x.map(geluTanh), cost: times(cost, size) };
  }
  const binary = binaries[op.kind];
  if (binary !== undefined) {
    const [f, cost] = binary;
    const left = broadcastIndex(at(types, 0).shape, op.type.shape);
    const right = broadcastIndex(at(types, 1).shape, op.type.shape);
    return {
      compute: ([a = new Float64Array(), b = new Float64Array()]) =>
        new Float64Array(size).map((_, i) => f(a[left[i] ?? 0] ?? 0, b[right[i] ?? 0] ?? 0)),
      cost: times(cost, size),
    };
  }
  return affine({ op, types, constants: [] }) ?? quantized({ op, types, constants: [] });
}

function affine({ op }: Site): Formula | undefined {
  const size = sizeOf(op.type.shape);
  if (op.kind === "ann.affine") {
    const [scale, shift] = ["scale", "shift"].map((name) => {
      const tensor = op.attributes.tensor(name);
      return spread(tensor.values, tensor.shape, op.type.shape);
    });
    if (scale === undefined || shift === undefined) return undefined;
    return {
      compute: ([x = new Float64Array()]) =>
        x.map((value, i) => value * (scale[i] ?? 0) + (shift[i] ?? 0)),
      cost: {
        multiplications: scale.every((s) => s === 1) ? 0 : size,
        additions: shift.every((s) => s === 0) ? 0 : size,
      },
    };
  }
  if (op.kind === "ann.batchnorm") {
    const [scale, bias, mean, variance] = ["scale", "bias", "mean", "variance"].map((name) => {
      const { values } = op.attributes.tensor(name);
      return spread(values, [values.length, ...op.type.shape.slice(2).map(() => 1)], op.type.shape);
    });
    const epsilon = op.attributes.number("epsilon");
    return {
      compute: ([x = new Float64Array()]) =>
        x.map((value, i) => {
          const deviation = Math.sqrt((variance?.[i] ?? 0) + epsilon);
          return ((value - (mean?.[i] ?? 0)) / deviation) * (scale?.[i] ?? 0) + (bias?.[i] ?? 0);
        }),
      cost: { multiplications: size, additions: size },
    };
  }
  return undefined;
}

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  ...{ i8: [-128, 127], u8: [0, 255], i16: [-32768, 32767], u16: [0, 65535] },
  i32: [-(2 ** 31), 2 ** 31 - 1],
};

/** Casts, and to and from quantised integers. */
function quantized({ op, types }: Site): Formula | undefined {
  const size = sizeOf(op.type.shape);
  if (op.kind === "ann.cast") return { compute: ([x = new Float64Array()]) => x.slice(), cost: {} };
  const down = op.kind === "ann.quantize-linear";
  if (!down && op.kind !== "ann.dequantize-linear") return undefined;
  const axis = op.attributes.number("axis");
  const perAxis = (operand: number): Int32Array => {
    const { shape } = at(types, operand);
    if (sizeOf(shape) === 1) return new Int32Array(size);
    const after = op.type.shape.slice(axis + 1).map(() => 1);
    return broadcastIndex([...shape, ...after], op.type.shape);
  };
  const [scaleAt, zeroAt] = [perAxis(1), perAxis(2)];
  const roundScale = rounderOf(at(types, 1).dtype);
  const [low, high] = ranges[op.type.dtype] ?? [-Infinity, Infinity];
  return {
    compute: ([x = new Float64Array(), scale, zero]) =>
      x.map((value, i) => {
        const s = scale?.[scaleAt[i] ?? 0] ?? 0;
        const z = zero?.[zeroAt[i] ?? 0] ?? 0;
        return down ? clip(toEven(roundScale(value / s)) + z, low, high) : (value - z) * s;
      }),
    cost: down
      ? { divisions: size, comparisons: 3 * size, additions: size }
      : { additions: size, multiplications: size },
  };
}

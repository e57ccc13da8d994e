/**
 * Ops that work on each element by itself, with what each costs for an element of the result.
 */
import { broadcastIndex, rounderOf, spread, toEven } from "../numbers.ts";
import type { Cost, Formula, Site } from "../operation.ts";
import { refuse } from "../refusal.ts";
import { at, type Op, sizeOf } from "../types.ts";
import { clip, unaries } from "./functions.ts";

const oneComparison = { comparisons: 1 };

/** C's: 1 to any power is 1, and −1 to an infinite one. */
const power = (a: number, b: number): number =>
  a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;

const binaries: Readonly<Record<string, readonly [(a: number, b: number) => number, Cost]>> = {
  "ann.add": [(a, b) => a + b, { additions: 1 }],
  "ann.sub": [(a, b) => a - b, { additions: 1 }],
  "ann.mul": [(a, b) => a * b, { multiplications: 1 }],
  "ann.div": [(a, b) => a / b, { divisions: 1 }],
  "ann.pow": [power, { functions: 1 }],
  "ann.max": [Math.max, oneComparison],
  "ann.min": [Math.min, oneComparison],
  "ann.greater": [(a, b) => (a > b ? 1 : 0), oneComparison],
  "ann.less": [(a, b) => (a < b ? 1 : 0), oneComparison],
  "ann.greater-or-equal": [(a, b) => (a >= b ? 1 : 0), oneComparison],
  "ann.less-or-equal": [(a, b) => (a <= b ? 1 : 0), oneComparison],
  "ann.equal": [(a, b) => (a === b ? 1 : 0), oneComparison],
  "ann.and": [(a, b) => (a !== 0 && b !== 0 ? 1 : 0), oneComparison],
  "ann.or": [(a, b) => (a !== 0 || b !== 0 ? 1 : 0), oneComparison],
  "ann.xor": [(a, b) => ((a !== 0) === (b !== 0) ? 0 : 1), oneComparison],
};

const times = (cost: Cost, n: number): Cost =>
  Object.fromEntries(Object.entries(cost).map(([kind, count]) => [kind, count * n]));

/** What whole numbers do otherwise: 0 where divided by 0, the low 32 bits of a product. */
function wholes({ kind, type: { dtype } }: Op): ((a: number, b: number) => number) | undefined {
  const isFloat = ["f64", "f32", "f16", "bf16"].includes(dtype);
  if (kind === "ann.div" && !isFloat) return (a, b) => (b === 0 ? 0 : a / b);
  if (kind === "ann.pow" && !isFloat) return refuse("Powers of whole numbers are not known here.");
  return kind === "ann.mul" && (dtype === "i32" || dtype === "u32") ? Math.imul : undefined;
}

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
  const binary = binaries[op.kind];
  if (binary !== undefined) {
    const [plain, cost] = binary;
    const f = wholes(op) ?? plain;
    const left = broadcastIndex(at(types, 0).shape, op.type.shape);
    const right = broadcastIndex(at(types, 1).shape, op.type.shape);
    return {
      compute: ([a = new Float64Array(), b = new Float64Array()]) =>
        new Float64Array(size).map((_, i) => f(a[left[i] ?? 0] ?? 0, b[right[i] ?? 0] ?? 0)),
      cost: times(cost, size),
    };
  }
  if (op.kind === "ann.where") {
    const [which, yes, no] = types.map(({ shape }) => broadcastIndex(shape, op.type.shape));
    return {
      compute: ([c = new Float64Array(), a = new Float64Array(), b = new Float64Array()]) =>
        new Float64Array(size).map((_, i) =>
          c[which?.[i] ?? 0] === 0 ? (b[no?.[i] ?? 0] ?? 0) : (a[yes?.[i] ?? 0] ?? 0),
        ),
      cost: { comparisons: size },
    };
  }
  if (op.kind === "ann.prelu") {
    const { values, shape } = op.attributes.tensor("slope");
    const slope = spread(values, shape, op.type.shape);
    return {
      compute: ([x = new Float64Array()]) => x.map((v, i) => (v >= 0 ? v : (slope[i] ?? 0) * v)),
      cost: { comparisons: size, multiplications: size },
    };
  }
  if (op.kind === "ann.fake-quantize") return fakeQuantize({ op, types, constants: [] });
  return affine({ op, types, constants: [] }) ?? quantized({ op, types, constants: [] });
}

const nearestWhole: Readonly<Record<string, (x: number) => number>> = {
  ...{ nearest: toEven, floor: Math.floor, ceil: Math.ceil },
};

function fakeQuantize({ op }: Site): Formula {
  const size = sizeOf(op.type.shape);
  const [step = 1, low = 0, high = 0] = ["step", "low", "high"].map((name) =>
    op.attributes.number(name),
  );
  const mode = op.attributes.text("rounding");
  const round = nearestWhole[mode] ?? refuse(`No rounding of ann.fake-quantize: ${mode}`);
  const fl = rounderOf(op.type.dtype);
  const bounds = [low, high].filter(Number.isFinite).length;
  return {
    compute: ([x = new Float64Array()]) =>
      x.map((v) => step * clip(round(fl(v / step)), low, high)),
    cost: times({ divisions: 1, comparisons: 1 + bounds, multiplications: 1 }, size),
  };
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

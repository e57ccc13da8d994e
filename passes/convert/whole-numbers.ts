/**
 * Which values of an analogue network are whole numbers, and within which bounds: what products and
 * sums of integers may be computed in floats for, without a wrap-around that integers would have had.
 * Looks at weights, constants and element types; at no sample.
 */
import { type Module, tensorAt } from "../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../ir/op/op.ts";
import { rangeOf as rangeOfTensor } from "../../ir/analysis/range.ts";
import { dtypeLimits as rangeOfDType } from "../../ir/semantics/values/scalar.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount, isFloat } from "../../ir/type.ts";

/** A whole number from `low` to `high`. */
export interface Whole {
  readonly low: number;
  readonly high: number;
  /** Whether the op computes it of whole numbers; else it is only known by its type. */
  readonly computed: boolean;
}

/** Whole numbers beyond these are not followed: no sum of 32 bits holds them. */
const largest = 2 ** 31;

/** The values of `module` that hold nothing but whole numbers, with their bounds. */
export function wholeNumbers(module: Module): ReadonlyMap<ValueId, Whole> {
  const known = new Map<ValueId, Whole>();
  const ops = new Map(module.ops.map((op) => [op.result, op]));
  for (const op of module.ops) {
    const found = boundsOf(op, known, module, ops);
    const [least, most] = rangeOfDType(op.type.dtype);
    const fits =
      found !== null &&
      found.low >= Math.max(least, -largest) &&
      found.high <= Math.min(most, largest);
    if (fits) known.set(op.result, { ...found, computed: true });
    else if (!isFloat(op.type.dtype) && least >= -largest && most < largest) {
      known.set(op.result, { low: least, high: most, computed: false });
    }
  }
  return known;
}

type Bounds = Pick<Whole, "low" | "high">;

function boundsOf(
  op: Op,
  known: ReadonlyMap<ValueId, Bounds>,
  module: Module,
  ops: ReadonlyMap<ValueId, Op>,
): Bounds | null {
  if (isOp(op, "ann.constant")) return boundsOfTensor(tensorAt(module, op.attrs.value));
  const operands = op.inputs.map((value) => known.get(value));
  const [x, y] = operands;
  const [first] = op.inputs;
  if (x === undefined || first === undefined) return null;
  const tensor = (ref: string): Tensor => tensorAt(module, ref);
  switch (op.kind) {
    case "ann.cast":
    case "ann.identity":
    case "ann.reshape":
    case "ann.transpose":
    case "ann.slice":
    case "ann.expand":
    case "ann.tile":
    case "ann.gather":
    case "ann.max-pool":
    case "ann.reduce-max":
    case "ann.reduce-min":
      return elementCount(op.type.shape) > 0 ? x : null;
    case "ann.trilu":
      return hull(x, { low: 0, high: 0 });
    case "ann.concat":
      return operands.reduce<Bounds | null>(
        (all, each) => (all === null || each === undefined ? null : hull(all, each)),
        x,
      );
    case "ann.pad": {
      const { mode, value } = op.attrs;
      if (mode !== "constant") return x;
      return Number.isInteger(value) ? hull(x, { low: value, high: value }) : null;
    }
    case "ann.neg":
      return { low: -x.high, high: -x.low };
    case "ann.relu":
      return { low: Math.max(0, x.low), high: Math.max(0, x.high) };
    case "ann.clip": {
      const { min, max } = op.attrs;
      if (!isWhole(min) || !isWhole(max)) return null;
      const clip = (value: number): number => Math.min(max, Math.max(min, value));
      return { low: clip(x.low), high: clip(x.high) };
    }
    case "ann.add":
      return y === undefined ? null : { low: x.low + y.low, high: x.high + y.high };
    case "ann.sub":
      return y === undefined ? null : { low: x.low - y.high, high: x.high - y.low };
    case "ann.mul":
      return y === undefined ? null : products(x, y);
    case "ann.max":
      if (y === undefined) return null;
      return { low: Math.max(x.low, y.low), high: Math.max(x.high, y.high) };
    case "ann.min":
      if (y === undefined) return null;
      return { low: Math.min(x.low, y.low), high: Math.min(x.high, y.high) };
    case "ann.matmul": {
      const terms = ops.get(first)?.type.shape.at(-1) ?? 0;
      return y === undefined ? null : sums(products(x, y), terms);
    }
    case "ann.reduce-sum": {
      const from = elementCount(ops.get(first)?.type.shape ?? []);
      return sums(x, from / Math.max(1, elementCount(op.type.shape)));
    }
    case "ann.linear":
    case "ann.conv":
    case "ann.conv-transpose": {
      const weight = tensor(op.attrs.weight);
      const weights = boundsOfTensor(weight);
      const bias = op.attrs.bias === null ? nothing : boundsOfTensor(tensor(op.attrs.bias));
      if (weights === null || bias === null) return null;
      const [outputs = 1, inputs = 1] = weight.shape;
      const channels = op.kind === "ann.conv-transpose" ? inputs : outputs;
      const sum = sums(products(x, weights), weight.data.length / Math.max(1, channels));
      return { low: sum.low + bias.low, high: sum.high + bias.high };
    }
    case "ann.affine": {
      const scale = boundsOfTensor(tensor(op.attrs.scale));
      const shift = boundsOfTensor(tensor(op.attrs.shift));
      if (scale === null || shift === null) return null;
      const scaled = products(x, scale);
      return { low: scaled.low + shift.low, high: scaled.high + shift.high };
    }
    default:
      return null;
  }
}

const nothing: Bounds = { low: 0, high: 0 };

/** Infinite bounds are those of a clip that is open on that side. */
function isWhole(bound: number): boolean {
  return Number.isInteger(bound) || Math.abs(bound) === Infinity;
}

function boundsOfTensor(value: Tensor): Bounds | null {
  if (value.data.length === 0 || value.dtype === "bool") return null;
  if (isFloat(value.dtype) && !value.data.every(Number.isInteger)) return null;
  const { min, max } = rangeOfTensor(value);
  return { low: min, high: max };
}

function hull(a: Bounds, b: Bounds): Bounds {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

function products(a: Bounds, b: Bounds): Bounds {
  const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  return { low: Math.min(...corners), high: Math.max(...corners) };
}

/** Of up to `count` terms: those of a window may lie in the padding. */
function sums(term: Bounds, count: number): Bounds {
  return { low: Math.min(0, term.low) * count, high: Math.max(0, term.high) * count };
}

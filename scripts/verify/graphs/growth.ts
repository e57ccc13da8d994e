/**
 * A network under construction from a seed: values of any type and shape, of which each next op takes
 * some. Nothing is drawn but from the seed and a counter, so that a number names a network.
 */
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { uniform } from "../../../ir/random.ts";
import { type Tensor, type TensorRef, tensorOf } from "../../../ir/tensor.ts";
import {
  type DType,
  type Shape,
  type Type,
  broadcastShapes,
  elementCount,
  isFloat,
  real,
} from "../../../ir/type.ts";

/**
 * The number that `share`, from 0 up to 1, stands for: in eighths from `least` to 12, or on a grid of
 * whole numbers in a type of integers.
 */
export function numberOf(share: number, dtype: DType, grid: Grid, least = -12): number {
  if (isFloat(dtype) && grid === "any") return Math.fround((least + share * (12 - least)) / 8);
  const x = least + Math.floor(share * (13 - least));
  if (isFloat(dtype)) return x / 8;
  if (dtype === "bool") return x > 0 ? 1 : 0;
  return dtype.startsWith("u") ? Math.abs(x) : x;
}

/** No value gets larger. */
const mostElements = 512;

/**
 * What floats are: eighths, of which sums are exact in any order, so that engines have to agree in every
 * bit; or any float32, of which they are not.
 */
export type Grid = "eighths" | "any";

export class Growth {
  readonly builder = new Builder();
  readonly values: ValueId[] = [];
  private readonly seed: number;
  private readonly grid: Grid;
  private draws = 0;

  constructor(seed: number, grid: Grid) {
    this.seed = seed;
    this.grid = grid;
  }

  /** From 0 up to 1. */
  draw(): number {
    return uniform(this.seed, this.draws++, 0, 0);
  }

  /** A whole number from `low` to `high`. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.draw() * (high - low + 1));
  }

  flag(chance = 0.5): boolean {
    return this.draw() < chance;
  }

  pick<const T>(from: readonly [T, ...T[]]): T {
    return from[this.whole(0, from.length - 1)] ?? from[0];
  }

  typeOf(value: ValueId): Type {
    return this.builder.typeOf(value);
  }

  shapeOf(value: ValueId): Shape {
    return this.typeOf(value).shape;
  }

  loc(kind: string): ReturnType<typeof sourceLoc> {
    return sourceLoc("random.onnx", `/${kind}/${this.builder.ops.length}`, kind);
  }

  input(type: Type): ValueId {
    const count = this.builder.ops.filter(({ kind }) => kind === "ann.input").length;
    const value = this.builder.input(`x${count}`, type, this.loc("Input"));
    this.values.push(value);
    return value;
  }

  /** Floats from −1.5 to 1.5; whole numbers of a few bits in integer types. */
  numbers(dtype: DType, shape: Shape, sign: "any" | "positive" = "any"): Tensor {
    const least = sign === "positive" ? 1 : -12;
    const draw = (): number => numberOf(this.draw(), dtype, this.grid, least);
    return tensorOf(dtype, shape, Array.from({ length: elementCount(shape) }, draw));
  }

  tensor(dtype: DType, shape: Shape, sign: "any" | "positive" = "any"): TensorRef {
    return this.builder.tensor("t", this.numbers(dtype, shape, sign));
  }

  constant(dtype: DType, shape: Shape, sign: "any" | "positive" = "any"): ValueId {
    return this.builder.constant("c", this.numbers(dtype, shape, sign), this.loc("Constant"));
  }

  /** Whole numbers in [low, high], as a constant. */
  indices(shape: Shape, low: number, high: number, dtype: DType = "i64"): ValueId {
    const values = Array.from({ length: elementCount(shape) }, () => this.whole(low, high));
    return this.builder.constant("index", tensorOf(dtype, shape, values), this.loc("Index"));
  }

  cast(value: ValueId, to: DType): ValueId {
    if (this.typeOf(value).dtype === to) return value;
    return this.builder.add("ann.cast", [value], { to, saturate: true }, this.loc("Cast"));
  }

  reshape(value: ValueId, shape: Shape): ValueId {
    return this.builder.add("ann.reshape", [value], { shape }, this.loc("Reshape"));
  }

  /** The value with this many axes at least, those before being of extent 1. */
  ofRank(value: ValueId, rank: number): ValueId {
    const shape = this.shapeOf(value);
    if (shape.length >= rank) return value;
    const missing = new Array<number>(rank - shape.length).fill(1);
    return this.reshape(value, [...shape.slice(0, 1), ...missing, ...shape.slice(1)]);
  }

  /** The value as [1, channels, …space] with one to three axes of space. */
  image(value: ValueId): ValueId {
    const { shape } = this.typeOf(value);
    if (shape.length >= 3 && shape.length <= 5) return value;
    const count = elementCount(shape);
    const width = [4, 3, 2, 1].find((w) => count % (w * w) === 0) ?? 1;
    return this.reshape(value, [1, count / (width * width), width, width]);
  }

  /**
   * A shape that broadcasts with `shape`: some axes of extent 1, some leading ones left out, and at times
   * an axis of extent 1 that the other makes larger.
   */
  alike(shape: Shape): Shape {
    const cut = this.flag(0.3) ? this.whole(0, shape.length) : 0;
    const grown = elementCount(shape) * 3 <= mostElements && this.flag(0.3);
    return shape.slice(cut).map((extent) => {
      if (extent === 1) return grown && this.flag() ? this.whole(2, 3) : 1;
      return this.flag(0.4) ? 1 : extent;
    });
  }

  /** Another operand for an op with broadcasting: of this type, in any position. */
  partner(value: ValueId, dtype: DType): ValueId {
    const shape = this.shapeOf(value);
    const earlier = this.values.filter((other) => {
      const joined = broadcastShapes(shape, this.shapeOf(other));
      return joined !== null && elementCount(joined) <= mostElements;
    });
    const one = earlier[this.whole(0, Math.max(0, earlier.length - 1))];
    switch (this.whole(0, 3)) {
      case 0:
        return this.constant(dtype, this.alike(shape));
      case 1:
        return this.input(real(dtype, this.alike(shape)));
      case 2:
        return this.reduced(value, dtype);
      default:
        return one === undefined ? this.constant(dtype, this.alike(shape)) : this.cast(one, dtype);
    }
  }

  isSmall(value: ValueId): boolean {
    return elementCount(this.shapeOf(value)) * 2 <= mostElements;
  }

  /** The value itself, less some axes: what global pooling and attention to channels broadcast. */
  private reduced(value: ValueId, dtype: DType): ValueId {
    const axes = this.shapeOf(value).flatMap((_, axis) => (this.flag() ? [axis] : []));
    const kind = this.flag() ? ("ann.reduce-sum" as const) : ("ann.reduce-mean" as const);
    const made = this.builder.tryAdd(kind, [value], { axes, keepDims: true }, this.loc("Reduce"));
    return this.cast(made.ok ? made.value : value, dtype);
  }
}

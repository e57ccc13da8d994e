/** The steps that random integer networks are made of. */
import { Builder } from "../../ir/build.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { OpAttrs, OpKind, ValueId } from "../../ir/op/op.ts";
import { uniform } from "../../ir/random.ts";
import { type TensorRef, tensorOf } from "../../ir/tensor.ts";
import { type DType, type Shape, type Type, elementCount, real, sameShape } from "../../ir/type.ts";
import { reachable } from "../../ir/analysis/walk.ts";
import type { RandomNetwork } from "./module.ts";

export interface Step {
  readonly kind: StepKind;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly seed: number;
}

/** Codes that integer networks are made in. */
export type IntegerCode = "rate" | "few-spikes" | "ttfs";

/** Values larger than this are not enlarged further. */
const mostElements = 512;

/** Frames have no more timesteps. */
export const mostTicks = 20;

/** No integer gets larger than this, so that dozens of them can be summed over time. */
const largestMagnitude = 2 ** 24;

export class IntegerSketch {
  private readonly builder = new Builder();
  private readonly values: ValueId[] = [];
  private readonly magnitudes = new Map<ValueId, number>();
  private draws = 0;
  private readonly code: IntegerCode;
  seed = 0;

  constructor(code: IntegerCode = "rate") {
    this.code = code;
  }

  /** Whether what is added here would be added at each timestep of a frame. */
  get isInFrame(): boolean {
    return this.code !== "rate" && this.type.domain !== "real";
  }

  /** The i32 current that neurons are to be on: increments where they take frames. */
  current(): boolean {
    if (this.type.dtype === "i32" && this.type.domain === "real" && this.code !== "rate") {
      this.add("snn.difference", {}, 2 * this.magnitudeOf(this.last));
    }
    const { dtype, domain } = this.type;
    return dtype === "i32" && domain !== "spike" && !(this.code !== "rate" && domain === "real");
  }

  get last(): ValueId {
    const value = this.values[this.values.length - 1];
    if (value === undefined) throw new TypeError("a sketch without an input");
    return value;
  }

  get type(): Type {
    return this.builder.typeOf(this.last);
  }

  get shape(): Shape {
    return this.type.shape;
  }

  get isImage(): boolean {
    return this.shape.length === 4;
  }

  get isSmall(): boolean {
    return elementCount(this.shape) <= mostElements;
  }

  /** An f32 input, quantised to i8, or to u8 where it is not to be negative. */
  input(shape: Shape, to: "i8" | "u8"): void {
    const x = this.builder.input("x", real("f32", shape), this.loc("Input"));
    const scale = this.builder.constant("scale", tensorOf("f32", [], [1 / 64]), this.loc("Scale"));
    const zero = this.builder.constant("zero", tensorOf(to, [], [0]), this.loc("Zero"));
    const q = this.builder.add(
      "ann.quantize-linear",
      [x, scale, zero],
      { axis: 0, to },
      this.loc("Quantize"),
    );
    this.keep(q, 255);
  }

  magnitudeOf(value: ValueId): number {
    return this.magnitudes.get(value) ?? 0;
  }

  /** Adds an op where its operands fit and its result stays small enough. */
  add<K extends OpKind>(
    kind: K,
    attrs: OpAttrs[K],
    magnitude: number,
    inputs: readonly ValueId[] = [this.last],
  ): void {
    if (magnitude > largestMagnitude) return;
    const added = this.builder.tryAdd(kind, inputs, attrs, this.loc(kind));
    if (added.ok) this.keep(added.value, magnitude);
  }

  integers(hint: string, dtype: DType, shape: Shape, low: number, high: number): TensorRef {
    const values = Array.from(
      { length: elementCount(shape) },
      () => low + Math.floor(uniform(this.seed, this.draws++, 0, 0) * (high - low + 1)),
    );
    return this.builder.tensor(hint, tensorOf(dtype, shape, values));
  }

  /** i8 weights, mostly of the whole range; a third of them 0. */
  weights(hint: string, shape: Shape): TensorRef {
    const values = Array.from({ length: elementCount(shape) }, () => {
      const draw = uniform(this.seed, this.draws++, 0, 0);
      return draw < 1 / 3 ? 0 : Math.floor((draw - 1 / 3) * 1.5 * 256) - 128;
    });
    return this.builder.tensor(hint, tensorOf("i8", shape, values));
  }

  /** An earlier i32 value of this shape. */
  earlier(choice: number): ValueId | null {
    const alike = this.values.filter((value) => {
      const { domain, dtype, shape } = this.builder.typeOf(value);
      const fits = this.code === "rate" || (domain === "real") === (this.type.domain === "real");
      return value !== this.last && dtype === "i32" && fits && sameShape(shape, this.shape);
    });
    return alike[choice % Math.max(1, alike.length)] ?? null;
  }

  take(step: Step): void {
    this.seed = step.seed;
    steps[step.kind](this, step);
  }

  /** Reads the last value out, and scales each output by its own float. */
  finish(timesteps: number, start: number): RandomNetwork["module"] {
    if (this.code === "rate") this.add("snn.readout", { start }, 0);
    else this.add("snn.accumulate", {}, 0);
    const axis = this.shape.length >= 2 ? 1 : 0;
    const scale = tensorOf(
      "f32",
      this.shape.map((extent, i) => (i === axis ? extent : 1)),
      Array.from({ length: this.shape[axis] ?? 1 }, (_, i) => (i + 1) / 4096),
    );
    this.add(
      "ann.affine",
      {
        scale: this.builder.tensor("out.scale", scale),
        shift: this.builder.tensor("out.shift", tensorOf("f32", [], [0])),
      },
      0,
    );
    const options = {
      name: "random-integer",
      code: this.code,
      timesteps,
      properties: new Set(["spiking", "integer"] as const),
      outputs: [{ name: "out", value: this.last }],
    } as const;
    const all = this.builder.finish(options);
    const needed = reachable(all);
    const kept = new Builder({ tensors: all.tensors });
    for (const op of all.ops) {
      if (op.kind === "ann.input" || needed.has(op.result)) kept.push(op);
    }
    return kept.finish(options);
  }

  private keep(value: ValueId, magnitude: number): void {
    this.values.push(value);
    this.magnitudes.set(value, magnitude);
  }

  private loc(op: string): ReturnType<typeof sourceLoc> {
    return sourceLoc("random.onnx", `/${op}/${this.builder.ops.length}`, op);
  }
}

/** A convolution over the last value; each output sums `taps` products of a weight up to 128. */
function convolve(
  sketch: IntegerSketch,
  { a, b, c }: Step,
  channels: { readonly out: number; readonly groups: number; readonly kernel: number },
): void {
  const { out, groups, kernel } = channels;
  const [, into = 1, height = 1, width = 1] = sketch.shape;
  const pad = a % 2 === 0 && Math.min(height, width) >= kernel ? 0 : kernel >> 1;
  const taps = (into / groups) * kernel * kernel;
  const stride = 1 + (b % 2);
  sketch.add(
    "ann.conv",
    {
      strides: [stride, stride],
      padsBegin: [pad, pad],
      padsEnd: [pad, pad],
      dilations: [1, 1],
      weight: sketch.weights("conv.weight", [out, into / groups, kernel, kernel]),
      bias:
        c % 3 === 0 || sketch.isInFrame
          ? null
          : sketch.integers("conv.bias", "i32", [out], -2000, 2000),
      groups,
    },
    sketch.magnitudeOf(sketch.last) * taps * 128 + 2000,
  );
}

/** A parameter's shape: one for all, one per channel, or one per element. */
function parameterShape({ shape }: IntegerSketch, choice: number): Shape {
  if (choice % 4 === 0) return [];
  return choice % 4 === 1 ? shape : shape.map((extent, axis) => (axis === 1 ? extent : 1));
}

const steps = {
  conv: (sketch, step) => {
    if (!sketch.isImage) return;
    const channels = sketch.shape[1] ?? 1;
    const groups = channels % 2 === 0 && step.a % 4 === 3 ? 2 : 1;
    const out = groups * (1 + (step.b % 9));
    convolve(sketch, step, { out, groups, kernel: 1 + (step.c % 3) });
  },
  depthwise: (sketch, step) => {
    const channels = sketch.shape[1] ?? 1;
    if (!sketch.isImage) return;
    convolve(sketch, step, { out: channels, groups: channels, kernel: 1 + 2 * (step.c % 2) });
  },
  /** What an average-pool becomes: weights of 1. */
  "sum-pool": (sketch, { a }) => {
    if (!sketch.isImage) return;
    const channels = sketch.shape[1] ?? 1;
    const size = 1 + (a % 3);
    sketch.add(
      "ann.conv",
      {
        strides: [size, size],
        padsBegin: [0, 0],
        padsEnd: [0, 0],
        dilations: [1, 1],
        weight: sketch.integers("ones", "i8", [channels, 1, size, size], 1, 1),
        bias: null,
        groups: channels,
      },
      sketch.magnitudeOf(sketch.last) * size * size,
    );
  },
  "conv-transpose": (sketch, { a, b }) => {
    if (!sketch.isImage || !sketch.isSmall) return;
    const [, into = 1] = sketch.shape;
    const out = 1 + (b % 3);
    const stride = 1 + (a % 2);
    sketch.add(
      "ann.conv-transpose",
      {
        strides: [stride, stride],
        padsBegin: [0, 0],
        padsEnd: [0, 0],
        dilations: [1, 1],
        weight: sketch.weights("up.weight", [into, out, 2, 2]),
        bias: null,
        groups: 1,
        outputPadding: [0, 0],
      },
      sketch.magnitudeOf(sketch.last) * into * 4 * 128,
    );
  },
  linear: (sketch, { b, c }) => {
    const into = sketch.shape[sketch.shape.length - 1] ?? 1;
    const out = 1 + (b % 8) * 3;
    sketch.add(
      "ann.linear",
      {
        weight: sketch.weights("fc.weight", [out, into]),
        bias:
          c % 2 === 0 && !sketch.isInFrame
            ? sketch.integers("fc.bias", "i32", [out], -500, 500)
            : null,
      },
      sketch.magnitudeOf(sketch.last) * into * 128 + 500,
    );
  },
  affine: (sketch, { a, b }) => {
    const most = sketch.isInFrame ? 0 : 300;
    sketch.add(
      "ann.affine",
      {
        scale: sketch.integers("scale", "i8", parameterShape(sketch, a), -128, 127),
        shift: sketch.integers("shift", "i32", parameterShape(sketch, b), -most, most),
      },
      sketch.magnitudeOf(sketch.last) * 128 + most,
    );
  },
  neuron: (sketch, { a, b, c }) => {
    if (!sketch.current()) return;
    const high = Math.max(1, Math.min(2000, sketch.magnitudeOf(sketch.last) >> 3));
    sketch.add(
      "snn.if",
      {
        threshold: sketch.integers("threshold", "i32", parameterShape(sketch, a), 1, high),
        vInit: sketch.integers("v", "i32", parameterShape(sketch, b), -high >> 1, high),
        amplitude: sketch.integers("one", "i8", [], 1, 1),
        reset: c > 5 ? "zero" : "subtract",
      },
      1,
    );
  },
  graded: (sketch, { a, b, c }) => {
    if (!sketch.current()) return;
    const high = Math.max(1, Math.min(2000, sketch.magnitudeOf(sketch.last) >> 4));
    const parameter = (hint: string, choice: number, low: number): TensorRef =>
      sketch.integers(hint, "i32", parameterShape(sketch, choice), low, high);
    const bits = 1 + (b % 4);
    const most = 4;
    const rows = a > 4 ? 1 + (b % 3) : 0;
    const finest = 3;
    sketch.add(
      "snn.graded",
      {
        threshold: parameter("threshold", a, 1),
        vInit: parameter("v", b, -high >> 1),
        amplitude: sketch.integers("sizes", "i32", parameterShape(sketch, c), -1, most),
        ceiling: c > 5 ? parameter("ceiling", a + b, 1) : null,
        bits,
        alphabet: c % 2 === 0 ? "word" : "power",
        sign: a % 3 === 0 ? "positive" : a % 3 === 1 ? "retract" : "free",
        schedule: rows > 0 ? "table" : "constant",
        shares:
          rows > 0
            ? sketch.integers("shares", "i32", [rows, ...parameterShape(sketch, c)], 1, finest)
            : null,
      },
      most * (2 ** bits - 1) * (rows > 0 ? finest : 1),
    );
  },
  lif: (sketch, { a, b, c, seed }) => {
    if (!sketch.current()) return;
    const high = Math.max(1, Math.min(2000, sketch.magnitudeOf(sketch.last) >> 2));
    sketch.add(
      "snn.lif",
      {
        threshold: sketch.integers("threshold", "i32", parameterShape(sketch, a), 1, high),
        vInit: sketch.integers("v", "i32", parameterShape(sketch, b), -high, 2 * high),
        amplitude: sketch.integers("sizes", "i32", parameterShape(sketch, c), -2, 5),
        leak: (1 + ((seed * 65) % 65535)) / 65536,
        refractory: Math.max(0, b - 4),
        spikeTime: "step",
        reset: c % 2 === 0 ? "zero" : "subtract",
      },
      5,
    );
  },
  "few-spikes": (sketch, { a, b, c }) => {
    if (!sketch.current()) return;
    const high = Math.max(1, Math.min(2000, sketch.magnitudeOf(sketch.last) >> 4));
    const rows = (hint: string, choice: number, low: number, most: number): TensorRef =>
      sketch.integers(hint, "i32", [1 + b, ...parameterShape(sketch, choice)], low, most);
    const threshold = rows("threshold", a, c > 5 ? -high : 1, high);
    sketch.add(
      "snn.few-spikes",
      {
        threshold,
        reset: a > 3 ? threshold : rows("reset", b, -(high >> 2), high),
        amplitude: rows("sizes", c, -2, 9),
        vInit: sketch.integers("v", "i32", parameterShape(sketch, c), -high, high),
      },
      9 * (1 + b),
    );
  },
  ttfs: (sketch, { a, b, c }) => {
    if (!sketch.current()) return;
    const high = Math.max(1, Math.min(2000, sketch.magnitudeOf(sketch.last) >> 3));
    const most = 9;
    sketch.add(
      "snn.ttfs",
      {
        threshold: sketch.integers("threshold", "i32", parameterShape(sketch, a), 1, high),
        vInit: sketch.integers("v", "i32", parameterShape(sketch, b), -high, high),
        amplitude: sketch.integers("sizes", "i32", parameterShape(sketch, c), -1, most),
        resolution: "tick",
      },
      most * mostTicks,
    );
  },
  "temporal-bias": (sketch, { a, b }) => {
    const shape = [1 + b, ...parameterShape(sketch, a)];
    const table = sketch.integers("table", "i32", shape, -500, 500);
    sketch.add("snn.temporal-bias", { table }, sketch.magnitudeOf(sketch.last) + 500);
  },
  "max-pool": (sketch, { a, b, c }) => {
    if (!sketch.isImage) return;
    const size = 1 + (a % 3);
    const attrs = {
      strides: [1 + (b % 2), 1 + (b % 2)],
      padsBegin: [0, 0],
      padsEnd: [0, 0],
      dilations: [1, 1],
      kernel: [size, size],
      ceilMode: c > 5,
    };
    const magnitude = sketch.magnitudeOf(sketch.last);
    if (sketch.type.domain === "real") sketch.add("ann.max-pool", attrs, magnitude);
    else sketch.add("snn.max-pool", attrs, magnitude);
  },
  residual: (sketch, { a, b }) => {
    const other = sketch.earlier(a);
    if (other === null || sketch.type.dtype !== "i32") return;
    const magnitude = sketch.magnitudeOf(sketch.last) + sketch.magnitudeOf(other);
    sketch.add(b % 4 === 0 ? "ann.sub" : "ann.add", {}, magnitude, [sketch.last, other]);
  },
  concat: (sketch, { a }) => {
    const other = sketch.earlier(a);
    if (other === null || !sketch.isSmall || sketch.type.dtype !== "i32") return;
    const magnitude = Math.max(sketch.magnitudeOf(sketch.last), sketch.magnitudeOf(other));
    sketch.add("ann.concat", { axis: 1 }, magnitude, [sketch.last, other]);
  },
  pad: (sketch, { a, b }) => {
    if (!sketch.isSmall) return;
    const at = (axis: number, count: number): number[] =>
      sketch.shape.map((_, i) => (i === axis ? count : 0));
    const axis = 1 + (a % (sketch.shape.length - 1));
    sketch.add(
      "ann.pad",
      { begin: at(axis, b % 3), end: at(axis, a % 2), mode: "constant", value: 0 },
      sketch.magnitudeOf(sketch.last),
    );
  },
  slice: (sketch, { a }) => {
    const axis = 1 + (a % (sketch.shape.length - 1));
    sketch.add(
      "ann.slice",
      {
        starts: sketch.shape.map(() => 0),
        sizes: sketch.shape.map((extent, i) => (i === axis ? Math.ceil(extent / 2) : extent)),
        steps: sketch.shape.map((extent, i) => (i === axis && extent > 1 ? 2 : 1)),
      },
      sketch.magnitudeOf(sketch.last),
    );
  },
  flatten: (sketch, { a }) => {
    if (a > 3) {
      const shape = [1, elementCount(sketch.shape)];
      sketch.add("ann.reshape", { shape }, sketch.magnitudeOf(sketch.last));
    }
  },
  transpose: (sketch, { a }) => {
    if (!sketch.isImage || a % 2 === 0) return;
    sketch.add("ann.transpose", { perm: [0, 2, 3, 1] }, sketch.magnitudeOf(sketch.last));
  },
} as const satisfies Record<string, (sketch: IntegerSketch, step: Step) => void>;

export type StepKind = keyof typeof steps;

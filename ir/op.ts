/**
 * The op set: one map from op kind to attributes. Everything else about an op (types, meaning,
 * text) follows this map, and TypeScript lists each table that lacks a new key.
 *
 * `ann.*` ops mean what their ONNX namesakes mean, with every attribute explicit and resolved to
 * the shapes at hand. `snn.*` ops have a state or look across timesteps. Synaptic and structural
 * `ann.*` ops are shared by both kinds of network.
 */
import type { Loc } from "./loc.ts";
import type { TensorRef } from "./tensor.ts";
import type { DType, Shape, Type } from "./type.ts";

type None = Record<never, never>;

/** Elementwise functions of one value. */
export const unaryNames = [
  "abs",
  "acos",
  "acosh",
  "asin",
  "asinh",
  "atan",
  "atanh",
  "ceil",
  "cos",
  "cosh",
  "erf",
  "exp",
  "floor",
  "hard-swish",
  "identity",
  "is-nan",
  "log",
  "mish",
  "neg",
  "not",
  "reciprocal",
  "relu",
  "round",
  "sigmoid",
  "sign",
  "sin",
  "sinh",
  "softplus",
  "softsign",
  "sqrt",
  "tan",
  "tanh",
] as const;
export type UnaryName = (typeof unaryNames)[number];

/** Elementwise functions of two values, with broadcasting. */
export const binaryNames = [
  "add",
  "and",
  "div",
  "equal",
  "greater",
  "greater-or-equal",
  "less",
  "less-or-equal",
  "max",
  "min",
  "mul",
  "or",
  "pow",
  "sub",
  "xor",
] as const;
export type BinaryName = (typeof binaryNames)[number];

/** Reductions over axes. */
export const reduceNames = [
  "l1",
  "l2",
  "log-sum",
  "log-sum-exp",
  "max",
  "mean",
  "min",
  "prod",
  "sum",
  "sum-square",
] as const;
export type ReduceName = (typeof reduceNames)[number];

export interface ReduceAttrs {
  /** Sorted, non-negative, without repeats; empty means that nothing is reduced. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** A window that slides over the trailing spatial axes: axes 0 and 1 are batch and channel. */
export interface WindowAttrs {
  readonly strides: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly dilations: readonly number[];
}

export interface PoolAttrs extends WindowAttrs {
  readonly kernel: readonly number[];
  /** Round the output extent up; windows that start beyond the begin-padded input are left out. */
  readonly ceilMode: boolean;
}

export interface ArgAttrs {
  readonly axis: number;
  readonly keepDims: boolean;
  /** On a tie take the last index; the first otherwise. */
  readonly selectLast: boolean;
}

export type ResetMode = "subtract" | "zero";

/** Attributes of the ops that are not in the families above, by kind. */
interface OtherAttrs {
  /** A value that the caller gives, the same at every timestep. */
  "ann.input": { readonly name: string };
  "ann.constant": { readonly value: TensorRef };

  // Synapses: linear in their input, with weights as attributes. On floats, all of one type. On
  // integers (i8, u8, i32) weights and scales are i8, biases and shifts i32, and so is the result,
  // exactly; sums wrap beyond 32 bits, and `ir/bounds.ts` proves where they do not get there.
  /** y = weight ⋆ x + bias. weight [out, in / groups, …kernel], bias [out]. */
  "ann.conv": WindowAttrs & {
    readonly weight: TensorRef;
    readonly bias: TensorRef | null;
    readonly groups: number;
  };
  /** Transposed convolution. weight [in, out / groups, …kernel], bias [out]. */
  "ann.conv-transpose": WindowAttrs & {
    readonly weight: TensorRef;
    readonly bias: TensorRef | null;
    readonly groups: number;
    readonly outputPadding: readonly number[];
  };
  /** y = x · weightᵀ + bias over the last axis. weight [out, in], bias [out]. */
  "ann.linear": { readonly weight: TensorRef; readonly bias: TensorRef | null };
  /** y = x · scale + shift; both broadcast to x without enlarging it. */
  "ann.affine": { readonly scale: TensorRef; readonly shift: TensorRef };
  "ann.average-pool": PoolAttrs & { readonly countIncludePad: boolean };

  // Products and contractions of values.
  "ann.matmul": None;
  "ann.einsum": { readonly equation: string };

  // Pooling and normalisation.
  "ann.max-pool": PoolAttrs;
  /** (x − mean) / √(variance + epsilon) · scale + bias, each [C], along axis 1. */
  "ann.batchnorm": {
    readonly scale: TensorRef;
    readonly bias: TensorRef;
    readonly mean: TensorRef;
    readonly variance: TensorRef;
    readonly epsilon: number;
  };
  /** Normalises over axes ≥ axis, then · scale + bias (broadcast to the normalised axes). */
  "ann.layernorm": {
    readonly axis: number;
    readonly epsilon: number;
    readonly scale: TensorRef | null;
    readonly bias: TensorRef | null;
  };
  /** Normalises each sample's channel group over its extent; scale and bias [C]. */
  "ann.groupnorm": {
    readonly groups: number;
    readonly epsilon: number;
    readonly scale: TensorRef;
    readonly bias: TensorRef;
  };
  /** Local response normalisation across channels (axis 1). */
  "ann.lrn": {
    readonly size: number;
    readonly alpha: number;
    readonly beta: number;
    readonly bias: number;
  };
  "ann.softmax": { readonly axis: number };
  "ann.log-softmax": { readonly axis: number };
  "ann.hardmax": { readonly axis: number };

  // Activations with parameters.
  "ann.clip": { readonly min: number; readonly max: number };
  "ann.leaky-relu": { readonly alpha: number };
  /** x where x ≥ 0, slope · x elsewhere; slope broadcasts to x. */
  "ann.prelu": { readonly slope: TensorRef };
  "ann.elu": { readonly alpha: number };
  "ann.celu": { readonly alpha: number };
  "ann.selu": { readonly alpha: number; readonly gamma: number };
  "ann.hard-sigmoid": { readonly alpha: number; readonly beta: number };
  "ann.thresholded-relu": { readonly alpha: number };
  "ann.shrink": { readonly bias: number; readonly lambda: number };
  "ann.gelu": { readonly approximate: "none" | "tanh" };
  "ann.is-inf": { readonly negative: boolean; readonly positive: boolean };
  /** Remainder: of truncated division where `truncate` (C's fmod), of floored division else. */
  "ann.mod": { readonly truncate: boolean };

  // Structure: moves, copies and selects, computes nothing.
  "ann.reshape": { readonly shape: Shape };
  "ann.transpose": { readonly perm: readonly number[] };
  "ann.concat": { readonly axis: number };
  /** Per axis: element starts[i] + k · steps[i] for k < sizes[i]; steps may be negative. */
  "ann.slice": {
    readonly starts: readonly number[];
    readonly sizes: readonly number[];
    readonly steps: readonly number[];
  };
  /** Per axis; negative pads crop. `value` is used by mode "constant" only. */
  "ann.pad": {
    readonly begin: readonly number[];
    readonly end: readonly number[];
    readonly mode: "constant" | "reflect" | "edge" | "wrap";
    readonly value: number;
  };
  "ann.expand": { readonly shape: Shape };
  "ann.tile": { readonly repeats: readonly number[] };
  /** Operands: data, indices (integer, negative counts from the end). */
  "ann.gather": { readonly axis: number };
  "ann.gather-elements": { readonly axis: number };
  "ann.gather-nd": { readonly batchDims: number };
  /** Operands: data, indices, updates. */
  "ann.scatter-elements": {
    readonly axis: number;
    readonly reduction: "none" | "add" | "mul" | "max" | "min";
  };
  "ann.scatter-nd": { readonly reduction: "none" | "add" | "mul" | "max" | "min" };
  /** Interpolation as ONNX Resize defines it; scales and sizes are both given, per axis. */
  "ann.resize": {
    readonly sizes: Shape;
    readonly scales: readonly number[];
    readonly mode: "nearest" | "linear" | "cubic";
    readonly coordinates:
      | "half_pixel"
      | "half_pixel_symmetric"
      | "pytorch_half_pixel"
      | "align_corners"
      | "asymmetric"
      | "tf_crop_and_resize"
      /** Of opsets 11 and 12 only. */
      | "tf_half_pixel_for_nn";
    readonly nearest: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
    readonly cubicCoefficient: number;
    readonly excludeOutside: boolean;
    readonly extrapolation: number;
    readonly antialias: boolean;
    /** Region of interest for tf_crop_and_resize: starts then ends, per axis; else empty. */
    readonly roi: readonly number[];
  };
  /** Keeps the upper (or lower) triangle of the last two axes; `diagonal` shifts it. */
  "ann.trilu": { readonly upper: boolean; readonly diagonal: number };
  /** Operands: condition (bool), x, y. */
  "ann.where": None;
  "ann.cast": { readonly to: DType; readonly saturate: boolean };
  "ann.argmax": ArgAttrs;
  "ann.argmin": ArgAttrs;
  "ann.cumsum": { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };
  /** Operands: indices, values [off, on]. The new axis has extent `depth`. */
  "ann.one-hot": { readonly axis: number; readonly depth: number };
  /** Operands: x, scale, zero point. Per tensor, or per element of `axis`. */
  "ann.quantize-linear": { readonly axis: number; readonly to: DType };
  "ann.dequantize-linear": { readonly axis: number };

  // Spiking.
  /**
   * Integrate-and-fire. In each timestep, in this order:
   *
   *     u[t] = v[t−1] + x[t]                        integrate (no leak)
   *     s[t] = 1 where u[t] ≥ threshold, else 0     fire; a tie fires
   *     v[t] = u[t] − threshold · s[t]              reset by subtraction
   *            or 0 where s[t] = 1, else u[t]       reset to zero
   *     y[t] = amplitude · s[t]
   *
   * v[0] = vInit, an absolute potential. All three tensors broadcast to the value's shape:
   * scalar, per channel, or per neuron. Reset by subtraction conserves charge:
   * Σ x = threshold · Σ s + v[T] − v[0]. (Rueckauer et al. 2017; Bu et al. 2022 for v[0].)
   *
   * On f32, u and v are each rounded once. On i32, threshold, vInit and potentials are i32,
   * amplitudes and spikes i8, and nothing is rounded; potentials would wrap beyond 32 bits, for
   * which `ir/bounds.ts` knows the number of timesteps that is safe.
   */
  "snn.if": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly reset: ResetMode;
  };
  /**
   * Max-pooling of values over time by their running sums S[t] = x[1] + … + x[t]:
   *
   *     y[t] = maxpool(S[t]) − maxpool(S[t−1])
   *
   * so that the outputs up to t sum to the pool of the sums up to t, exactly and at each t. On the
   * spikes of equally scaled neurons it passes the spikes of the one that has fired most (Li & Zeng,
   * IJCAI 2022; the gating of Rueckauer et al. 2017 made exact). Padding never wins.
   */
  "snn.max-pool": PoolAttrs;
  /**
   * The decoder of rate code: the mean of x over the timesteps seen so far, leaving out the first
   * `start`. Until as many timesteps have followed as are left out (t < 2 · start) it is the mean
   * over all of 1 … t, so that a run can be read at each t. The mean of integers is an f32: the exact
   * sum divided in double precision, rounded once.
   */
  "snn.readout": { readonly start: number };
}

/** Attributes of every op, by kind. */
export type OpAttrs = { readonly [U in UnaryName as `ann.${U}`]: None } & {
  readonly [B in BinaryName as `ann.${B}`]: None;
} & { readonly [R in ReduceName as `ann.reduce-${R}`]: ReduceAttrs } & OtherAttrs;

export type OpKind = keyof OpAttrs;

declare const valueId: unique symbol;
/** The result of one op. Branded, so that a plain number cannot pass for one. */
export type ValueId = number & { readonly [valueId]: true };

/** One op in the graph: `%result = kind(inputs) {attrs} : type`. */
export type Op<K extends OpKind = OpKind> = {
  [P in K]: {
    readonly kind: P;
    readonly result: ValueId;
    readonly inputs: readonly ValueId[];
    readonly attrs: OpAttrs[P];
    readonly type: Type;
    readonly loc: Loc;
  };
}[K];

/** The members of the union whose kind is one of `K`. */
export type OpOf<K extends OpKind> = Extract<Op, { readonly kind: K }>;

/** Narrows an op to the kinds named. */
export function isOp<K extends OpKind>(op: Op, ...kinds: readonly K[]): op is OpOf<K> {
  return kinds.some((kind) => kind === op.kind);
}

/**
 * The op set: one map from op kind to attributes. Everything else about an op (types, meaning,
 * text) follows this map, and TypeScript lists each table that lacks a new key.
 *
 * `ann.*` ops mean what their ONNX namesakes mean, with every attribute explicit and resolved to
 * the shapes at hand. `snn.*` ops have a state or look across timesteps. Synaptic and structural
 * `ann.*` ops are shared by both kinds of network.
 */
import type { Loc } from "../loc.ts";
import type {
  ReduceAttrs,
  WindowAttrs,
  PoolAttrs,
  ArgAttrs,
  ResetMode,
  RehearsalRule,
  Alphabet,
  Sign,
  Rounding,
  StepSchedule,
} from "./attrs.ts";
import type { BinaryName, ReduceName, UnaryName } from "./names.ts";
import type { TensorRef } from "../tensor.ts";
import type { DType, Shape, Type } from "../type.ts";

export type {
  ReduceAttrs,
  WindowAttrs,
  PoolAttrs,
  ArgAttrs,
  Alphabet,
  Sign,
  Rounding,
  StepSchedule,
} from "./attrs.ts";
export {
  binaryNames,
  reduceNames,
  unaryNames,
  type BinaryName,
  type ReduceName,
  type UnaryName,
} from "./names.ts";

type None = Record<never, never>;

/** Attributes of the ops that are not in the families above, by kind. */
interface OtherAttrs {
  /** A value that the caller gives, the same at every timestep. Its type is the one that is written. */
  "ann.input": { readonly name: string };
  "ann.constant": { readonly value: TensorRef };

  // Synapses: linear in their input, with weights as attributes. On floats, all of one type. On
  // integers (i8, u8, i32) weights and scales are i8, biases and shifts i32, and so is the result,
  // exactly; sums wrap beyond 32 bits, and `ir/analysis/bounds.ts` proves where they do not get there.
  /**
   * weight [out, in / groups, …kernel], bias [out]. With the channels in `groups` equal parts,
   *
   *     y[n, o, p] = bias[o] + Σ weight[o, c, k] · x[n, g·in/groups + c, p·stride + k·dilation − padBegin]
   *
   * over c < in / groups, of the group g = ⌊o·groups/out⌋, and over the taps k; p and k go by axis, and x
   * is 0 outside. Extents: ⌊(in + padBegin + padEnd − reach)/stride⌋ + 1, reach = dilation·(kernel − 1) + 1.
   */
  "ann.conv": WindowAttrs & {
    readonly weight: TensorRef;
    readonly bias: TensorRef | null;
    readonly groups: number;
  };
  /**
   * weight [in, out / groups, …kernel], bias [out]. With g and o of a group as in `ann.conv`,
   *
   *     y[n, g·out/groups + o, q] = bias + Σ weight[c, o, k] · x[n, c, p]
   *
   * over the channels c of group g and all p and k with q = p·stride + k·dilation − padBegin. Extents:
   * stride·(in − 1) + outputPadding + reach − padBegin − padEnd.
   */
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
  /**
   * The sum of the elements of x in a window over their number; with `countIncludePad` over the number
   * of taps within the padded extents, which leaves out what hangs over the end with `ceilMode`.
   * Windows lie as those of `ann.max-pool`.
   */
  "ann.average-pool": PoolAttrs & { readonly countIncludePad: boolean };

  // Products and contractions of values.
  "ann.matmul": None;
  /**
   * ONNX's Einsum: letters and at most one "..." a term; without "->" the result has the axes of "...",
   * then the letters that occur once, by their codes. A letter met twice in a term is a diagonal.
   */
  "ann.einsum": { readonly equation: string };

  // Pooling and normalisation.
  /**
   * The window p sees x at p·stride + k·dilation − padBegin, for k < kernel, where that is within x.
   * Extents: ⌊(in + padBegin + padEnd − reach)/stride⌋ + 1, reach = dilation·(kernel − 1) + 1; with
   * `ceilMode` rounded up instead, and one less where (extent − 1)·stride ≥ in + padBegin.
   */
  "ann.max-pool": PoolAttrs;
  /** (x − mean) / √(variance + epsilon) · scale + bias, each [C], along axis 1. */
  "ann.batchnorm": {
    readonly scale: TensorRef;
    readonly bias: TensorRef;
    readonly mean: TensorRef;
    readonly variance: TensorRef;
    readonly epsilon: number;
  };
  /**
   * (x − mean) / √(variance + epsilon), of all elements along the axes from `axis` on; then · scale +
   * bias, which broadcast to these axes. The variance is divided by n.
   */
  "ann.layernorm": {
    readonly axis: number;
    readonly epsilon: number;
    readonly scale: TensorRef | null;
    readonly bias: TensorRef | null;
  };
  /**
   * (x − mean) / √(variance + epsilon), of all elements of a group of channels of one sample; then ·
   * scale + bias, [C], along axis 1. The variance is divided by n.
   */
  "ann.groupnorm": {
    readonly groups: number;
    readonly epsilon: number;
    readonly scale: TensorRef;
    readonly bias: TensorRef;
  };
  /**
   * Across channels, axis 1: y[c] = x[c] / (bias + alpha/size · Σ x[k]²)^beta, over the channels k from
   * c − ⌊(size − 1)/2⌋ to c + ⌈(size − 1)/2⌉ that there are.
   */
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
  /** With "tanh" x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))). */
  "ann.gelu": { readonly approximate: "none" | "tanh" };
  /**
   * The firing rate of a leaky integrate-and-fire neuron whose threshold is 1, smoothed where it sets
   * in, times the amplitude. tauRc and tauRef in seconds, so rates are in Hz; x is the current J:
   *
   *     ρ = sigma · log(1 + exp((x − 1)/sigma))     the current above threshold, rounded off
   *     y = amplitude / (tauRef + tauRc · log(1 + 1/ρ))
   *
   * As sigma goes to 0 it becomes the rate of `snn.lif`, 0 up to x = 1 and of infinite slope there.
   * (Hunsberger & Eliasmith 2016.)
   */
  "ann.soft-lif": {
    readonly tauRc: number;
    readonly tauRef: number;
    readonly sigma: number;
    readonly amplitude: number;
  };
  /**
   * A rounded clip, what quantising to integers and back comes to: a staircase with a step for each
   * whole number n from low to high:
   *
   *     y = step · clip(⌊x / step⌉, low, high)
   *
   * The quotient is rounded to the element type, then to a whole number: `nearest` (a tie to the even
   * one), `floor` or `ceil`. low and high are whole numbers, or infinite. NaN stays NaN. Where low = 0
   * it is a rectifier with the ceiling step · high.
   */
  "ann.fake-quantize": {
    readonly step: number;
    readonly low: number;
    readonly high: number;
    readonly rounding: Rounding;
  };
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
  /**
   * Per axis; negative pads crop. `value` is used by mode "constant" only, and is 0 where x changes over
   * time. "reflect" goes back and forth without repeating the ends.
   */
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
  /**
   * ONNX's Resize (opset 19; of opset 10 with "asymmetric" and "floor"), axis after axis. `sizes` is the
   * shape of the result, `scales` what coordinates go by: ONNX's length_resized is scale · in, or the
   * size where these differ by 1e-6 of it at most, and "nearest" rounds the coordinate to float32 first.
   */
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
  /** By the rules of numerics.md; `saturate` changes nothing, as there is no float8. */
  "ann.cast": { readonly to: DType; readonly saturate: boolean };
  "ann.argmax": ArgAttrs;
  "ann.argmin": ArgAttrs;
  "ann.cumsum": { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };
  /**
   * Operands: indices, values [off, on]. The new axis has extent `depth`. A negative index counts from
   * the end; the line of one that is outside is off.
   */
  "ann.one-hot": { readonly axis: number; readonly depth: number };
  /**
   * Operands: x, scale, zero point. Per tensor, or per element of `axis`. x / scale is rounded to the
   * scale's element type, then to a whole number.
   */
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
   * On f32, u and v are each rounded once. No potential of NaN fires. On i32, threshold, vInit and potentials are i32,
   * amplitudes and spikes i8, and nothing is rounded; potentials would wrap beyond 32 bits, for
   * which `ir/analysis/bounds.ts` knows the number of timesteps that is safe.
   */
  "snn.if": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly reset: ResetMode;
  };
  /**
   * Integrate-and-fire that rehearses: the neuron runs for `rehearsal` = ρ timesteps, then starts anew
   * with what it learned. Each timestep is one of `snn.if` with reset by subtraction. With ε =
   * 0.001 · threshold, and over the timesteps t ≤ ρ
   *
   *     e = min (v[t] + ε) where s[t] = 1                  lower by this, and a spike would not have come
   *     g = min (threshold − v[t] + ε) where s[t] = 0      higher by this, and one more would have come
   *
   * (∞ where there is no such t), the potential before timestep ρ + 1 is, with rule `offset`
   *
   *     vInit − max(threshold, e)                   where v[ρ] < 0 and e < ∞: a spike too many
   *     vInit + max(threshold, g)                   where v[ρ] ≥ threshold and g < ∞: one too few
   *     vInit                                       elsewhere
   *
   * and with rule `silence` −∞, so that it never fires again, where v[ρ] ≤ ε, elsewhere vInit. (Hao et
   * al., ICLR 2023 and AAAI 2023.) Potentials are absolute: v[ρ] has vInit in it, as with the authors.
   * All neurons of a network rehearse at the same time. f32 only; 0.001 is the nearest f32, and each
   * +, − and · is rounded once.
   */
  "snn.rehearsed-if": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly rehearsal: number;
    readonly rule: RehearsalRule;
  };
  /**
   * Graded neurons: spikes of several sizes, of either sign, with a step that may shrink over time.
   * K = 2^bits − 1, and step q_t and amplitude a_t are threshold and amplitude by the schedule: as they
   * are (constant), divided by t (reciprocal), times the larger of 2^−(t−1) and 2^−24 (halving), or times
   * row min(t, S) of the table `shares` [S, …], whose rows broadcast to the neurons (table); r is the
   * total that was sent, 0 at first. In each timestep, in this order:
   *
   *     u[t] = v[t−1] + x[t]                        integrate (no leak)
   *     w[t] = u[t], or max(u[t], −r[t−1])          what there is to send
   *     k[t] = clip(⌊w[t]/q_t + ½⌋, low, high)      fire the nearest multiple of the step; a tie fires up
   *     v[t] = u[t] − k[t]·q_t                      reset by subtraction
   *     r[t] = r[t−1] + k[t]·q_t
   *     y[t] = a_t · k[t]
   *
   * v[0] = vInit. sign: `positive`, low = 0; `free`, low = −K; `retract`, low = −K, and w is the maximum:
   * spikes take back what was sent, and no more but for rounding, which later ones make up for where
   * steps shrink. high = K, or min(K, ⌊(ceiling − r[t−1])/q_t + ½⌋) where there is a ceiling on the
   * total, which may be below 0; clip(x, low, high) = max(low, min(high, x)).
   * Alphabet `word`: every integer from low to high, an n-bit word of as many binary spikes as |k| has
   * bits set. Alphabet `power`: k = ±2^e, the largest e < bits with ¾ · 2^e · q_t ≤ |w| that keeps
   * within low and high, else 0; with `retract`, low = −max(0, min(K, ⌊r[t−1]/q_t + ½⌋)) here.
   *
   * One family: bits 1 with sign positive is `snn.if` with v[0] raised by half a threshold; with sign
   * retract the signed neuron of Wang et al. (IJCAI 2022), ST-BIF and SpikeGrad; more bits, burst
   * neurons (Li & Zeng 2022) and H-MT (AAAI 2026); with steps of 1/t, differential coding (Huang et
   * al., ICML 2025); halving, radix coding. Steps that shrink go with operands that are increments
   * (`snn.difference`), whose sum is the value.
   *
   * On f32 each +, −, · and / above is rounded once, those that make q_t and a_t as well: y is
   * fl(k · fl(amplitude · share)), and ⌊w/q + ½⌋ is ⌊fl(fl(w/q) + ½)⌋. On i32 everything is exact, spikes
   * are i32, and the schedule is constant, or a table of whole shares from 1 up: the finest step is the
   * unit, and earlier ones are multiples of it. The largest step is a number of 32 bits.
   */
  "snn.graded": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly ceiling: TensorRef | null;
    readonly bits: number;
    readonly alphabet: Alphabet;
    readonly sign: Sign;
    readonly schedule: StepSchedule;
    /** Given with schedule `table` only. */
    readonly shares: TensorRef | null;
  };
  /**
   * Leaky integrate-and-fire with a refractory period, driven by a current J = x[t] that is constant
   * within a timestep. λ = `leak` is what is left of a potential after one timestep, exp(−dt/τ);
   * `refractory` is τ_ref/dt. w[0] = 0 is how long the neuron is still silenced. In each timestep:
   *
   *     δ    = clip(1 − w[t−1], 0, 1)               the part of the step in which it integrates
   *     u[t] = J + (v[t−1] − J) · λ^δ               leak and integrate, exactly
   *     s[t] = 1 where u[t] ≥ threshold and δ > 0   fire; a tie fires
   *     v[t] = 0 where s[t] = 1 (reset zero), u[t] − threshold (subtract), else max(u[t], 0)
   *     w[t] = max(w[t−1] − 1, 0), or max(refractory − e, 0) where s[t] = 1
   *     y[t] = amplitude · s[t]
   *
   * e is how long before the end of the step the threshold was crossed: 0 with spikeTime "step"; with
   * "exact" log1p(max(−1, −(u − threshold)/(J − threshold))) / ln λ, at most δ (as where the potential
   * was above the threshold all along), and 0 where J ≤ threshold.
   * v[0] = vInit. The potential does not go below 0 (Hunsberger & Eliasmith 2016; the update is that
   * of the Nengo simulator). On f32 it is computed in double precision, λ^δ as exp(δ · ln λ), and v and w
   * are rounded to f32 at the end of the step.
   *
   * On i32 all is exact but for what leaks. λ is a whole multiple k/2^16, and
   *
   *     u[t] = J + trunc((v[t−1] − J) · k / 2^16)   rounded towards 0, so that u gets to J itself
   *
   * where δ = 1; `refractory` is a whole number, so that δ is 1 or 0, and with 0 u[t] = v[t−1];
   * spikeTime is "step"; spikes are i32. No potential leaves the range of currents, vInit and 0.
   */
  "snn.lif": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly leak: number;
    readonly refractory: number;
    readonly spikeTime: "step" | "exact";
    readonly reset: ResetMode;
  };
  /**
   * Few-spikes neurons (Stoeckl & Maass 2021): a value as K weighted spikes. Only in a module of code
   * `few-spikes`: the neuron receives the whole frame x[1] … x[T] before it fires its own.
   *
   *     v[0] = vInit + Σ x                          integrate the frame
   *     z[t] = 1 where v[t−1] ≥ threshold[t], else 0    fire; a tie fires
   *     v[t] = v[t−1] − reset[t] · z[t]
   *     y[t] = amplitude[t] · z[t]                  for t = 1 … K; 0 for K < t ≤ T
   *
   * The frame is summed in double precision and rounded to f32; then each + and − is rounded once. Of
   * K > T rows the first T fire, and no potential of NaN does.
   *
   * threshold, reset and amplitude are [K, …]: a row per spike, whose rest broadcasts to the value's
   * shape. With all three α·2^(K−t) and vInit half the last of them this is ReLU rounded to K bits.
   * On i32 everything is exact, and spikes are i32.
   */
  "snn.few-spikes": {
    readonly threshold: TensorRef;
    readonly reset: TensorRef;
    readonly amplitude: TensorRef;
    readonly vInit: TensorRef;
  };
  /**
   * Time to first spike: a value as the time of one spike. Only in a module of code `ttfs`: the neuron
   * receives the whole frame of T ticks before its own begins, then climbs a ramp of slope q =
   * threshold and fires when it reaches (T + 1)·q, once:
   *
   *     v = vInit + Σ x                             integrate the frame
   *     t* = T + 1 − min(v/q, T)                    when v + t·q reaches (T + 1)·q; no spike if v/q ≤ 0
   *     y[t] = amplitude · (T + 1 − t*)             at tick min(T, ⌊t*⌋), else 0
   *
   * The frame is summed in double precision and rounded to f32; then +, / and · are rounded once each.
   * With resolution "tick" v/q is first rounded to a whole number, ⌊fl(fl(v/q) + ½)⌋, and no spike where
   * that is 0 or less: t* is a tick. With "continuous" the spike falls between ticks, and the sum of the frame
   * is the rectified value itself, up to the window T·q (Stanojevic et al. 2022, 2024). The worth of a
   * spike, T + 1 − t*, is what the ramp it starts at its synapses has grown to at the end of the frame.
   * On i32 the resolution is "tick", T + 1 − t* = clip(⌊v/q + ½⌋, 0, T) is exact, and spikes are i32.
   */
  "snn.ttfs": {
    readonly threshold: TensorRef;
    readonly vInit: TensorRef;
    readonly amplitude: TensorRef;
    readonly resolution: "tick" | "continuous";
  };
  /**
   * A bias for each timestep: y[t] = x[t] + table[min(t, R)], with table [R, …], whose rest broadcasts
   * to the shape of x. (Wu et al., ECCV 2024, forward temporal bias correction.)
   */
  "snn.temporal-bias": { readonly table: TensorRef };
  /**
   * A synapse that smooths: y[t] = decay · y[t−1] + (1 − decay) · x[t], y[0] = 0, in double precision,
   * rounded once; y[t−1] is the rounded one. decay = exp(−dt/τ_s).
   */
  "snn.low-pass": { readonly decay: number };
  /**
   * The decoder of codes that send increments: y[t] = x[1] + … + x[t], in double precision, rounded
   * once per step.
   */
  "snn.accumulate": None;
  /**
   * A decoded value as increments: y[t] = x[t] − x[t−1], x[0] = 0, rounded once. Of a value that stays the same it is
   * that value at t = 1 and 0 afterwards, of an infinite one and of NaN as well. Of floats or i32.
   */
  "snn.difference": None;
  /**
   * Max-pooling of values over time by their running sums S[t] = x[1] + … + x[t]:
   *
   *     y[t] = maxpool(S[t]) − maxpool(S[t−1])
   *
   * so that the outputs up to t sum to the pool of the sums up to t, exactly and at each t. On the
   * spikes of equally scaled neurons it passes the spikes of the one that has fired most (Li & Zeng,
   * IJCAI 2022; the gating of Rueckauer et al. 2017 made exact). Padding never wins, and the pool of
   * nothing is 0: maxpool(S[0]) = 0. Sums in double precision, y rounded once.
   */
  "snn.max-pool": PoolAttrs;
  /** `snn.max-pool`, whose sums and their pool start at 0 again after `rehearsal` timesteps. f32 only. */
  "snn.rehearsed-max-pool": PoolAttrs & { readonly rehearsal: number };
  /**
   * The decoder of rate code: the mean of x over the timesteps seen so far, leaving out the first
   * `start`. Until as many timesteps have followed as are left out (t < 2 · start) it is the mean
   * over all of 1 … t, so that a run can be read at each t:
   *
   *     y[t] = (x[1] + … + x[t]) / t                        where t < 2 · start
   *     y[t] = (x[start+1] + … + x[t]) / (t − start)        elsewhere
   *
   * Summed and divided in double precision, rounded once to f32, of integers as well.
   */
  "snn.readout": { readonly start: number };
  /**
   * `snn.readout` that starts anew after `rehearsal` timesteps: from then on t, and with it `start`,
   * counts from there, so that nothing of the rehearsal is in the mean. f32 only.
   */
  "snn.rehearsed-readout": { readonly start: number; readonly rehearsal: number };
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

/** Ops that are populations of neurons: they fire, and have a membrane potential. */
export const neuronKinds = [
  "snn.if",
  "snn.rehearsed-if",
  "snn.graded",
  "snn.lif",
  "snn.few-spikes",
  "snn.ttfs",
] as const satisfies readonly OpKind[];
export type NeuronKind = (typeof neuronKinds)[number];

/** Whether the op is a population of neurons. */
export function isNeuron(op: Op): op is OpOf<NeuronKind> {
  return isOp(op, ...neuronKinds);
}

/** Ops that start anew after `rehearsal` timesteps. */
export const rehearsedKinds = [
  "snn.rehearsed-if",
  "snn.rehearsed-max-pool",
  "snn.rehearsed-readout",
] as const satisfies readonly OpKind[];

/** Ops that move elements of their operands about and compute nothing. */
const moveKinds = [
  "ann.identity",
  "ann.reshape",
  "ann.transpose",
  "ann.concat",
  "ann.slice",
  "ann.pad",
  "ann.expand",
  "ann.tile",
  "ann.trilu",
] as const satisfies readonly OpKind[];

/** Ops that move elements of their first operands to where the second says. */
const gatherKinds = [
  "ann.gather",
  "ann.gather-elements",
  "ann.gather-nd",
] as const satisfies readonly OpKind[];

/** Whether each element of the result is one of an operand's, or a constant. */
export function isMove(op: Op): op is OpOf<(typeof moveKinds)[number]> {
  return isOp(op, ...moveKinds);
}

/**
 * The operands, by number, whose elements `op` moves about: what a spike is made of and where it is
 * counted goes along with them. Null for an op that computes, and where indices are no constants.
 */
export function movedOperands(
  op: Op,
  opOf: (value: ValueId) => Op | undefined,
): readonly number[] | null {
  if (isMove(op)) return op.inputs.map((_, i) => i);
  if (!isOp(op, ...gatherKinds)) return null;
  const [, indices] = op.inputs;
  const isConstant = indices !== undefined && opOf(indices)?.kind === "ann.constant";
  return isConstant ? [0] : null;
}

/** Narrows an op to the kinds named. */
export function isOp<K extends OpKind>(op: Op, ...kinds: readonly K[]): op is OpOf<K> {
  return kinds.some((kind) => kind === op.kind);
}

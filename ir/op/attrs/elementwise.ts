/** Attributes of the functions of single elements that have some: activations with parameters, changes of type. */
import type { Rounding } from "./shared.ts";
import type { TensorRef } from "../../tensor.ts";
import type { DType } from "../../type.ts";

export interface ElementwiseOps {
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
  /** SiLU where alpha = 1. (Ramachandran, Zoph & Le 2017.) */
  "ann.swish": { readonly alpha: number };
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
  /** By the rules of numerics.md; `saturate` changes nothing, as there is no float8. */
  "ann.cast": { readonly to: DType; readonly saturate: boolean };
  /**
   * Operands: x, scale, zero point. Per tensor, or per element of `axis`. x / scale is rounded to the
   * scale's element type, then to a whole number.
   */
  "ann.quantize-linear": { readonly axis: number; readonly to: DType };
  "ann.dequantize-linear": { readonly axis: number };
}
